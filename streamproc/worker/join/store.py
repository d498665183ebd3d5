"""What waits to be joined, in a file: SQLite, since its memory has a limit and its files hold.

The topics are the truth: a lost file, or one of another log, is rebuilt from them. A file may lag
behind the topics but must be consistent, so it is not used after the machine itself went down.

What comes is kept in memory until the next commit, and written once, however often it changed; and
stays there for a while, since most labels come soon after their events.
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

# Of this layout; a file of another one is made anew.
VERSION: Final = 3
# A statement takes 32,766 values at most.
_AT_ONCE: Final = 10_000
# 40 MB are written to the log of the file before they go to their places: a page that changes
# again and again is written there once.
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
    """Another process has the file open: the owner before has not let go of it yet."""


class StorePosition(Struct):
    """What the content of a store is a function of.

    Attributes
    ----------
    positions
        Offset after the last record that is in it, of each log.
    marks
        What identifies that record, of each log where it is known.
    outcomes
        Offset after the last outcome that was written for it.
    tail
        Fingerprint of the record before that offset.
    epoch, seq
        Of the last outcome.
    entries
        How many there are.
    catching_up
        Until where the logs have to be read before no outcome can have been told already.
    silent_before
        Outcomes that records of before this time led to are told; in milliseconds.
    boot
        Which run of the machine the file is of.
    version
        Of the layout.
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
    """A shelf in a file, with the place in the logs that it is of.

    All that is done between two calls of `commit` counts together, or not at all.

    Parameters
    ----------
    path
        The file; it is made when it is not there, or not usable.
    memory
        Bytes that it may take, about.

    Attributes
    ----------
    place
        What the content is a function of; `commit` writes it, too.

    Raises
    ------
    StoreBusyError
        If another process has it open.
    sqlite3.Error, OSError
        If the file cannot be made.
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
    def has_told(self) -> bool:
        """Whether owners before may have told what will come again."""
        return bool(self.place.silent_before) or self._one("SELECT 1 FROM told") is not None

    def load(self, keys: Collection[bytes]) -> dict[bytes, StoredEntry]:
        """Return those that are there; what is changed in them counts once it is saved."""
        if self._recent.full:
            self._write()
            self._recent.make_room()
        found, elsewhere = self._recent.find(keys)
        wanted = list({number_of(key) for key in elsewhere})
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            query = f"SELECT {_COLUMNS} FROM entries WHERE hash IN ({marks})"  # noqa: S608
            found.update(self._rows(query, some))
        return found

    def save(self, changed: Mapping[bytes, StoredEntry | None]) -> None:
        """Keep entries; None: forget it."""
        recent = self._recent
        gone = []
        for key, stored in changed.items():
            slot = recent.get(key)
            if stored is None:
                if slot is not None:
                    recent.drop(key)
                    self.place.entries -= 1
                    gone += [(slot.row,)] if slot.filed else []
            elif slot is not None:
                recent.change(key, slot, stored)
            else:
                self._next += 1
                self.place.entries += 1
                recent.add(key, Slot(stored, self._next, filed=False))
        if gone:
            self._file.executemany("DELETE FROM entries WHERE id = ?", gone)

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
        """Return the entries that have been there longest."""
        self._write()
        return self._rows(f"SELECT {_COLUMNS} FROM entries ORDER BY id LIMIT ?", (count,))  # noqa: S608

    def clocks(self, models: Collection[str]) -> dict[str, Watermark]:
        """Return the clocks of those models that have one."""
        for model in models:
            if model not in self._clocks:
                found = self._one("SELECT clock FROM models WHERE name = ?", model)
                if found is not None and found[0] is not None:
                    self._clocks[model] = _CLOCK.decode(found[0])
        return {model: self._clocks[model] for model in models if model in self._clocks}

    def set_clocks(self, clocks: Mapping[str, Watermark]) -> None:
        """Keep clocks."""
        self._clocks.update(clocks)
        self._ticked.update(clocks)

    def told(self, outcomes: Collection[str]) -> set[str]:
        """Return which of these outcomes an owner before has written already."""
        return {
            outcome
            for outcome in outcomes
            if self._one("SELECT 1 FROM told WHERE outcome = ?", outcome) is not None
        }

    def tell(self, outcomes: Collection[str]) -> None:
        """Remember that outcomes have been written."""
        rows = [(outcome,) for outcome in outcomes]
        self._file.executemany("INSERT OR IGNORE INTO told VALUES (?)", rows)

    def caught_up(self) -> None:
        """Forget what was told: none of it will come again."""
        self._file.execute("DELETE FROM told")
        self.place.catching_up, self.place.silent_before = None, 0

    def commit(self) -> None:
        """Make all since the last commit count."""
        self._write()
        self._file.executemany(
            "UPDATE models SET clock = ? WHERE id = ?",
            [(_encode(self._clocks[name]), self._model(name)) for name in self._ticked],
        )
        self._ticked.clear()
        if len(self._clocks) > _AT_ONCE:  # names of models may come without end
            self._clocks.clear()
            self._models.clear()
            self._names.clear()
        self._file.execute("REPLACE INTO place VALUES (1, ?)", (_encode(self.place),))
        self._file.execute("COMMIT")
        self._file.execute("BEGIN")

    def clear(self) -> None:
        """Make it empty."""
        self.close()
        remove(self.path)
        self._open()

    def close(self) -> None:
        """Let go of the file; what was not committed does not count."""
        with contextlib.suppress(sqlite3.Error):
            self._file.execute("ROLLBACK")
        self._file.close()

    def _open(self) -> None:
        self._models, self._names, self._clocks = {}, {}, {}
        self._ticked = set()
        # The other half is for the pages of the file.
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
        """Put into the file what has changed; it does not count before it is committed."""
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
        """Open the file; return what it says, or None if it is new or no store."""
        self._file = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=0
        )
        run = self._file.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = OFF")  # see the top: `boot` stands in for it
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
    """Return what differs after each start of the machine; nothing where nobody says."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:
        return ""


def remove(path: Path) -> None:
    """Remove a store and all that SQLite has put beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
