"""Where a join keeps what waits: in memory here; on a disk in a worker."""

from collections.abc import Collection, Mapping
from heapq import heappop, heappush
from itertools import islice
from typing import Protocol

from msgspec import Struct

from streamproc.join.entry import JoinEntry, Watermark, number_of


class StoredEntry(Struct, gc=False):
    """An entry as a shelf keeps it.

    Attributes
    ----------
    model_id
        Whose it is.
    known
        Whether its event is there; else it holds labels that wait for it.
    due
        When it has to be looked at again, by the time of its model; seconds since 1970.
    entry
        What is kept.
    event
        The part of outcomes that is about the event, if it was written already; a shelf need not
        keep it.
    """

    model_id: str
    known: bool
    due: float
    entry: JoinEntry
    event: bytes = b""


StoredEntries = tuple[bytes, StoredEntry]


class JoinStore(Protocol):
    """Holds the entries of one partition."""

    def load(self, keys: Collection[bytes]) -> dict[bytes, StoredEntry]:
        """Return those that are there; what is changed in them counts once it is saved."""

    def save(self, changed: Mapping[bytes, StoredEntry | None]) -> None:
        """Keep entries; None: forget it."""

    def due(self, model_id: str, *, known: bool, before: float, most: int) -> list[StoredEntries]:
        """Return a model's entries that are due before a time, each once, by time and number."""

    def oldest(self, count: int) -> list[StoredEntries]:
        """Return the entries that have been there longest."""

    def clocks(self, models: Collection[str]) -> dict[str, Watermark]:
        """Return the clocks of those models that have one."""

    def set_clocks(self, clocks: Mapping[str, Watermark]) -> None:
        """Keep clocks."""

    def __len__(self) -> int: ...


class InMemoryStore:
    """A shelf that lives as long as its process."""

    def __init__(self) -> None:
        self._entries: dict[bytes, StoredEntry] = {}
        self._clocks: dict[str, Watermark] = {}
        self._due: dict[tuple[str, bool], list[tuple[float, int, bytes]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def load(self, keys: Collection[bytes]) -> dict[bytes, StoredEntry]:
        """Return those that are there."""
        entries = self._entries
        return {key: entries[key] for key in keys if key in entries}

    def save(self, changed: Mapping[bytes, StoredEntry | None]) -> None:
        """Keep entries; None: forget it."""
        for key, stored in changed.items():
            before = self._entries.get(key)
            if stored is None:
                self._entries.pop(key, None)
                continue
            self._entries[key] = stored
            if before is stored:
                continue
            if before is None or (before.known, before.due) != (stored.known, stored.due):
                heap = self._due.setdefault((stored.model_id, stored.known), [])
                heappush(heap, (stored.due, number_of(key), key))

    def due(self, model_id: str, *, known: bool, before: float, most: int) -> list[StoredEntries]:
        """Return a model's entries that are due before a time, each once."""
        heap = self._due.get((model_id, known), [])
        found: list[StoredEntries] = []
        while heap and heap[0][0] < before and len(found) < most:
            due, _, key = heappop(heap)
            stored = self._entries.get(key)
            # What was changed since stands in the heap again, with its new time.
            if stored and (stored.known, stored.due) == (known, due):
                found.append((key, stored))
        return found

    def oldest(self, count: int) -> list[StoredEntries]:
        """Return the entries that have been there longest."""
        return list(islice(self._entries.items(), count))

    def clocks(self, models: Collection[str]) -> dict[str, Watermark]:
        """Return the clocks of those models that have one."""
        clocks = self._clocks
        return {model: clocks[model] for model in models if model in clocks}

    def set_clocks(self, clocks: Mapping[str, Watermark]) -> None:
        """Keep clocks."""
        self._clocks.update(clocks)
