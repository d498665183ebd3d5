"""Batch decoded events by layout; create, change and evict the models that they need."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from streamproc.decode.decoded_events import PLACE_BITS, LayoutBatch, LayoutBatches
from streamproc.decode.deduplication import Deduplicator
from streamproc.decode.draft import Draft
from streamproc.decode.event_schema import EventSchema, FeatureType, Retyped
from streamproc.decode.layout import Layout, Model
from streamproc.decode.scan_backoff import ScanBackoff
from streamproc.decode.schema_growth import Growth, News, clashes, news_of, unusual
from streamproc.decode.structs import GENERIC, MAX_CLASSES
from streamproc.decode.type_changes import TypeChangeTracker
from streamproc.detect.series_registry import SeriesRegistry
from streamproc.schemas.records import Record, SliceResult

# A model id has at most 255 characters of UTF-8. Longer keys are not stored, since a key may be as
# long as a record.
_MAX_KEY_BYTES: Final = 4 * 255


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
    recent
        Duplicates of the last events.
    strays
        Values with another type than their feature.
    """

    def __init__(
        self,
        catalogue: SeriesRegistry,
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
        self._any = GENERIC[catalogue.topic]
        self._doubtful: set[int] = set()  # positions of records that may have duplicate keys
        self._scans = ScanBackoff()
        self._drafts: dict[str, Draft] = {}  # models with a schema that grows within this slice
        self._waiting = 0  # numbers in the matrices of pending events
        self._alone: set[str] = set()  # models with events that are decoded one by one
        self._left: list[tuple[Layout, int]] = []  # layouts and rows that models have just left
        self._hints: dict[bytes | None, Layout] = {}
        self.forgotten: Callable[[Model, Any, int, Record], None]
        self.recent = Deduplicator(self._limits.recent_events)
        self.strays = TypeChangeTracker()

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
        if model is None:
            growth = self._growth(EventSchema())
            if (news := growth.news(event.features or {}, _prediction(event))) is not None:
                self._evict_if_full(news, event, place, batches, records, outcome)
                growth.add(news)
            model = self._catalogue.assign(event.model_id, growth.shape())
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
    ) -> None:
        """Move a model to a new layout at once, because features change their type."""
        known = model.layout.shape
        growth = self._growth(known)
        growth.remove(other)
        news = growth.news(event.features or {}, _prediction(event))
        if news is not None:
            growth.add(news)
        shape = growth.shape()
        self._left.append((model.layout, model.row))
        self._catalogue.assign(model.id, shape)
        retyped = known.retyped(shape)
        if retyped or self._catalogue.dropped:
            self._retyped(model.id, retyped, event, place, records[place >> PLACE_BITS])

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
        self._alone = set(self.strays)
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


def _prediction(event: Any) -> Any:
    return getattr(event, "prediction", None)
