"""Batch decoded events by layout; create, change and evict the models that they need."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from streamproc.decode.decoded_events import PLACE_BITS, LayoutBatch, LayoutBatches
from streamproc.decode.deduplication import Deduplicator
from streamproc.decode.draft import Draft
from streamproc.decode.event_schema import (
    EventSchema,
    FeatureType,
    PredictionForm,
    Retyped,
    Topic,
)
from streamproc.decode.first_schema import FirstSchemas
from streamproc.decode.layout import Layout, Model
from streamproc.decode.lenient import Note, lenient_decoder
from streamproc.decode.lenient_numbers import as_number
from streamproc.decode.model_registry import ModelRegistry
from streamproc.decode.numeric_text import NumericTextTracker, note_of, read_prediction
from streamproc.decode.scan_backoff import ScanBackoff
from streamproc.decode.schema_growth import Growth, News, clashes, news_of, unusual
from streamproc.decode.structs import GENERIC, MAX_CLASSES
from streamproc.decode.type_changes import TypeChangeTracker
from streamproc.schemas.records import Record, SliceResult

# A model id has at most 255 characters of UTF-8. Longer keys are not stored, since a key may be as
# long as a record.
_MAX_KEY_BYTES: Final = 4 * 255
_NOTED: Final = ("coerced", "missing", "ambiguous", "foreign", "mixed")


class EventBatcher:
    """Add events to the batch of their model's layout, and maintain models and layouts.

    Parameters
    ----------
    catalogue
        Registry of models, layouts and series.
    topic, partition
        Coordinates of the records, for dead letters.
    watch
        Called with batches of events: at the end of a slice, and before a known model changes its
        layout, so that detectors see each series in log order.
    retyped
        Called when series of a model end because features change their type, with the model's id,
        these features, the event, its sort key and its record.
    full
        Called once for each limit, with the limit's name, the event, its sort key and its record,
        at the first series that is not watched because of it.

    Attributes
    ----------
    forgotten
        Called with each evicted model, and the event, sort key and record that caused it.
    noted
        Called once for each model and kind of note, with the note, the event, its sort key and its
        record.
    recent
        Duplicates of the last events.
    strays
        Values with another type than their feature.
    numeric_texts
        Text features that may turn out to be numbers.
    """

    def __init__(
        self,
        catalogue: ModelRegistry,
        topic: str,
        partition: int,
        watch: Callable[[LayoutBatches, Sequence[Record], SliceResult], None],
        retyped: Callable[[str, Retyped, Any, int, Record], None],
        full: Callable[[str, Any, int, Record], None],
    ) -> None:
        self._catalogue = catalogue
        self._limits = catalogue.config.limits
        self._topic, self._partition = topic, partition
        self._watch = watch
        self._retyped = retyped
        self._full = full
        self._is_utc = catalogue.config.topics.zone == "UTC"
        self._any = GENERIC[catalogue.topic]
        config = catalogue.config
        self._lenient = (
            None
            if config.strict or catalogue.topic is Topic.OUTCOMES
            else lenient_decoder(catalogue.topic, config.topics.tzinfo)
        )
        self._doubtful: set[int] = set()  # positions of records that may have duplicate keys
        self._first = FirstSchemas(self._limits.max_features)
        self._scans = ScanBackoff()
        self._drafts: dict[str, Draft] = {}  # models with a schema that grows within this slice
        self._waiting = 0  # numbers in the matrices of pending events
        self._alone: set[str] = set()  # models with events that are decoded one by one
        self._left: list[tuple[Layout, int]] = []  # layouts and rows that models have just left
        self._hints: dict[bytes | None, Layout] = {}
        self.forgotten: Callable[[Model, Any, int, Record], None]
        self.noted: Callable[[Note, Any, int, Record], None]
        self.recent = Deduplicator(self._limits.recent_events)
        self.strays = TypeChangeTracker()
        self.numeric_texts = NumericTextTracker()

    def _put(
        self,
        event: Any,
        place: int,
        batches: LayoutBatches,
        records: Sequence[Record],
        outcome: SliceResult,
    ) -> None:
        """Add a generic event to the batch of its model, and extend the model's schema."""
        record = records[place >> PLACE_BITS]
        model = self._catalogue.models.get(event.model_id)
        if self._lenient is not None and getattr(event, "prediction", None).__class__ is str:
            self._read_number(event, model, place, record, outcome)
        if model is None:
            news, schema = self._first.of(event.features or {}, _prediction(event))
            if news is not None:
                self._evict_if_full(news, event, place, batches, records, outcome)
            model = self._catalogue.assign(event.model_id, schema)
            if model is not None:
                self._count_numeric(model, event.features or {}, record.key)
        else:
            self._grow(model, event, place, batches, records, outcome)
        draft = self._drafts.get(event.model_id)
        kinds = draft.kinds if draft is not None else model.layout.kinds if model else {}
        self._report_limits(event, kinds, place, record)
        if self._catalogue.waiting and not self._catalogue.idle.due:
            self._catalogue.idle.wait(record.offset, waiting=True)
        if model is None:
            outcome.events += 1
            return
        self._waiting += len(kinds)
        if draft is not None:
            draft.add(event, place)
            return
        layout = model.layout
        layout.loose += 1
        if layout.settled and model.id not in self._alone:
            self._hint(record.key, layout)
        batches.setdefault(layout, LayoutBatch()).add(event, place, loose=True)

    def _grow(
        self,
        model: Model,
        event: Any,
        place: int,
        batches: LayoutBatches,
        records: Sequence[Record],
        outcome: SliceResult,
    ) -> None:
        """Extend the schema of a known model by what is new in an event."""
        draft, layout = self._drafts.get(model.id), model.layout
        kinds = layout.kinds if draft is None else draft.kinds
        features, prediction = event.features or {}, _prediction(event)
        key = records[place >> PLACE_BITS].key
        odd = unusual(kinds, features)
        numbers, notes = self._numeric(model, kinds, features, odd)
        if notes:
            self._note(notes, event, place, records[place >> PLACE_BITS], outcome)
        if numbers:
            self._hand_over(batches, records, outcome)
            self._settle(model, numbers, event, place, records, silent=True)
            return
        other: Mapping[str, FeatureType] = {}
        if odd or model.id in self.strays:
            other = self.strays.observe(model.id, kinds, features, odd)
            if model.id in self.strays:
                self._read_alone(model, key)
        if other:
            self._hand_over(batches, records, outcome)
            self._settle(model, other, event, place, records)
            return
        if draft is not None:
            news = draft.growth.news(odd, prediction)
        else:
            known = kinds, layout.shape.form, layout.class_rows
            news = news_of(known, (odd, prediction), self._limits.max_features, MAX_CLASSES)
        if news is None:
            return
        self._count_numeric(model, {name: odd[name] for name in news.features}, key)
        self._evict_if_full(news, event, place, batches, records, outcome)
        draft = self._drafts.get(model.id)
        if clashes(kinds, news):
            self._hand_over(batches, records, outcome)
            self._settle(model, {}, event, place, records)
            return
        if draft is None:
            draft = self._drafts[model.id] = Draft(model, self._growth(model.layout.shape))
            self._read_alone(model, key)
        self._catalogue.admit(model, news)
        draft.grow(news)

    def _evict_if_full(
        self,
        news: News,
        event: Any,
        place: int,
        batches: LayoutBatches,
        records: Sequence[Record],
        outcome: SliceResult,
    ) -> None:
        """Evict idle models if new series do not fit otherwise."""
        catalogue, record = self._catalogue, records[place >> PLACE_BITS]
        if catalogue.fits(news.most_series):
            return
        if catalogue.promised:
            self._hand_over(batches, records, outcome)
        needed = len(news.shape().series())
        if catalogue.series + needed > catalogue.capacity and catalogue.idle.possible(
            record.offset
        ):
            self._hand_over(batches, records, outcome)
            for name in catalogue.models_to_evict(record.offset, needed, event.model_id):
                self._forget_model(name, event, place, record)

    def _forget_model(self, model_id: str, event: Any, place: int, record: Record) -> None:
        model = self._catalogue.models[model_id]
        self._left.append((model.layout, model.row))
        self.strays.forget(model_id)
        self.numeric_texts.forget(model_id)
        for kind in _NOTED:
            self._catalogue.limits_reported.discard(reported(kind, model_id))
        self.forgotten(model, event, place, record)
        self._catalogue.retire(model_id)
        self._catalogue.forgotten += 1

    def _serve_waiting(
        self, records: Sequence[Record], position: int, batches: LayoutBatches, outcome: SliceResult
    ) -> None:
        """Evict idle models and watch series that were refused, before the record at `position`."""
        catalogue, record = self._catalogue, records[position]
        self._hand_over(batches, records, outcome)
        for name in catalogue.models_to_evict(record.offset, catalogue.refused_series(), ""):
            self._forget_model(name, None, position << PLACE_BITS, record)
        self._left.clear()
        catalogue.watch_waiting()
        catalogue.idle.wait(record.offset, waiting=bool(catalogue.waiting))

    def _growth(self, shape: EventSchema) -> Growth:
        return Growth(shape, self._limits.max_features, MAX_CLASSES)

    def _read_alone(self, model: Model, key: bytes | None) -> None:
        """Decode the next events of a model one by one: each may change the model's layout."""
        self._hints.pop(key, None)
        if model.id not in self._alone:
            self._alone.add(model.id)
            self._left.append((model.layout, model.row))

    def _settle(
        self,
        model: Model,
        other: Mapping[str, FeatureType],
        event: Any,
        place: int,
        records: Sequence[Record],
        *,
        silent: bool = False,
    ) -> None:
        """Move a model to a new layout at once, because features change their type.

        `silent`: the change is not reported as a change of type.
        """
        known = model.layout.shape
        growth = self._growth(known)
        growth.remove(other)
        news = growth.news(event.features or {}, _prediction(event))
        if news is not None:
            growth.add(news)
        shape = growth.shape()
        self._left.append((model.layout, model.row))
        self._catalogue.assign(model.id, shape)
        retyped = {} if silent else known.retyped(shape)
        if retyped or self._catalogue.dropped:
            self._retyped(model.id, retyped, event, place, records[place >> PLACE_BITS])

    def _numeric(
        self,
        model: Model,
        kinds: Mapping[str, FeatureType],
        features: dict[str, Any],
        odd: dict[str, Any],
    ) -> tuple[dict[str, FeatureType], list[Note]]:
        """Read numbers that are sent as text; return the features that are numbers from now on."""
        if self._lenient is None:
            return {}, []
        for name, value in list(odd.items()):
            if value.__class__ is str and kinds.get(name) is FeatureType.NUMBER:
                number = as_number(value)
                if number is not None:
                    features[name] = number
                    del odd[name]
        if model.id not in self.numeric_texts:
            return {}, []
        numbers: dict[str, FeatureType] = {}
        notes: list[Note] = []
        for name, notation in self.numeric_texts.observe(model.id, kinds, features).items():
            note = note_of(name, notation, is_named=model.config.sends_numbers(name))
            notes.append(note)
            if note.kind == "coerced":
                numbers[name] = FeatureType.NUMBER
                if features[name].__class__ is str:
                    features[name] = as_number(features[name])
        return numbers, notes

    def _count_numeric(self, model: Model, new: Mapping[str, Any], key: bytes | None) -> None:
        """Count the values of new features that begin with a number as text."""
        if self._lenient is None or not new:
            return
        self.numeric_texts.begin(model.id, new)
        if model.id in self.numeric_texts:
            self._read_alone(model, key)

    def _read_number(
        self, event: Any, model: Model | None, place: int, record: Record, outcome: SliceResult
    ) -> None:
        """Turn a prediction such as "0.93" into a number, unless the model predicts labels."""
        draft = self._drafts.get(event.model_id)
        form = PredictionForm.NONE
        if draft is not None:
            form = draft.growth.form
        elif model is not None:
            form = model.layout.shape.form
        number, note = read_prediction(event.prediction, form)
        if number is not None:
            event.prediction = number
        if note is not None and model is not None:
            self._note([note], event, place, record, outcome)

    def _note(
        self, notes: Sequence[Note], event: Any, place: int, record: Record, outcome: SliceResult
    ) -> None:
        """Count what was done with fields of an event, and report it once for a model and kind."""
        if event.model_id not in self._catalogue.models:
            return
        known = self._catalogue.limits_reported
        for note in notes:
            if note.kind in outcome.fields:
                outcome.fields[note.kind] += 1
            if (name := reported(note.kind, event.model_id)) not in known:
                known.add(name)
                self.noted(note, event, place, record)

    def _report_limits(
        self, event: Any, kinds: Mapping[str, FeatureType], place: int, record: Record
    ) -> None:
        reported = self._catalogue.limits_reported
        if self._catalogue.refused and "max_series" not in reported:
            reported.add("max_series")
            self._full("max_series", event, place, record)
        if len(kinds) < self._limits.max_features or "max_features" in reported:
            return
        if not all(name in kinds for name in event.features or ()):
            reported.add("max_features")
            self._full("max_features", event, place, record)

    def _hand_over(
        self, batches: LayoutBatches, records: Sequence[Record], outcome: SliceResult
    ) -> None:
        """Pass all pending events to `watch`, then those of models with a grown schema."""
        self._watch_all(batches, records, outcome)
        if self._drafts:
            for draft in self._drafts.values():
                draft.move(self._catalogue, batches)
            self._drafts.clear()
            self._watch_all(batches, records, outcome)
        self._alone = {*self.strays, *self.numeric_texts}
        self._waiting = 0

    def _watch_all(
        self, batches: LayoutBatches, records: Sequence[Record], outcome: SliceResult
    ) -> None:
        outcome.events += sum(map(len, batches.values()))
        self._watch(batches, records, outcome)
        batches.clear()

    def _hint(self, key: bytes | None, layout: Layout) -> None:
        if key is not None and len(key) > _MAX_KEY_BYTES:
            return
        if len(self._hints) > 2 * len(self._catalogue.models) + 1000:
            self._hints.clear()  # bounds memory: producers may send any number of keys
        self._hints[key] = layout
        self._scans.include(layout)


def reported(kind: str, model_id: str) -> str:
    """Return the entry of a note among the limits that were reported."""
    return f"{kind}:{model_id}"


def _prediction(event: Any) -> Any:
    return getattr(event, "prediction", None)
