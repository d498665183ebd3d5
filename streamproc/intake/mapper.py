"""Map the records of other systems to native events, as the configuration says."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from streamproc.config.config import Config
from streamproc.config.intake import SCHEMA_FORMATS, Intake, Rule, Target
from streamproc.config.topics import zone_of
from streamproc.decode.event_schema import Topic
from streamproc.decode.lenient import LenientDecoder, Note, lenient_decoder, time_of
from streamproc.decode.structs import DECODE_ERRORS, classify_error
from streamproc.intake.arrow_rows import arrow_rows, is_arrow
from streamproc.intake.documents import Document, document
from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Part, SchemaRef, Schemas, frame_of, refs_of
from streamproc.intake.getters import (
    ABSENT,
    condition,
    getter,
    plain,
    rows_getter,
    spec_getter,
    used_paths,
)
from streamproc.join.decode import GenericLabel
from streamproc.schemas.records import Reason, Record

_UNREADABLE: Final = (
    "the prediction is not a number, text, boolean, or class → probability; name a path inside it,"
    " such as `prediction: predictions.0.score`: "
)
_ENCODE: Final = msgspec.json.Encoder().encode


class NativeEvent(Struct, frozen=True, gc=False):
    """An event for a native topic.

    Attributes
    ----------
    to
        Kind of its topic.
    model_id
        The model, which is the key of its record.
    body
        The event as JSON.
    """

    to: Target
    model_id: str
    body: bytes


class Refused(NamedTuple):
    """An item of a list that cannot become events: its place, the item as JSON, and why not."""

    place: int
    body: bytes
    error: IntakeError


class Mapped(Struct, frozen=True):
    """What a record became.

    Attributes
    ----------
    events
        Its events; none if it is skipped.
    skipped
        Why it is skipped; None if it is not.
    notes
        What was done with fields of unusual types.
    refused
        Items of a list that cannot become events, while others do.
    """

    events: Sequence[NativeEvent] = ()
    skipped: str | None = None
    notes: Sequence[Note] = ()
    refused: Sequence[Refused] = ()


class Mapper:
    """Map the records of one entry of `intake`.

    Parameters
    ----------
    entry
        The entry.
    config
        The whole configuration: time zone, and limits of events.

    Examples
    --------
    >>> from streamproc.monitor import LogRecord
    >>> entry = Intake.model_validate({
    ...     "from": {"topics": ["scores"]},
    ...     "map": {"event_id": "id", "prediction": "score", "features": {"omit": []}},
    ... })
    >>> record = LogRecord(7, b'{"id": 12, "score": 0.5, "amount": 3}', timestamp=1_000)
    >>> Mapper(entry, Config()).map(record, "scores", 0).events[0].body
    b'{"model_id":"scores","event_id":"12","ts":1.0,"features":{"amount":3.0},"prediction":0.5}'
    """

    def __init__(self, entry: Intake, config: Config) -> None:
        self.entry = entry
        zone = config.topics.tzinfo
        self._rules = [_Rule(rule, entry.columns, zone) for rule in entry.rules]
        self._skip = [(getter(path), set(values)) for path, values in entry.skip.items()]
        self._keep = [(getter(path), set(values)) for path, values in entry.keep.items()]
        self._forced = entry.format == "arrow"  # whatever the content type
        self._longest = config.limits.record_bytes
        self._framed = () if config.registry is None else _framed_parts(entry)

    def schemas_of(self, records: Iterable[Record]) -> set[SchemaRef]:
        """Return the schemas that records name and that `map` needs; none without a registry."""
        if not self._framed:
            return set()
        return set().union(*(refs_of(record, self._framed) for record in records))

    def map(
        self, record: Record, topic: str, partition: int, schemas: Schemas | None = None
    ) -> Mapped:
        """Map one record.

        Parameters
        ----------
        record, topic, partition
            The record, and where it was read.
        schemas
            At least those of `schemas_of`; None if no registry is configured.

        Raises
        ------
        IntakeError
            If it cannot be read, or a required field is missing; of a list, in each item.
        """
        found: Document | None
        if (record.headers or self._forced) and is_arrow(record, self.entry.format):
            rows = arrow_rows(record.value or b"", self._longest)
            found = Document(rows, {}, record, topic, partition, schemas)
        else:
            found = document(record, self.entry.format, topic, partition, schemas)
        if found is None:
            return Mapped(skipped="it has no value (a tombstone)")
        if not isinstance(found.value, list):
            return self._map(found, None)
        return self._map_items(found, found.value)

    def _map_items(self, found: Document, values: Sequence[Any]) -> Mapped:
        """Map a list, of which an item that cannot be read costs itself alone."""
        events: list[NativeEvent] = []
        notes: list[Note] = []
        refused: list[Refused] = []
        skipped: str | None = "it is an empty list"
        for index, value in enumerate(values):
            try:
                part = self._map(msgspec.structs.replace(found, value=value), index)
            except IntakeError as error:
                if not self._splits(found.record):
                    raise
                refused.append(Refused(index, _ENCODE(value), error))
                continue
            events += part.events
            notes += part.notes
            skipped = part.skipped
        if refused and len(refused) == len(values):
            raise refused[0].error
        return Mapped(events, None if events else skipped, notes, refused)

    def _splits(self, record: Record) -> bool:
        """Whether an item of a record's list, as JSON, is mapped like the item in the list."""
        form = self.entry.format
        return form in {"json", "arrow"} and frame_of(record.value, record.headers, "value") is None

    def _map(self, found: Document, index: int | None) -> Mapped:
        for get, values in self._skip:
            if (value := plain(get(found))) in values:
                return Mapped(skipped=f"`skip` names {value!r}")
        for get, values in self._keep:
            if (value := plain(get(found))) not in values:
                return Mapped(skipped=f"`keep` does not name {value!r}")
        for rule in self._rules:
            if rule.holds(found):
                return rule.map(found, index)
        return Mapped(skipped="`when` of no rule holds")


