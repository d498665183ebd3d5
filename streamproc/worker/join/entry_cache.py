"""Entries of a store that were used last: most labels come while their events are here."""

from collections.abc import Collection
from typing import Final

from msgspec import Struct

from streamproc.join.store import StoredEntry

# Of an entry beside its fields: its objects, and its places in dictionaries.
_ENTRY_BYTES: Final = 600
_LABEL_BYTES: Final = 200


class Slot(Struct, gc=False):
    """An entry here.

    Attributes
    ----------
    stored
        What it is now.
    row
        Its row in the file.
    filed
        Whether the file has a row of it.
    moved
        Whether it is due at another time than the file says.
    """

    stored: StoredEntry
    row: int
    filed: bool
    moved: bool = False


class EntryCache:
    """Holds entries up to a size, and knows which of them the file does not have as they are.

    What is not used while as much as half of the size comes in may be dropped.

    Parameters
    ----------
    memory
        Bytes, about.

    Attributes
    ----------
    changed : dict
        What the file does not have, in the order in which it came.
    """

    def __init__(self, memory: int) -> None:
        self.changed: dict[bytes, Slot] = {}
        self._most = memory // 2
        self._young: dict[bytes, Slot] = {}
        self._old: dict[bytes, Slot] = {}
        self._size = 0

    @property
    def full(self) -> bool:
        """Whether something has to be dropped."""
        return self._size > self._most

    def get(self, key: bytes) -> Slot | None:
        """Return an entry, if it is here."""
        return self._young.get(key) or self._old.get(key)

    def find(self, keys: Collection[bytes]) -> tuple[dict[bytes, StoredEntry], list[bytes]]:
        """Return the entries that are here, and the keys of the others."""
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
        """Take an entry that is not here."""
        entry = slot.stored.entry
        self._young[key] = slot
        self._size += _ENTRY_BYTES + len(entry.body or b"") + len(slot.stored.event)
        if entry.waiting:
            self._size += sum(_LABEL_BYTES + len(label.value) for label in entry.waiting)
        if not slot.filed:
            self.changed[key] = slot

    def change(self, key: bytes, slot: Slot, stored: StoredEntry) -> None:
        """Note what has become of an entry that is here."""
        if stored is not slot.stored:
            slot.stored, slot.moved = stored, True
            if stored.entry.waiting:  # it grows by one at a time
                self._size += _LABEL_BYTES + len(stored.entry.waiting[-1].value)
        self.changed[key] = slot

    def drop(self, key: bytes) -> None:
        """Forget an entry."""
        self._young.pop(key, None)
        self._old.pop(key, None)
        self.changed.pop(key, None)

    def make_room(self) -> None:
        """Drop what has not been used for longest; nothing that is `changed` may be here."""
        self._old, self._young, self._size = self._young, {}, 0
