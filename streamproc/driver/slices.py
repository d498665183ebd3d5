"""Define slices, their limits, and how polled records are split into them.

Pure: no I/O, no event loop, no clock.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from streamproc.kafka.fetch_pacing import LINGER_SECONDS
from streamproc.kafka.log_watch import NO_DOUBT, Doubt
from streamproc.schemas import records as core

__all__ = ["BATCH_BYTES", "BatchSizer", "Polled", "Record", "Slice", "SliceLimits", "split"]

#: Records of the first slice of a topic, while the cost of a record is unknown. From there
#: :class:`BatchSizer` doubles: it reaches 5,000 at the sixth slice, and a handler that takes 10 ms
#: a record blocks the loop once for 2.5 s instead of 50 s.
_FIRST = 250

#: Maximum bytes of a decompressed batch: eight of the largest records by default.
BATCH_BYTES = 64 << 20


class Record(core.Record, Protocol):
    """One record, as parsed by the Kafka client."""

    @property
    def timestamp_type(self) -> int:
        """0 for the producer's timestamp, 1 for the append time of the log."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Records of one partition, in the order of the log.

    Parameters
    ----------
    topic, partition
        Where the records come from.
    records
        At least one record; offsets increase, with gaps left by compaction or transactions.
    begin
        Offset from which on the log was read: it has no record between there and the first one.
        None if unknown.
    doubt
        Whether the log was replaced before these records, or a part of it was skipped.

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
    begin: int | None = None
    doubt: Doubt = NO_DOUBT

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
    """Limits of one slice; the first one reached ends it.

    Parameters
    ----------
    records
        Records, at least 1. Also the maximum that one poll takes from the client's buffers.
    bytes
        Bytes of keys and values, at least 1. A single larger record becomes one slice. It is
        counted here because brokers may ignore a client's fetch limits.
    seconds
        CPU seconds that the event loop's thread should spend on one slice, above 0. Meanwhile
        nothing else runs in the worker: no commit, no metrics, no rebalance. Half a second is a
        twelfth of the shortest session timeout that brokers permit by default.
    batch_bytes
        Maximum bytes of a decompressed batch, at least 1. A larger one is not decompressed, and
        is returned as one unreadable record.
    linger
        Seconds that a fetch waits at most after one with few records, so that it returns more; 0
        or more. Of several topics, the least is used.

    Raises
    ------
    ValueError
        If `linger` is negative, or another limit is not positive.
    """

    records: int = 5000
    bytes: int = 4 << 20
    seconds: float = 0.5
    batch_bytes: int = BATCH_BYTES
    linger: float = LINGER_SECONDS

    def __post_init__(self) -> None:
        for name in ("records", "bytes", "seconds", "batch_bytes"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"slice limit {name!r} must be above 0, not {getattr(self, name)!r}"
                )
        if not self.linger >= 0:
            raise ValueError(f"slice limit 'linger' must be 0 or more, not {self.linger!r}")


class BatchSizer:
    """Adapt the number of records in a topic's slices to the CPU time of earlier ones.

    Slice boundaries never change a result, so they may depend on a clock.

    Parameters
    ----------
    limits
        Limits of a slice.

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
        """Adapt to a slice of `records` records that took `seconds` of CPU time.

        If it took too long, the next one is proportionally smaller. If it was full and took less
        than half of the limit, the next one is twice as large, which cannot exceed the limit.
        """
        allowed = self.limits.seconds
        if seconds > allowed:
            self.records = max(1, int(records * allowed / seconds))
        elif records >= self.records and seconds * 2 < allowed:
            self.records = min(self.limits.records, self.records * 2)


class Polled(list[Record]):
    """Records of one partition that a poll returned.

    Parameters
    ----------
    records
        In the order of their offsets.
    begin, doubt
        As in `Slice`.
    """

    def __init__(self, records: Iterable[Record], begin: int, doubt: Doubt = NO_DOUBT) -> None:
        super().__init__(records)
        self.begin = begin
        self.doubt = doubt


def split(
    topic: str, partition: int, records: Sequence[Record], pace: BatchSizer
) -> Iterator[Slice]:
    """Split the polled records of one partition into slices, in order.

    Parameters
    ----------
    topic, partition
        Where the records come from.
    records
        All records of the partition in this poll, `Polled` if it is known where they begin.
    pace
        Limits each slice; it may change between slices.
    """
    start = 0
    begin, doubt = None, NO_DOUBT
    if isinstance(records, Polled):
        begin, doubt = records.begin, records.doubt
    while start < len(records):
        taken = _fitting(records[start : start + pace.records], pace.limits.bytes)
        start += len(taken)
        yield Slice(topic, partition, tuple(taken), begin, doubt)
        begin, doubt = taken[-1].offset + 1, NO_DOUBT


def _fitting(records: Sequence[Record], max_bytes: int) -> Sequence[Record]:
    """Return as many leading records as fit, at least one."""
    sizes = [len(r.key or b"") + len(r.value or b"") for r in records]
    if sum(sizes) <= max_bytes:
        return records
    totals = accumulate(sizes)
    return records[: max(1, sum(1 for total in totals if total <= max_bytes))]
