"""Tell by the events of a partition, block by block of records, when a day of theirs is over."""

from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

SECONDS: Final = 86_400
"""Seconds of a day, which is one of UTC."""
MIN_BLOCK: Final = 64
MAX_BLOCK: Final = 4096
"""Records in a block, at the end of which the day is looked at: a cut costs a slice's overhead."""
BLOCKS_A_DAY: Final = 4
"""Blocks of a day, between those limits: a day is noticed to be over by a quarter of it late."""
PATIENCE: Final = 3
"""Blocks in a row of earlier days, after which an earlier day is believed."""

Turn = Literal["same", "over", "restarted"]


class EventDays(msgspec.Struct):
    """The day that a partition is in by its events' times, and how much of it is known.

    The day of a block is the median of its events' days, so that neither some wrong times nor
    events that come late turn a day. It depends on nothing but the log.

    Attributes
    ----------
    day
        Days since 1970; None before the first block.
    complete
        Whether the day was seen from its beginning.
    records
        Records in the day so far.
    before
        Records of the day before.
    left
        Records until the end of the block.
    counts
        Events of the block, by day.
    behind
        Blocks in a row that were of earlier days.
    """

    day: int | None = None
    complete: bool = False
    records: int = 0
    before: int = 0
    left: int = MIN_BLOCK
    counts: dict[int, int] = {}

    behind: int = 0

    def see(self, ts: NDArray[np.float64]) -> None:
        """Count the events of a part of the block, by their times in seconds since 1970."""
        first, last = int(ts.min() // SECONDS), int(ts.max() // SECONDS)
        if first == last:  # sorting them takes ten times as long
            self.counts[first] = self.counts.get(first, 0) + len(ts)
            return
        days = np.floor_divide(ts, SECONDS).astype(np.int64)
        for day, count in zip(*np.unique(days, return_counts=True), strict=True):
            self.counts[int(day)] = self.counts.get(int(day), 0) + int(count)

    def advance(self, records: int) -> bool:
        """Count records that were processed; return whether the block ends with them."""
        self.records += records
        self.left -= records
        return self.left == 0

    def end_block(self) -> Turn:
        """Begin the next block; return whether a day is over, or an earlier one begins again."""
        median, turn = self._median(), self._turn()
        if turn != "same":
            self.complete = turn == "over" and self.day is not None
            self.day, self.before, self.records = median, self.records, 0
        known = max(self.before, self.records) // BLOCKS_A_DAY
        block = known if self.complete else self.records // 2
        self.left = min(max(MIN_BLOCK, block), MAX_BLOCK)
        self.counts = {}
        return turn

    def _turn(self) -> Turn:
        median = self._median()
        if median is None:
            return "same"
        if self.day is None or median > self.day:
            self.behind = 0
            return "over"
        self.behind = self.behind + 1 if median < self.day - 1 else 0
        if self.behind < PATIENCE:
            return "same"
        self.behind = 0
        return "restarted"

    def _median(self) -> int | None:
        """Return the day that half of the block's events are of, or before; None without events."""
        half = -(-sum(self.counts.values()) // 2)
        for day in sorted(self.counts):
            half -= self.counts[day]
            if half <= 0:
                return day
        return None
