"""What the core takes in and gives out: records, dead letters, and what became of a slice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from streamproc.schemas.alerts import AlertEvent

Headers = Sequence[tuple[str, bytes | None]]


class Record(Protocol):
    """One Kafka record as every client shows it; `timestamp` is in milliseconds."""

    @property
    def offset(self) -> int:
        """Place in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, as the producer or the broker set it."""
        ...

    @property
    def key(self) -> bytes | None:
        """Which model, by convention."""
        ...

    @property
    def value(self) -> bytes | None:
        """The event, or several."""
        ...

    @property
    def headers(self) -> Headers:
        """Names and values; `content-type` is read."""
        ...


class Reason(StrEnum):
    """Why an event was not read: the `reason` header of its dead letter."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    DUPLICATE_KEY = "duplicate_key"
    TOO_MANY_FEATURES = "too_many_features"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNSUPPORTED_CONTENT_TYPE = "unsupported_content_type"
    UNSUPPORTED_CODEC = "unsupported_codec"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """Stands where the Kafka client could not parse a record, or a whole batch of them.

    It has the fields of a `Record` without a value, so whatever reads records takes it for an
    empty one unless it asks for more.

    Parameters
    ----------
    topic, partition, offset
        Where it is; of a batch the offset of its last record.
    timestamp, timestamp_type
        As far as they are known; else 0.
    reason, detail
        Why it could not be parsed; the detail of a batch names all of its offsets.
    key, original, original_headers
        Key, value and headers where they could be parsed; names of headers are made UTF-8.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    reason: Reason
    detail: str
    key: bytes | None = None
    original: bytes | None = None
    original_headers: Headers = ()

    @property
    def value(self) -> None:
        """Nothing that may be decoded."""
        return

    @property
    def headers(self) -> Headers:
        """None that may be obeyed."""
        return ()

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition} at offset {self.offset}: {self.detail}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One event that could not be read, with its bytes as they came.

    `index` is its place in a record that held several events, and -1 when the whole
    record is meant.
    """

    reason: Reason
    detail: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    index: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(slots=True)
class SliceResult:
    """What became of a slice.

    `alerts` come in log order; `positions[i]` is the place in the slice of the record
    that `alerts[i]` comes from. `repeated` events came a moment ago already and were not watched
    again.
    """

    events: int = 0
    repeated: int = 0
    alerts: list[AlertEvent] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
