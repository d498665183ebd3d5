"""Define msgspec structs for decoding: a generic one per topic, and one per known schema.

A struct with a model's feature names decodes twice as fast as a dictionary and converts to a row of
numbers in one call. It rejects unknown fields, so no new feature is lost: the event is then decoded
generically, and the schema is extended.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta, Struct

from streamproc.decode.event_schema import EventSchema, FeatureType, PredictionForm, Topic
from streamproc.schemas.outcomes import OutcomeStatus
from streamproc.schemas.records import Reason

# Years 1 to 9999, in seconds or, from 1e11 on, in milliseconds.
FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999
Seconds = Annotated[float, Meta(ge=FIRST_MS // 1000, le=LAST_MS)]
ESCAPED = re.compile(r'["\\\x00-\x1f]')
EventTime = Seconds | Annotated[datetime, Meta(tz=True)] | None
ModelId = Annotated[str, Meta(min_length=1, max_length=255)]
Feature = float | bool | str | list[float] | None
Probability = Annotated[float, Meta(ge=0, le=1)]
Prediction = float | bool | str | Annotated[dict[str, Probability], Meta(min_length=1)]
Number = float | bool | None
# Above this many classes, a detector of class shares is better than one series per class.
MAX_CLASSES = 50
_OF_CLASSES = frozenset({PredictionForm.CLASSES, PredictionForm.NAMED, PredictionForm.MIXED})
_OF_LABELS = frozenset({PredictionForm.LABEL, PredictionForm.NAMED, PredictionForm.MIXED})
# Any minor version of major 1: fields that later ones add are ignored.
OURS = r"^1(\.[0-9]+)?\Z"
Version = Annotated[str, Meta(pattern=OURS)] | Annotated[float, Meta(ge=1, lt=2)] | None
ANOTHER = re.compile(r"[0-9]+(\.[0-9]+)*")


class _Header(Struct, gc=False, kw_only=True):
    model_id: ModelId
    ts: EventTime = None
    event_id: str | None = None
    model_version: str | None = None
    tags: dict[str, str] | None = None
    schema_version: Version = None


class _Versioned(Struct, gc=False):
    schema_version: str | float | None = None


class GenericPrediction(_Header, gc=False, kw_only=True):
    """An event of the `predictions` topic of any schema."""

    prediction: Prediction
    features: dict[str, Feature] | None = None


class GenericFeatures(_Header, gc=False, kw_only=True):
    """An event of the `features` topic of any schema."""

    features: dict[str, Feature]


Count = Annotated[int, Meta(ge=0)]
Table = dict[str, dict[str, tuple[Count, Count]]]


class GenericOutcome(_Header, gc=False, kw_only=True):
    """The required fields of an event of the `outcomes` topic; some stay raw JSON."""

    status: OutcomeStatus
    epoch: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    seq: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    group: str | None = None
    prediction: Prediction | None = None
    label: float | bool | str | None = None
    label_ts: EventTime = None
    features: msgspec.Raw = msgspec.Raw(b"null")
    coverage: Table | None = None
    event_source: msgspec.Raw = msgspec.Raw(b"null")
    predictions: list[Prediction | None] | None = None
    segments: dict[str, list[str | None]] | None = None


GENERIC: dict[Topic, msgspec.json.Decoder[Any]] = {
    Topic.PREDICTIONS: msgspec.json.Decoder(GenericPrediction),
    Topic.FEATURES: msgspec.json.Decoder(GenericFeatures),
    Topic.OUTCOMES: msgspec.json.Decoder(GenericOutcome),
}
OTHER_TYPES: dict[FeatureType, Any] = {
    FeatureType.NULL: None,
    FeatureType.TEXT: str | None,
    FeatureType.LIST: list[float] | None,
}


@dataclass(frozen=True, slots=True)
class EventStruct:
    """The structs of a schema, and the decoder of its events.

    Attributes
    ----------
    event, features
        Structs of an event and of its features.
    classes
        Struct of class probabilities or losses; None if predictions have another form.
    decode
        Decodes JSON bytes into `event`.
    """

    event: type[Any]
    features: type[Any]
    classes: type[Any] | None
    decode: Any


def is_plain(names: Iterable[str]) -> bool:
    """Whether no name needs an escape in JSON, which field names of a struct cannot have."""
    return not any(ESCAPED.search(name) for name in names)


def _struct(name: str, names: tuple[str, ...], types: list[Any]) -> type[Any]:
    fields = [(f"f{i}", kind, None) for i, kind in enumerate(types)]
    rename = {f"f{i}": label for i, label in enumerate(names)} if is_plain(names) else None
    return msgspec.defstruct(name, fields, rename=rename, gc=False, forbid_unknown_fields=True)


@lru_cache(maxsize=512)
def typed(shape: EventSchema, topic: Topic) -> EventStruct:
    """Return the struct of a schema, cached; numeric features are its first fields."""
    names = (*shape.numbers, *(name for name, _ in shape.others))
    kinds: list[Any] = [Number] * len(shape.numbers)
    kinds += [OTHER_TYPES[kind] for _, kind in shape.others]
    features = _struct("Features", names, kinds)
    fields: list[Any] = [("features", features)]
    if topic is Topic.PREDICTIONS:
        fields = [("features", features, msgspec.field(default_factory=features))]
    classes = None
    readable = is_plain((*names, *shape.classes))
    if shape.form is PredictionForm.LOSSES:
        classes = _struct("Losses", shape.classes, [Number] * len(shape.classes))
        fields.append(("prediction", classes))
    elif shape.form is PredictionForm.NONE and topic is Topic.PREDICTIONS:
        readable = False  # predictions were null so far: the next event may extend the schema
    elif shape.form is not PredictionForm.NONE:
        if shape.form in _OF_CLASSES and len(shape.classes) < MAX_CLASSES:
            classes = _struct("Classes", shape.classes, [Probability | None] * len(shape.classes))
        fields.append(("prediction", _prediction(shape, classes)))
    event = msgspec.defstruct("Event", fields, bases=(_Header,), gc=False, kw_only=True)
    decode = msgspec.json.Decoder(event).decode if readable else _never
    return EventStruct(event, features, classes, decode)


def _prediction(shape: EventSchema, classes: type[Any] | None) -> Any:
    """Return the type of a schema's predictions, which rejects those that would extend it.

    At the limit of classes it accepts all, or each event with an unknown one would be decoded
    twice.
    """
    full = len(shape.classes) >= MAX_CLASSES
    kinds: list[Any] = [float, bool] if shape.has_number else []
    if shape.form in _OF_LABELS:
        kinds.append(str if full else Literal[shape.classes])
    if shape.form in _OF_CLASSES:
        kinds.append(classes or Annotated[dict[str, Probability], Meta(min_length=1)])
    return Union[tuple(kinds)]  # noqa: UP007  of a list


def _never(_: bytes) -> Any:
    """Reject all events of a schema that only the generic decoder can read."""
    raise msgspec.ValidationError("a name needs an escape in JSON")


def in_range(ts: float | datetime | None, record_timestamp: int) -> bool:
    """Whether an event's time, by default its record's, is in the years 1 to 9999 in UTC."""
    if ts is None:
        return FIRST_MS <= record_timestamp <= LAST_MS
    if ts.__class__ is not datetime or 1 < ts.year < 9999:
        return True
    try:
        ts.astimezone(UTC)
    except OverflowError:
        return False
    return True


def classify_error(error: Exception, body: bytes | None = None) -> tuple[Reason, str]:
    """Return reason and detail of the dead letter of an event that could not be decoded.

    An event of another major version has that reason, whatever the error was.
    """
    another = None if body is None else _another_version(body)
    if another is not None:
        return Reason.UNSUPPORTED_VERSION, f"schema_version is {another}; expected 1"
    detail = str(error)
    if isinstance(error, RecursionError):
        return Reason.TOO_DEEP, "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return Reason.NOT_UTF8, detail
    if not isinstance(error, msgspec.ValidationError):
        return Reason.NOT_JSON, detail
    if detail.startswith("Object missing required field"):
        return Reason.MISSING_FIELD, detail
    return Reason.WRONG_TYPE, detail


def _another_version(body: bytes) -> str | None:
    try:
        version = _versioned.decode(body).schema_version
    except DECODE_ERRORS:
        return None
    if version is None or not ANOTHER.fullmatch(
        text := f"{version:g}" if version.__class__ is float else str(version)
    ):
        return None
    return None if re.match(OURS, text) else text


_versioned = msgspec.json.Decoder(_Versioned)
DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
