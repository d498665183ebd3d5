"""Cache the recently used entries of a store, where most labels find their events."""

from collections.abc import Collection
from typing import Final

from msgspec import Struct

from streamproc.join.store import StoredEntry

# Overhead of an entry besides its fields: objects and dictionary slots.
_ENTRY_BYTES: Final = 600
_LABEL_BYTES: Final = 200


class Slot(Struct, gc=False):
    """A cached entry.

    Attributes
    ----------
    stored
        Its current content.
    row
        Its row id in the file.
    filed
        Whether the file has this row.
    moved
        Whether its due time differs from that in the file.
    """

    stored: StoredEntry
    row: int
    filed: bool
    moved: bool = False


class EntryCache:
    """Cache entries up to a size, and track those that the file does not have in this form.

    An entry may be dropped once entries of half the size were added without using it.

    Parameters
    ----------
    memory
        Approximate size in bytes.

    Attributes
    ----------
    changed : dict
        Entries to write to the file, in order of their change.
    """

    def __init__(self, memory: int) -> None:
        self.changed: dict[bytes, Slot] = {}
        self._max_size = memory // 2
        self._young: dict[bytes, Slot] = {}
        self._old: dict[bytes, Slot] = {}
        self._size = 0

    @property
    def full(self) -> bool:
        """Whether entries must be dropped."""
        return self._size > self._max_size

    def get(self, key: bytes) -> Slot | None:
        """Return an entry if it is cached."""
        return self._young.get(key) or self._old.get(key)

    def find(self, keys: Collection[bytes]) -> tuple[dict[bytes, StoredEntry], list[bytes]]:
        """Return the cached entries, and the keys of the others."""
        young, old = self._young, self._old
        found: dict[bytes, StoredEntry] = {}
        others: list[bytes] = []
        for key in keys:
            slot = young.get(key) or old.get(key)
            if slot is None:
                others.append(key)
            else:
                found[key] = slot.stored
        return found, others

    def add(self, key: bytes, slot: Slot) -> None:
        """Add an entry that is not cached."""
        entry = slot.stored.entry
        self._young[key] = slot
        self._size += _ENTRY_BYTES + len(entry.body or b"") + len(slot.stored.event)
        if entry.waiting:
            self._size += sum(_LABEL_BYTES + len(label.value) for label in entry.waiting)
        if not slot.filed:
            self.changed[key] = slot

    def change(self, key: bytes, slot: Slot, stored: StoredEntry) -> None:
        """Record a change of a cached entry."""
        if stored is not slot.stored:
            slot.stored, slot.moved = stored, True
            if stored.entry.waiting:  # it grows by one at a time
                self._size += _LABEL_BYTES + len(stored.entry.waiting[-1].value)
        self.changed[key] = slot

    def drop(self, key: bytes) -> None:
        """Remove an entry."""
        self._young.pop(key, None)
        self._old.pop(key, None)
        self.changed.pop(key, None)

    def evict(self) -> None:
        """Drop the least recently used half; `changed` must be empty."""
        self._old, self._young, self._size = self._young, {}, 0