def _framed_parts(entry: Intake) -> tuple[Part, ...]:
    """Return the parts of records whose schemas have to be known."""
    keyed = any(spec.key is not None for rule in entry.rules for spec in rule.map.specs)
    value: tuple[Part, ...] = ("value",) if entry.format in {"json", *SCHEMA_FORMATS} else ()
    return (*value, "key") if keyed else value


class _Rule:
    """A compiled rule."""

    def __init__(self, rule: Rule, columns: Sequence[str], zone: tzinfo) -> None:
        fields = rule.map
        self._to: Target = rule.to
        self._when = [(condition(name), value) for name, value in rule.when.items()]
        self._texts = [
            (name, spec_getter(spec))
            for name, spec in (
                ("model_id", fields.model_id),
                ("event_id", fields.event_id),
                ("model_version", fields.model_version),
            )
            if spec is not None
        ]
        self._ts = None if fields.ts is None else spec_getter(fields.ts)
        self._zone = zone
        if fields.ts is not None and fields.ts.zone is not None:
            self._zone = zone_of(fields.ts.zone)
        self._tags = [(name, spec_getter(spec)) for name, spec in fields.tags.items()]
        self._label = None if fields.label is None else spec_getter(fields.label)
        used = used_paths(fields)
        self._features = rows_getter(fields.features, columns, used, named=True)
        self._prediction = rows_getter(fields.prediction, (), used, named=False)
        self._decoder = _decoder(rule.to, self._zone)
        self._strict = msgspec.json.Decoder(self._decoder.struct).decode
        self._labels = _decoder("labels", self._zone)

    def holds(self, found: Document) -> bool:
        for get, wanted in self._when:
            value = plain(get(found))
            if value != wanted and (wanted != "*" or value is None):
                return False
        return True

    def map(self, found: Document, index: int | None) -> Mapped:
        """Return the events of a document; `index` is its place in a list of several."""
        common: dict[str, Any] = {"model_id": found.topic}
        for name, get in self._texts:
            if (value := get(found)) is not ABSENT and value is not None:
                common[name] = value
        label = ABSENT if self._label is None else self._label(found)
        if self._to == "labels":
            if label is ABSENT or label is None:
                return Mapped(skipped="it has no label")
            if "event_id" not in common:
                raise IntakeError(Reason.MISSING_FIELD, "a label needs an event id")
            common["label"] = label
        self._add_time(common, found)
        if self._tags:
            self._add_tags(common, found)
        mapped = self._events(found, common, index)
        if self._to != "labels" and label is not ABSENT and label is not None:
            return self._with_labels(mapped, common, label)
        return mapped

    def _with_labels(self, mapped: Mapped, common: dict[str, Any], label: Any) -> Mapped:
        """Add the labels of events, which their record has too."""
        count = len(mapped.events)
        labels = label if isinstance(label, list) else [label]
        if len(labels) != count:
            detail = f"{count} rows, and {len(labels)} labels"
            raise IntakeError(Reason.WRONG_TYPE, detail)
        notes, events = list(mapped.notes), list(mapped.events)
        for at, each in enumerate(labels):
            event = {
                name: common[name] for name in ("model_id", "event_id", "ts") if name in common
            }
            if count > 1:
                event["event_id"] = f"{common['event_id']}_{at}"
            if each is not None:
                events.append(_checked("labels", self._labels, event | {"label": each}, notes))
        return Mapped(events, mapped.skipped, notes)

    def _add_tags(self, common: dict[str, Any], found: Document) -> None:
        tags, is_there = {}, False
        for name, get in self._tags:
            if (value := get(found)) is not ABSENT:
                is_there = True
                if value is not None and value != "":
                    tags[name] = value
        if is_there:
            common["tags"] = tags

    def _add_time(self, common: dict[str, Any], found: Document) -> None:
        ts = ABSENT if self._ts is None else self._ts(found)
        if ts is ABSENT or ts is None:
            if found.record.timestamp > 0:
                common["ts"] = found.record.timestamp / 1000
        else:
            common["ts"] = time_of(ts, self._zone, [])

    def _events(self, found: Document, common: dict[str, Any], index: int | None) -> Mapped:
        features = None if self._features is None else self._features(found)
        predictions = None if self._prediction is None else self._prediction(found)
        given = predictions if features is None else features
        count = 1 if given is None else len(given)
        if predictions is not None and count > 1:
            predictions = _of_rows(predictions, count)
        if predictions is not None and len(predictions) != count:
            detail = f"{count} rows of features, {len(predictions)} predictions"
            raise IntakeError(Reason.WRONG_TYPE, detail)
        if "event_id" not in common:
            common["event_id"] = f"{found.topic}-{found.partition}-{found.record.offset}"
            if index is not None:
                common["event_id"] += f"_{index}"
        notes: list[Note] = []
        events: list[NativeEvent] = []
        for at in range(count):
            event = common
            if count > 1:
                event = dict(common)
                event["event_id"] = f"{common['event_id']}_{at}"
            if features is not None:
                event["features"] = features[at]
            if predictions is not None:
                event["prediction"] = predictions[at]
            events.append(self._checked(event, notes))
        return Mapped(events, None if events else "it has no rows", notes)

    def _checked(self, event: dict[str, Any], notes: list[Note]) -> NativeEvent:
        """Convert fields without loss, and check the event as the native decoder will."""
        body = _ENCODE(event)  # NaN becomes null
        try:
            if b"null" not in body:
                self._strict(body)
                return NativeEvent(self._to, event["model_id"], body)
        except DECODE_ERRORS:
            pass  # a field has another type: it is converted, or named in the reason
        return _checked(self._to, self._decoder, event, notes)


