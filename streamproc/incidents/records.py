"""Write the book to the compacted topic `incidents`, and read it back after a crash.

A batch of changes is followed by a record that names the position of the log up to which the topic
is complete. Whoever reads the topic again ignores changes of an unfinished batch, and continues
with the log's next record. States of a position are the same whoever writes them: of two owners
at once, the one that is behind is recognised by its positions.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import msgspec
from pydantic import ValidationError

from streamproc.incidents.book import START, Change
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.silences import SILENCE_KEY, Silence

POSITION_KEY: Final = "position"
"""Key of the record that ends a batch."""
POSITION_HEADER: Final = "position"


class Position(msgspec.Struct, frozen=True):
    """Up to which record of the log the topic is complete.

    Attributes
    ----------
    number
        Number of the log's last applied record. It is `base` + offset, and grows for ever.
    base
        What is added to offsets: not 0 once the log was deleted and created again.
    now
        Time of the book.
    """

    number: int
    base: int = 0
    now: datetime = START

    @property
    def next_offset(self) -> int:
        """Offset of the next record to apply."""
        return self.number + 1 - self.base


class BookRecord(NamedTuple):
    """A record to write to the topic `incidents`."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


class StoredRecord(Protocol):
    """A record that was read."""

    key: bytes | None
    value: bytes | None
    headers: Iterable[tuple[str, bytes | None]]


def encode_batch(changes: Mapping[str, Change], position: Position) -> list[BookRecord]:
    """Return the records of a batch, in the order in which they have to be written."""
    headers = [(POSITION_HEADER, str(position.number).encode())]
    records = [
        BookRecord(key.encode(), None if value is None else value.to_json(), headers)
        for key, value in changes.items()
    ]
    end = BookRecord(POSITION_KEY.encode(), msgspec.json.encode(position), headers)
    return [*records, end]


class StoredBook:
    """The records of a topic `incidents`, as far as they are complete.

    Attributes
    ----------
    position
        That of the last complete batch; None: there is none.
    stale
        Keys whose last record is older than the one that counts: an owner that was replaced has
        written it. It has to be written again before compaction removes the one that counts.
    """

    def __init__(self) -> None:
        self.position: Position | None = None
        self.stale: set[str] = set()
        self._values: dict[str, tuple[int, bytes | None]] = {}
        self._open: dict[str, list[tuple[int, bytes | None]]] = {}

    def feed(self, records: Iterable[StoredRecord]) -> frozenset[str]:
        """Read the next records; return the keys whose value has changed."""
        changed: set[str] = set()
        for record in records:
            key = (record.key or b"").decode("utf-8", "replace")
            number = _number(record)
            if number is None:
                continue  # not a record of ours
            if key == POSITION_KEY:
                changed |= self._complete(_position(record.value))
            else:
                self._open.setdefault(key, []).append((number, record.value))
        return frozenset(changed)

    def get(self, key: str) -> bytes | None:
        """Return the value of a key."""
        return self._values.get(key, (0, None))[1]

    def incidents(self) -> Iterator[IncidentState]:
        """Yield the incidents, without those that cannot be read."""
        for key, (_, value) in self._values.items():
            if value is not None and not key.startswith(SILENCE_KEY):
                try:
                    yield IncidentState.from_json(value)
                except ValidationError:
                    continue

    def silences(self) -> Iterator[Silence]:
        """Yield the silences, without those that cannot be read."""
        for key, (_, value) in self._values.items():
            if value is not None and key.startswith(SILENCE_KEY):
                try:
                    yield Silence.from_json(value)
                except ValidationError:
                    continue

    def _complete(self, position: Position | None) -> set[str]:
        if position is None:
            return set()
        changed: set[str] = set()
        for key, waiting in list(self._open.items()):
            for number, value in waiting:
                if number > position.number:
                    continue
                if number < self._values.get(key, (-1, None))[0]:
                    self.stale.add(key)
                else:
                    self._values[key] = number, value
                    self.stale.discard(key)
                    changed.add(key)
            left = [each for each in waiting if each[0] > position.number]
            if left:
                self._open[key] = left
            else:
                del self._open[key]
        if self.position is None or position.number > self.position.number:
            self.position = position
        return changed


def _number(record: StoredRecord) -> int | None:
    for name, value in record.headers:
        if name == POSITION_HEADER and value is not None and value.isdigit():
            return int(value)
    return None


def _position(value: bytes | None) -> Position | None:
    try:
        return msgspec.json.decode(value or b"", type=Position)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
