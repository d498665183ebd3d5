"""Notices transactions that are neither committed nor aborted, and what they hold back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

Partition = tuple[str, int]


class ReadableEnd(NamedTuple):
    """Where a partition can be read to, and where its log ends.

    Attributes
    ----------
    stable
        The last stable offset: that of the first record of an open transaction, or `log_end`.
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
        Which one.
    offset
        Of the transaction's first record: nothing from there on can be read.
    records
        Offsets from there to the end of the log.
    seconds
        How long this has been so.
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
    """Tells the transactions that hold a partition back for too long from those that end.

    Parameters
    ----------
    seconds
        How long a last stable offset may stand still before the end of its log.
    held_back
        Called once when a partition is held back for longer.

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
        self._told: set[tuple[Partition, int]] = set()

    def observe(self, ends: Mapping[Partition, ReadableEnd], now: float) -> list[HeldBack]:
        """Look at all partitions; return those that are held back for too long.

        Parameters
        ----------
        ends
            As far as they are known; a partition that is not named is forgotten.
        now
            Seconds of a clock that only goes forward.
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
        for place in held.keys() - self._told:
            self._held_back(held[place])
        self._told = set(held)
        return found
