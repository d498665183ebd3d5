"""What an agent receives from a sliced topic, and how large it may be.

Pure: no Kafka, no event loop, no clock.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from streamproc.schemas import records as core

__all__ = ["BATCH_BYTES", "BatchSizer", "Record", "Slice", "SliceLimits", "split"]

#: Records of the first slice of a topic, before anything is known of what a record costs.
#: From there :class:`BatchSizer` doubles: 5,000 are reached at the sixth slice, while a handler
#: that needs 10 ms a record blocks the loop for 2.5 s once, and not for 50 s.
_FIRST = 250

#: Bytes that a batch may unpack to; eight of the largest records that are read by default.
BATCH_BYTES = 64 << 20


class Record(core.Record, Protocol):
    """One record as the Kafka client's parser makes it."""

    @property
    def timestamp_type(self) -> int:
        """0: of the producer; 1: of the log's append."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Records of one partition, in the order of the log.

    Parameters
    ----------
    topic, partition
        Where the records come from.
    records
        At least one record; offsets rise, with gaps where the log was compacted or where a
        transaction left its markers.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> part = Slice("predictions", 0, tuple(SimpleNamespace(offset=o) for o in (7, 8, 10)))
    >>> len(part), part.first_offset, part.last_offset
    (3, 7, 10)
    """

    topic: str
    partition: int
    records: tuple[Record, ...]

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        # a slice may hold megabytes, and Faust logs events
        at = f"{self.topic}-{self.partition}@{self.first_offset}..{self.last_offset}"
        return f"<Slice {at}: {len(self.records)} records>"

    @property
    def first_offset(self) -> int:
        """Offset of the first record."""
        return self.records[0].offset

    @property
    def last_offset(self) -> int:
        """Offset of the last record."""
        return self.records[-1].offset


@dataclass(frozen=True, slots=True)
class SliceLimits:
    """How large one slice may be; whatever comes first ends it.

    Parameters
    ----------
    records
        Records, at least 1. Also the most that one poll takes from the client's buffers.
    bytes
        Bytes of keys and values, at least 1. A single larger record makes a slice of its own.
        Brokers may ignore what a client asks for, so this is counted here.
    seconds
        CPU seconds that the event loop's thread should spend on one slice, above 0. While it
        does, nothing else in the worker runs: no commit, no metrics, no rebalance. Half a
        second is a twelfth of the shortest session time-out that brokers allow by default.
    batch_bytes
        Bytes that a compressed batch may unpack to, at least 1. A larger one comes as one
        record that cannot be read, and is not unpacked.

    Raises
    ------
    ValueError
        If a limit is not positive.
    """

    records: int = 5000
    bytes: int = 4 << 20
    seconds: float = 0.5
    batch_bytes: int = BATCH_BYTES

    def __post_init__(self) -> None:
        for name in ("records", "bytes", "seconds", "batch_bytes"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"slice limit {name!r} must be above 0, not {getattr(self, name)!r}"
                )


class BatchSizer:
    """How many records the next slice of a topic may have, from what the last ones took.

    Where slices end never changes a result, so a clock may decide it.

    Parameters
    ----------
    limits
        The limits to keep.

    Examples
    --------
    >>> pace = BatchSizer(SliceLimits(records=5000, seconds=0.5))
    >>> pace.records
    250
    >>> pace.learn(250, seconds=0.01)
    >>> pace.records
    500
    >>> pace.learn(500, seconds=5.0)
    >>> pace.records
    50
    """

    def __init__(self, limits: SliceLimits) -> None:
        self.limits = limits
        self.records = min(_FIRST, limits.records)

    def learn(self, records: int, seconds: float) -> None:
        """Take in that a slice of `records` records took `seconds`.

        Too long: the next one is smaller in proportion. A full slice in less than half of the
        time: the next one is twice as large; doubling cannot overshoot the limit then.
        """
        allowed = self.limits.seconds
        if seconds > allowed:
            self.records = max(1, int(records * allowed / seconds))
        elif records >= self.records and seconds * 2 < allowed:
            self.records = min(self.limits.records, self.records * 2)


def split(
    topic: str, partition: int, records: Sequence[Record], pace: BatchSizer
) -> Iterator[Slice]:
    """Cut what a poll gave of one partition into slices, in order and without loss.

    Parameters
    ----------
    topic, partition
        Where the records come from.
    records
        All records of the partition in this poll.
    pace
        Asked again before each slice how many records it may have.
    """
    start = 0
    while start < len(records):
        taken = _fitting(records[start : start + pace.records], pace.limits.bytes)
        start += len(taken)
        yield Slice(topic, partition, tuple(taken))


def _fitting(records: Sequence[Record], most_bytes: int) -> Sequence[Record]:
    """Return the first of the records, at least one, and no more than fit."""
    sizes = [len(r.key or b"") + len(r.value or b"") for r in records]
    if sum(sizes) <= most_bytes:
        return records
    totals = accumulate(sizes)
    return records[: max(1, sum(1 for total in totals if total <= most_bytes))]