def _checked(
    to: Target, decoder: LenientDecoder, event: dict[str, Any], notes: list[Note]
) -> NativeEvent:
    """Convert fields without loss, and check the event as the native decoder will."""
    given = event.get("prediction")
    try:
        decoder.repair(event, notes)
        msgspec.convert(event, decoder.struct)
    except DECODE_ERRORS as error:
        raise IntakeError(*classify_error(error)) from error
    if given is not None and event["prediction"] is None and "features" not in event:
        raise IntakeError(Reason.WRONG_TYPE, f"{_UNREADABLE}{msgspec.json.encode(given)[:40]!r}")
    return NativeEvent(to, event["model_id"], _ENCODE(event))


def _of_rows(predictions: list[Any], count: int) -> list[Any]:
    """Return the predictions of several rows, which some algorithms write in one line."""
    [first, *others] = predictions or [None]
    if not others and isinstance(first, list) and len(first) == count:
        return first
    return predictions


def _decoder(to: Target, zone: tzinfo) -> LenientDecoder:
    if to == "labels":
        return LenientDecoder(GenericLabel, zone)
    return lenient_decoder(Topic.PREDICTIONS if to == "predictions" else Topic.FEATURES, zone)


def mappers(config: Config) -> Callable[[str], Mapper | None]:
    """Return a function that gives the mapper of a topic: that of the first entry that matches."""
    made = [Mapper(entry, config) for entry in config.intake]
    known: dict[str, Mapper | None] = {}

    def of(topic: str) -> Mapper | None:
        if topic not in known:
            known[topic] = next((each for each in made if each.entry.source.matches(topic)), None)
        return known[topic]

    return of


def describe(mapped: Mapped) -> Iterator[str]:
    """Describe what a record became, a line for each event."""
    for event in mapped.events:
        yield f"{event.to}: {event.body.decode()}"
    for place, _, error in mapped.refused:
        yield f"refused: item {place}: {error.reason.value}: {error.detail}"
    if mapped.skipped is not None:
        yield f"skipped: {mapped.skipped}"
