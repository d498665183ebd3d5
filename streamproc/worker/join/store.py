"""Store entries that wait to be joined in a SQLite file, which bounds their memory.

A lost file, or one of another log, is rebuilt from the topics. It may lag behind them but must be
consistent, so it is not used after a crash of the machine.

Changes are cached until the next commit, which writes each entry once. Entries stay cached for a
while, since most labels come soon after their events.
"""

import contextlib
import sqlite3
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from streamproc.join.entry import InputLog, JoinEntry, Watermark, number_of
from streamproc.join.store import StoredEntries, StoredEntry
from streamproc.worker.join.entry_cache import EntryCache, Slot
from streamproc.worker.log_marks import RecordMark

# Version of the file layout; a file of another version is rebuilt.
VERSION: Final = 3
# SQLite allows at most 32,766 values per statement.
_AT_ONCE: Final = 10_000
# 40 MB are written to the write-ahead log between checkpoints: a page that changes often is then
# written to the file once.
_CHECKPOINT_PAGES: Final = 10_000
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_SCHEMA: Final = """
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, hash INTEGER NOT NULL, model INTEGER NOT NULL, known INTEGER NOT NULL,
    due REAL NOT NULL, key BLOB NOT NULL, entry BLOB NOT NULL
);
CREATE INDEX of_hash ON entries (hash);
CREATE INDEX of_due ON entries (model, known, due, hash);
CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, clock BLOB);
CREATE TABLE told (outcome TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE place (one INTEGER PRIMARY KEY CHECK (one = 1), state BLOB NOT NULL);
"""


class StoreBusyError(Exception):
    """Another process, usually the previous owner, still has the file open."""


class StorePosition(Struct):
    """The positions in the topics that determine the content of a store.

    Attributes
    ----------
    positions
        By input log, the offset after the last record in the store.
    marks
        By input log, the mark of that record, if known.
    outcomes
        Offset after the last outcome written.
    tail
        Fingerprint of the record before that offset.
    epoch, seq
        Epoch and sequence number of the last outcome.
    entries
        Number of entries.
    catching_up
        By input log, the offset up to which its outcomes may have been published by an earlier
        owner; None: none may.
    silent_before
        Outcomes of records with earlier timestamps were published already; milliseconds.
    boot
        Boot id of the machine that wrote the file.
    version
        Version of the layout.
    """

    positions: dict[InputLog, int] = field(default_factory=dict)
    outcomes: int = 0
    tail: bytes = b""
    epoch: int = 0
    seq: int = -1
    entries: int = 0
    catching_up: dict[InputLog, int] | None = None
    silent_before: int = 0
    boot: str = ""
    marks: dict[InputLog, RecordMark] = field(default_factory=dict)
    version: int = VERSION


_PLACE: Final = msgspec.msgpack.Decoder(StorePosition)
_ENTRY: Final = msgspec.msgpack.Decoder(JoinEntry)
_CLOCK: Final = msgspec.msgpack.Decoder(Watermark)
_encode: Final = msgspec.msgpack.Encoder().encode


