"""Detect transactions that stay open, and the partitions that they hold back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

Partition = tuple[str, int]


class ReadableEnd(NamedTuple):
    """The readable end and the log end of a partition.

    Attributes
    ----------
    stable
        The last stable offset: the first record of an open transaction, or `log_end`.
    log_end
        The high watermark.
    """

    stable: int
    log_end: int


@dataclass(frozen=True)
class HeldBack:
    """A partition whose records wait for a transaction.

    Parameters
    ----------
    topic, partition
        Topic and partition number.
    offset
        Offset of the transaction's first record, from which on nothing can be read.
    records
        Number of offsets from there to the end of the log.
    seconds
        How long it has been held back.
    """

    topic: str
    partition: int
    offset: int
    records: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.topic}-{self.partition} is held back at offset {self.offset} by a transaction"
            f" that has been open for {self.seconds:.0f} s or more, and {self.records} offsets with"
            " it: find its producer with kafka-transactions.sh --broker-id ID find-hanging, and"
            " abort it"
        )


class OpenTransactions:
    """Find the transactions that hold a partition back for too long.

    Parameters
    ----------
    seconds
        How long a last stable offset may stay below the end of its log.
    held_back
        Called once for each partition that is held back for longer.

    Examples
    --------
    >>> watch = OpenTransactions(10.0, print)
    >>> watch.observe({("labels", 0): ReadableEnd(5, 9)}, now=0.0)
    []
    >>> [held.records for held in watch.observe({("labels", 0): ReadableEnd(5, 12)}, now=11.0)]
    labels-0 is held back at offset 5 by a transaction that has been open for 11 s or more, and \
7 offsets with it: find its producer with kafka-transactions.sh --broker-id ID find-hanging, and \
abort it
    [7]
    """

    def __init__(self, seconds: float, held_back: Callable[[HeldBack], None]) -> None:
        self._seconds = seconds
        self._held_back = held_back
        self._since: dict[Partition, tuple[int, float]] = {}
        self._reported: set[tuple[Partition, int]] = set()

    def observe(self, ends: Mapping[Partition, ReadableEnd], now: float) -> list[HeldBack]:
        """Update all partitions; return those that are held back for too long.

        Parameters
        ----------
        ends
            Known ends by partition; partitions that are not named are forgotten.
        now
            Seconds of a monotonic clock.
        """
        found = []
        since: dict[Partition, tuple[int, float]] = {}
        for partition, end in ends.items():
            if end.stable >= end.log_end:
                continue
            offset, began = self._since.get(partition, (end.stable, now))
            if offset != end.stable:
                began = now
            since[partition] = end.stable, began
            if now - began > self._seconds:
                records = end.log_end - end.stable
                found.append(HeldBack(*partition, end.stable, records, now - began))
        self._since = since
        held = {((each.topic, each.partition), each.offset): each for each in found}
        for place in held.keys() - self._reported:
            self._held_back(held[place])
        self._reported = set(held)
        return found
