"""Merge the partitions of a topic by the timestamps of their records.

Other systems write without keys, so a model's records lie in all partitions. Read one partition
after the other, a backlog would show the model the same days again for each of them.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from streamproc.driver.slices import Record, Slice

T = TypeVar("T")


class MergedRecord(NamedTuple):
    """A record, and its partition."""

    partition: int
    record: Record


class _Held(Generic[T]):
    """A slice that is not released whole, and what belongs to it."""

    def __init__(self, part: Slice, token: T, latest: int) -> None:
        self.records = part.records
        self.token = token
        self.at = 0
        # The order in a partition is never changed: a record counts as late as those before it.
        self.times: list[int] = []
        for record in part.records:
            latest = max(latest, record.timestamp)
            self.times.append(latest)


class TimeMerge(Generic[T]):
    """Hold slices of the partitions of one topic, and release their records by time.

    Examples
    --------
    >>> from streamproc.monitor import LogRecord
    >>> merge = TimeMerge[str]()
    >>> merge.add(Slice("t", 0, (LogRecord(0, b"", 10), LogRecord(1, b"", 30))), "first")
    >>> merge.add(Slice("t", 1, (LogRecord(0, b"", 20), LogRecord(1, b"", 40))), "second")
    >>> [r.record.timestamp for r in merge.release([0, 1], complete=lambda _: False)]
    [10, 20, 30]
    >>> list(merge.finished())
    [(0, 'first')]
    """

    def __init__(self) -> None:
        self._held: dict[int, deque[_Held[T]]] = {}
        self._latest: dict[int, int] = {}

    def __bool__(self) -> bool:
        """Whether any record is held."""
        return any(self._held.values())

    def slices(self, partition: int) -> int:
        """Return the number of held slices of a partition."""
        return len(self._held.get(partition, ()))

    def add(self, part: Slice, token: T) -> None:
        """Hold the next slice of a partition; `token` is returned when it is released whole."""
        held = _Held(part, token, self._latest.get(part.partition, 0))
        self._latest[part.partition] = held.times[-1]
        self._held.setdefault(part.partition, deque()).append(held)

    def release(
        self, partitions: Iterable[int], complete: Callable[[int], bool]
    ) -> list[MergedRecord]:
        """Return the records before which no other can come, in the order of their time.

        Parameters
        ----------
        partitions
            All assigned partitions of the topic.
        complete
            Whether a partition has no more records at the moment than those that are held.
        """
        bound: tuple[int, int] | None = None  # of equal times the lower partition is first
        for partition in partitions:
            if complete(partition):
                continue
            if not self._held.get(partition):
                return []  # its next record may be the first of all
            last = self._latest[partition], partition
            bound = last if bound is None else min(bound, last)
        found: list[tuple[int, int, int, Record]] = []
        for partition, queue in self._held.items():
            for held in queue:
                stop = size = len(held.times)
                if bound is not None:
                    bisect = bisect_right if partition <= bound[1] else bisect_left
                    stop = bisect(held.times, bound[0], held.at)
                for at in range(held.at, stop):
                    record = held.records[at]
                    found.append((held.times[at], partition, record.offset, record))
                held.at = stop
                if stop < size:
                    break
        found.sort(key=lambda each: each[:3])
        return [MergedRecord(partition, record) for _, partition, _, record in found]

    def finished(self) -> Iterator[tuple[int, T]]:
        """Remove the slices that are released whole; yield their partitions and tokens."""
        for partition, queue in self._held.items():
            while queue and queue[0].at == len(queue[0].records):
                yield partition, queue.popleft().token