class Store:
    """A `JoinStore` in a file, with its position in the topics.

    Changes between two calls of `commit` are applied together or not at all.

    Parameters
    ----------
    path
        The file; it is created if it is missing or not usable.
    memory
        Approximate memory in bytes.

    Attributes
    ----------
    place
        The position that determines the content; `commit` writes it, too.

    Raises
    ------
    StoreBusyError
        If another process has the file open.
    sqlite3.Error, OSError
        If the file cannot be created.
    """

    def __init__(self, path: Path, memory: int) -> None:
        self.path = path
        self._memory = memory
        self._models: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._clocks: dict[str, Watermark] = {}
        self._ticked: set[str] = set()
        self.place = StorePosition()
        self._open()

    def __len__(self) -> int:
        return self.place.entries

    @property
    def may_repeat(self) -> bool:
        """Whether earlier owners may have published outcomes that this one will produce again."""
        return bool(self.place.silent_before) or self._one("SELECT 1 FROM told") is not None

    def load(self, keys: Collection[bytes]) -> dict[bytes, StoredEntry]:
        """Return the entries found; changes to them take effect once saved."""
        if self._recent.full:
            self._write()
            self._recent.evict()
        found, elsewhere = self._recent.find(keys)
        wanted = list({number_of(key) for key in elsewhere})
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            query = f"SELECT {_COLUMNS} FROM entries WHERE hash IN ({marks})"  # noqa: S608
            found.update(self._rows(query, some))
        return found

    def save(self, changed: Mapping[bytes, StoredEntry | None]) -> None:
        """Store entries; None removes one."""
        recent = self._recent
        removed = []
        for key, stored in changed.items():
            slot = recent.get(key)
            if stored is None:
                if slot is not None:
                    recent.drop(key)
                    self.place.entries -= 1
                    removed += [(slot.row,)] if slot.filed else []
            elif slot is not None:
                recent.change(key, slot, stored)
            else:
                self._next += 1
                self.place.entries += 1
                recent.add(key, Slot(stored, self._next, filed=False))
        if removed:
            self._file.executemany("DELETE FROM entries WHERE id = ?", removed)

    def due(self, model_id: str, *, known: bool, before: float, most: int) -> list[StoredEntries]:
        """Return a model's entries that are due before a time, each once."""
        self._write()
        given = self._model(model_id), known, before, most
        return self._rows(
            f"SELECT {_COLUMNS} FROM entries WHERE model = ? AND known = ? AND due < ?"  # noqa: S608
            " ORDER BY due, hash LIMIT ?",
            given,
        )

    def oldest(self, count: int) -> list[StoredEntries]:
        """Return the oldest entries."""
        self._write()
        return self._rows(f"SELECT {_COLUMNS} FROM entries ORDER BY id LIMIT ?", (count,))  # noqa: S608

    def clocks(self, models: Collection[str]) -> dict[str, Watermark]:
        """Return the watermarks of those models that have one."""
        for model in models:
            if model not in self._clocks:
                found = self._one("SELECT clock FROM models WHERE name = ?", model)
                if found is not None and found[0] is not None:
                    self._clocks[model] = _CLOCK.decode(found[0])
        return {model: self._clocks[model] for model in models if model in self._clocks}

    def set_clocks(self, clocks: Mapping[str, Watermark]) -> None:
        """Store watermarks."""
        self._clocks.update(clocks)
        self._ticked.update(clocks)

    def written(self, outcomes: Collection[str]) -> set[str]:
        """Return which of these outcomes an earlier owner has written already."""
        return {
            outcome
            for outcome in outcomes
            if self._one("SELECT 1 FROM told WHERE outcome = ?", outcome) is not None
        }

    def note_written(self, outcomes: Collection[str]) -> None:
        """Note that outcomes have been written."""
        rows = [(outcome,) for outcome in outcomes]
        self._file.executemany("INSERT OR IGNORE INTO told VALUES (?)", rows)

    def caught_up(self) -> None:
        """Forget the outcomes of earlier owners: none can be produced again."""
        self._file.execute("DELETE FROM told")
        self.place.catching_up, self.place.silent_before = None, 0

    def commit(self) -> None:
        """Commit all changes since the last commit."""
        self._write()
        self._file.executemany(
            "UPDATE models SET clock = ? WHERE id = ?",
            [(_encode(self._clocks[name]), self._model(name)) for name in self._ticked],
        )
        self._ticked.clear()
        if len(self._clocks) > _AT_ONCE:  # model names are unbounded
            self._clocks.clear()
            self._models.clear()
            self._names.clear()
        self._file.execute("REPLACE INTO place VALUES (1, ?)", (_encode(self.place),))
        self._file.execute("COMMIT")
        self._file.execute("BEGIN")

    def clear(self) -> None:
        """Remove all entries."""
        self.close()
        remove(self.path)
        self._open()

    def close(self) -> None:
        """Close the file; changes that were not committed are lost."""
        with contextlib.suppress(sqlite3.Error):
            self._file.execute("ROLLBACK")
        self._file.close()

    def _open(self) -> None:
        self._models, self._names, self._clocks = {}, {}, {}
        self._ticked = set()
        # The other half is for SQLite's page cache.
        self._recent = EntryCache(self._memory // 2)
        try:
            place = self._connect()
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise StoreBusyError(f"{self.path} is open in another process") from error
            place = None
        if place is None or place.version != VERSION or place.boot != _boot():
            with contextlib.suppress(sqlite3.Error):
                self._file.close()
            remove(self.path)
            self._connect()
            place = StorePosition(boot=_boot())
        self.place = place
        self._next = (self._one("SELECT max(id) FROM entries") or (0,))[0] or 0

    def _write(self) -> None:
        """Write changed entries to the file, within the current transaction."""
        new, same, moved = [], [], []
        for key, slot in self._recent.changed.items():
            stored = slot.stored
            entry = _encode(stored.entry)
            if not slot.filed:
                place = slot.row, number_of(key), self._model(stored.model_id)
                new.append((*place, stored.known, stored.due, key, entry))
            elif slot.moved:
                moved.append((stored.known, stored.due, entry, slot.row))
            else:
                same.append((entry, slot.row))
            slot.filed, slot.moved = True, False
        self._recent.changed.clear()
        run = self._file.executemany
        run("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", new)
        run("UPDATE entries SET entry = ? WHERE id = ?", same)
        run("UPDATE entries SET known = ?, due = ?, entry = ? WHERE id = ?", moved)

    def _connect(self) -> StorePosition | None:
        """Open the file; return its position, or None if it is new or not a store."""
        self._file = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=0
        )
        run = self._file.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = OFF")  # the boot id replaces it, see the module docstring
        run(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        run(f"PRAGMA cache_size = -{max(1024, self._memory // 2048)}")
        run("BEGIN IMMEDIATE")
        if self._one("SELECT 1 FROM sqlite_master WHERE name = 'place'") is None:
            run("ROLLBACK")
            self._file.executescript(_SCHEMA)
            run("BEGIN")
            return None
        found = self._one("SELECT state FROM place")
        try:
            return None if found is None else _PLACE.decode(found[0])
        except msgspec.MsgspecError:
            return None

    def _model(self, name: str) -> int:
        number = self._models.get(name)
        if number is None:
            found = self._one("SELECT id FROM models WHERE name = ?", name)
            if found is None:
                made = self._file.execute("INSERT INTO models (name) VALUES (?)", (name,))
                found = (made.lastrowid,)
            number = self._models[name] = int(found[0])
        return number

    def _name(self, number: int) -> str:
        name = self._names.get(number)
        if name is None:
            found = self._one("SELECT name FROM models WHERE id = ?", number)
            name = self._names[number] = str(found[0] if found else "")
        return name

    def _rows(self, query: str, given: Any) -> list[StoredEntries]:
        found = []
        for row, key, model, known, due, entry in self._file.execute(query, given).fetchall():
            slot = self._recent.get(key)
            if slot is None:
                stored = StoredEntry(self._name(model), bool(known), due, _ENTRY.decode(entry))
                slot = Slot(stored, row, filed=True)
                self._recent.add(key, slot)
            found.append((key, slot.stored))
        return found

    def _one(self, query: str, *given: Any) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._file.execute(query, given).fetchone()
        return row


_COLUMNS: Final = "id, key, model, known, due, entry"


def _boot() -> str:
    """Return the boot id of the machine; empty if the system has none."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return ""


def remove(path: Path) -> None:
    """Remove the file of a store, and the files that SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
