"""Define the input and output of the core: records, dead letters and slice results."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # slow to load, and no part of a record that is read
    from streamproc.schemas.alerts import AlertEvent
    from streamproc.schemas.deployments import VersionSighting

Headers = Sequence[tuple[str, bytes | None]]


class Record(Protocol):
    """One Kafka record, as every client provides it."""

    @property
    def offset(self) -> int:
        """Offset in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, as the producer or the broker set it."""
        ...

    @property
    def key(self) -> bytes | None:
        """By convention, the model id."""
        ...

    @property
    def value(self) -> bytes | None:
        """One event or several; None for a tombstone."""
        ...

    @property
    def headers(self) -> Headers:
        """Names and values, such as `content-type`."""
        ...


class Reason(StrEnum):
    """Why an event was rejected: the `reason` header of its dead letter."""

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
    UNKNOWN_SCHEMA = "unknown_schema"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """Placeholder for a record, or a batch of records, that the Kafka client could not parse.

    It is a `Record` without a value, so code that does not know it treats it as an empty record.

    Parameters
    ----------
    topic, partition, offset
        Coordinates; for a batch, the offset of its last record.
    timestamp, timestamp_type
        0 if unknown.
    reason, detail
        Why it could not be parsed; the detail of a batch names all of its offsets.
    key, original, original_headers
        Key, value and headers as far as they could be parsed, with valid UTF-8 header names.
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
        """Always None: nothing may be decoded."""
        return

    @property
    def headers(self) -> Headers:
        """Always empty: no header may take effect."""
        return ()

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition} at offset {self.offset}: {self.detail}"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One event that could not be decoded, with its original bytes.

    `index` is its index in a record of several events, or -1 for the record itself.
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
    """Result of processing a slice.

    Attributes
    ----------
    events
        Number of watched events.
    repeated
        Number of skipped duplicates.
    alerts
        Alerts in log order.
    positions
        Position in the slice of the record that caused each alert.
    dead_letters
        Events that could not be decoded.
    versions
        Versions of models that events did not have before.
    fields
        Number of fields that were converted (`coerced`) and that could not be read (`missing`).
    """

    events: int = 0
    repeated: int = 0
    alerts: list["AlertEvent"] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    versions: list["VersionSighting"] = field(default_factory=list)
    fields: dict[str, int] = field(default_factory=lambda: {"coerced": 0, "missing": 0})

    def extend(self, later: "SliceResult", position: int) -> None:
        """Add the result of the records from a position on, which came after these."""
        self.events += later.events
        self.repeated += later.repeated
        self.alerts += later.alerts
        self.positions += [position + each for each in later.positions]
        self.dead_letters += later.dead_letters
        self.versions += later.versions
        for what, count in later.fields.items():
            self.fields[what] += count
