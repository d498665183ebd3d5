"""Decode records of the three input logs to events and labels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cache
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from streamproc.config.config import Config, Limits
from streamproc.decode.duplicate_keys import find_duplicate_key, suspects
from streamproc.decode.event_schema import Topic
from streamproc.decode.lenient import LenientDecoder, LenientPrediction
from streamproc.decode.matrix import seconds
from streamproc.decode.payloads import (
    WHOLE_RECORD,
    bodies,
    letter_headers,
    original_value,
)
from streamproc.decode.structs import (
    DECODE_ERRORS,
    GENERIC,
    EventTime,
    GenericFeatures,
    ModelId,
    Version,
    classify_error,
    in_range,
)
from streamproc.decode.unreadable import UnreadableError
from streamproc.decode.validation import MAX_NAME_LENGTH, validate
from streamproc.join.coverage import Names, names_of
from streamproc.join.encode import body, value
from streamproc.join.entry import InputLog, key_of
from streamproc.join.prediction_windows import Prediction, shortened
from streamproc.schemas.events import MAX_LABEL_LENGTH
from streamproc.schemas.records import DeadLetter, Reason, Record
from streamproc.schemas.timestamps import MILLISECONDS_FROM

# An event cannot be much later than its record: a clock that is wrong by a year must not expire
# all other entries. A day is more than any time zone error.
AHEAD_SECONDS: Final = 86_400.0
# Clocks of hosts differ by less; times further ahead of their record are reported.
REPORTED_AHEAD_SECONDS: Final = 3_600.0
_PREDICTIONS, _, _LABELS = InputLog
_BRACE: Final = ord("{")


class GenericLabel(Struct, gc=False, kw_only=True):
    """An event of the `labels` topic."""

    model_id: ModelId
    event_id: str
    label: float | bool | Annotated[str, Meta(max_length=MAX_LABEL_LENGTH)]
    ts: EventTime = None
    schema_version: Version = None


_DECODE: Final[tuple[Callable[[bytes], Any], ...]] = (
    GENERIC[Topic.PREDICTIONS].decode,
    GENERIC[Topic.FEATURES].decode,
    msgspec.json.Decoder(GenericLabel).decode,
)


@cache
def _lenient(zone: tzinfo) -> tuple[LenientDecoder, ...]:
    """Return the lenient decoders of the three logs."""
    structs = LenientPrediction, GenericFeatures, GenericLabel
    return tuple(LenientDecoder(struct, zone) for struct in structs)


class JoinInput(Struct, gc=False):
    """An event or a label, and its position.

    Attributes
    ----------
    position
        Index of its record within the batch.
    index
        Its index in the record; -1 if the record holds nothing else.
    model_id, event_id
        Ids of its model and event; an event may have no id.
    key
        Hash of both; empty without an event id.
    ts, time
        Its own time, and the plausible time used for it; seconds since 1970.
    content
        The fields of an event, or the value of a label, as JSON.
    parts
        The cohorts of an event.
    version, prediction
        Model version of an event, and its prediction for a prediction window.
    tags
        Tags of an event.
    """

    log: InputLog
    position: int
    offset: int
    index: int
    model_id: str
    event_id: str | None
    key: bytes
    ts: float
    time: float
    content: bytes
    parts: Names
    version: str | None = None
    prediction: Prediction = None
    tags: Mapping[str, str] | None = None


Segments = Callable[[str], tuple[str, ...]]


@dataclass(slots=True)
class DecodedInputs:
    """Items decoded from records."""

    items: list[JoinInput] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    implausible: list[JoinInput] = field(default_factory=list)

    def add(self, item: JoinInput, timestamp: int) -> None:
        """Add an item of a record, and note a time before 1970 or ahead of the record."""
        self.items.append(item)
        ts = item.ts
        if ts < 0.0 or (ts > timestamp / 1000 + REPORTED_AHEAD_SECONDS and timestamp > 0):
            self.implausible.append(item)


def decode(
    records: Sequence[tuple[InputLog, Record]],
    config: Config,
    names: Sequence[str],
    partition: int,
    segments: Segments,
) -> DecodedInputs:
    """Decode records.

    An undecodable event is left out: the worker publishes a dead letter when it processes the
    event's topic. An undecodable label becomes a dead letter here.

    Parameters
    ----------
    records
        In the order of joining.
    config
        The whole configuration.
    names
        Names of the three topics.
    partition
        Partition number, the same in all topics.
    segments
        Returns the tags that define a model's cohorts.
    """
    found = DecodedInputs()
    limits, longest = config.limits, config.limits.record_bytes
    lenient = () if config.strict else _lenient(config.topics.tzinfo)
    doubts = suspects([record.value for _, record in records], longest)
    for position, (log, record) in enumerate(records):
        event = None if position in doubts else _plain(log, record, limits, longest)
        if event is not None:
            found.add(_item(log, position, record, WHOLE_RECORD, event, segments), record.timestamp)
            continue
        for index, raw, error in _bodies(record, limits, strict=config.strict):
            event, wrong = (None, error) if error else _decode(log, raw, record, limits, lenient)
            if wrong is None and position in doubts:
                wrong = find_duplicate_key(raw or b"")
            if wrong is None:
                found.add(_item(log, position, record, index, event, segments), record.timestamp)
            elif log is _LABELS:
                found.dead_letters.append(
                    DeadLetter(
                        *wrong,
                        topic=names[log],
                        partition=partition,
                        offset=record.offset,
                        timestamp=record.timestamp,
                        index=index,
                        key=record.key,
                        value=raw,
                        headers=letter_headers(record, index),
                    )
                )
    return found


def _plain(log: InputLog, record: Record, limits: Limits, longest: int) -> Any:
    """Decode a record with one object on one line; None if it needs the general decoder."""
    raw = record.value
    if not raw or raw[0] != _BRACE or len(raw) > longest or b"\n" in raw:
        return None
    if record.headers and any(name.lower() == "content-type" for name, _ in record.headers):
        return None
    try:
        event = _DECODE[log](raw)
    except DECODE_ERRORS:  # the general decoder reports the error
        return None
    if event.ts.__class__ is not float and not in_range(event.ts, record.timestamp):
        return None
    if log is not _LABELS and (
        len(raw) > MAX_NAME_LENGTH or len(event.features or ()) > limits.max_features
    ):
        return None if validate(event, record, limits) else event
    return event


def _bodies(
    record: Record, limits: Limits, *, strict: bool
) -> Iterator[tuple[int, bytes | None, tuple[Reason, str] | None]]:
    try:
        for index, body in bodies(record, limits.record_bytes, strict=strict):
            yield index, body, None
    except UnreadableError as error:
        yield WHOLE_RECORD, original_value(record), (error.reason, error.detail)


def _decode(
    log: InputLog,
    body: bytes | None,
    record: Record,
    limits: Limits,
    lenient: Sequence[LenientDecoder],
) -> tuple[Any, tuple[Reason, str] | None]:
    try:
        try:
            event = _DECODE[log](body or b"")
        except DECODE_ERRORS:
            if not lenient:
                raise
            event, _ = lenient[log].decode(body or b"")
    except DECODE_ERRORS as error:
        return None, classify_error(error, body)
    if log is not _LABELS:
        return event, validate(event, record, limits)
    if not in_range(event.ts, record.timestamp):
        return None, (Reason.WRONG_TYPE, "its time is not within the years 1 to 9999 in UTC")
    return event, None


def _item(
    log: InputLog, position: int, record: Record, index: int, event: Any, segments: Segments
) -> JoinInput:
    ts = event.ts
    if ts.__class__ is not float or ts >= MILLISECONDS_FROM:
        ts = seconds(ts, record)
    time, stamp = ts, record.timestamp
    # 0 or less: the record has no timestamp.
    if stamp > 0 and ts > stamp / 1000 + AHEAD_SECONDS:
        time = stamp / 1000
    model_id, name = event.model_id, event.event_id
    key = b"" if name is None else key_of(model_id, name)
    if log is _LABELS:
        content = value(event.label)
        return JoinInput(
            log, position, record.offset, index, model_id, name, key, ts, time, content, ()
        )
    prediction = event.prediction if log is _PREDICTIONS else None
    tags = segments(model_id)
    return JoinInput(
        log,
        position,
        record.offset,
        index,
        model_id,
        name,
        key,
        ts,
        time,
        body(event, prediction),
        () if prediction is None and not tags else names_of(prediction, event.tags, tags),
        event.model_version,
        None if prediction is None else shortened(prediction),
        event.tags,
    )
