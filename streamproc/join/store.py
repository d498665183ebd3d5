"""Define the store of a join's waiting entries, and one in memory."""

from collections.abc import Collection, Mapping
from heapq import heappop, heappush
from itertools import islice
from typing import Protocol

from msgspec import Struct

from streamproc.join.entry import JoinEntry, Watermark, number_of


class StoredEntry(Struct, gc=False):
    """An entry with its index fields.

    Attributes
    ----------
    model_id
        Model that it belongs to.
    known
        Whether its event has come; otherwise it holds labels that wait for it.
    due
        Event time at which it expires; seconds since 1970.
    entry
        The stored entry.
    event
        Encoded outcome fields of the event, a cache that a store may drop.
    """

    model_id: str
    known: bool
    due: float
    entry: JoinEntry
    event: bytes = b""


StoredEntries = tuple[bytes, StoredEntry]


class JoinStore(Protocol):
    """Stores the entries and watermarks of one partition."""

    def load(self, keys: Collection[bytes]) -> dict[bytes, StoredEntry]:
        """Return the entries found; changes to them take effect once saved."""

    def save(self, changed: Mapping[bytes, StoredEntry | None]) -> None:
        """Store entries; None removes one."""

    def due(self, model_id: str, *, known: bool, before: float, most: int) -> list[StoredEntries]:
        """Return a model's entries that are due before a time, each once, by time and number."""

    def oldest(self, count: int) -> list[StoredEntries]:
        """Return the oldest entries."""

    def clocks(self, models: Collection[str]) -> dict[str, Watermark]:
        """Return the watermarks of those models that have one."""

    def set_clocks(self, clocks: Mapping[str, Watermark]) -> None:
        """Store watermarks."""

    def __len__(self) -> int: ...


class InMemoryStore:
    """A store in memory, which is lost with its process."""

    def __init__(self) -> None:
        self._entries: dict[bytes, StoredEntry] = {}
        self._clocks: dict[str, Watermark] = {}
        self._due: dict[tuple[str, bool], list[tuple[float, int, bytes]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def load(self, keys: Collection[bytes]) -> dict[bytes, StoredEntry]:
        """Return the entries found."""
        entries = self._entries
        return {key: entries[key] for key in keys if key in entries}

    def save(self, changed: Mapping[bytes, StoredEntry | None]) -> None:
        """Store entries; None removes one."""
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
            # Changed entries are in the heap again, with their new time.
            if stored and (stored.known, stored.due) == (known, due):
                found.append((key, stored))
        return found

    def oldest(self, count: int) -> list[StoredEntries]:
        """Return the oldest entries."""
        return list(islice(self._entries.items(), count))

    def clocks(self, models: Collection[str]) -> dict[str, Watermark]:
        """Return the watermarks of those models that have one."""
        clocks = self._clocks
        return {model: clocks[model] for model in models if model in clocks}

    def set_clocks(self, clocks: Mapping[str, Watermark]) -> None:
        """Store watermarks."""
        self._clocks.update(clocks)
