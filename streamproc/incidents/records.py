"""Write the book to the compacted topic `incidents`, and read it back after a crash.

A batch of changes is followed by a record that names the position of the log up to which the topic
is complete. Whoever reads the topic again ignores changes of an unfinished batch, and continues
with the log's next record. States of a position are the same whoever writes them: of two owners
at once, the one that is behind is recognised by its positions.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple, Protocol, TypeVar

import msgspec
from pydantic import ValidationError

from streamproc.incidents.book import START, Change
from streamproc.schemas.deployments import DEPLOYMENT_KEY, Deployment
from streamproc.schemas.incidents import IncidentState
from streamproc.schemas.notification_groups import (
    GROUP_KEY,
    GroupedIncident,
    NotificationGroup,
)
from streamproc.schemas.silences import SILENCE_KEY, Silence

POSITION_KEY: Final = "position"
"""Key of the record that ends a batch."""
POSITION_HEADER: Final = "position"
T = TypeVar("T")


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
    """Read the records of a topic `incidents`, and pass on what complete batches have changed.

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
        self._numbers: dict[str, int] = {}
        self._open: dict[str, list[tuple[int, bytes | None]]] = {}

    def feed(self, records: Iterable[StoredRecord]) -> dict[str, bytes | None]:
        """Read the next records; return the new value of each key that has changed."""
        changed: dict[str, bytes | None] = {}
        for record in records:
            number = _number(record)
            if number is None:
                continue  # not a record of ours
            key = (record.key or b"").decode("utf-8", "replace")
            if key == POSITION_KEY:
                changed |= self._complete(_position(record.value))
            else:
                self._open.setdefault(key, []).append((number, record.value))
        return changed

    def _complete(self, position: Position | None) -> dict[str, bytes | None]:
        if position is None:
            return {}
        changed: dict[str, bytes | None] = {}
        for key, waiting in list(self._open.items()):
            for number, value in waiting:
                if number > position.number:
                    continue
                if number < self._numbers.get(key, -1):
                    self.stale.add(key)
                else:
                    self._numbers[key], changed[key] = number, value
                    self.stale.discard(key)
            self._open[key] = [each for each in waiting if each[0] > position.number]
            if not self._open[key]:
                del self._open[key]
        if self.position is None or position.number > self.position.number:
            self.position = position
        return changed


class StoredValues:
    """What a topic `incidents` has; what cannot be read is left out."""

    def __init__(self) -> None:
        self.incidents: dict[str, IncidentState] = {}
        self.silences: dict[str, Silence] = {}
        self.groups: dict[str, NotificationGroup] = {}
        self.grouped: dict[str, GroupedIncident] = {}
        self.deployments: dict[str, Deployment] = {}

    def update(self, changed: Mapping[str, bytes | None]) -> None:
        """Take over what `StoredBook.feed` returned."""
        for key, value in changed.items():
            if key.startswith(SILENCE_KEY):
                _put(self.silences, key, value, Silence.from_json)
            elif key.startswith(GROUP_KEY) and "/" in key:
                _put(self.grouped, key, value, GroupedIncident.from_json)
            elif key.startswith(GROUP_KEY):
                _put(self.groups, key, value, NotificationGroup.from_json)
            elif key.startswith(DEPLOYMENT_KEY):
                _put(self.deployments, key, value, Deployment.from_json)
            else:
                _put(self.incidents, key, value, IncidentState.from_json)


def _put(values: dict[str, T], key: str, value: bytes | None, parse: Callable[[bytes], T]) -> None:
    try:
        if value is not None:
            values[key] = parse(value)
            return
    except ValidationError:
        pass
    values.pop(key, None)


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
