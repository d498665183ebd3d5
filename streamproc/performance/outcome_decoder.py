"""Decode outcomes into the losses of each model version, in log order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType

from streamproc.decode.decoded_events import PLACE_BITS, LayoutBatch, LayoutBatches
from streamproc.decode.decoder import Decoder
from streamproc.decode.event_schema import EventSchema, PredictionForm, Retyped
from streamproc.decode.layout import Layout, Model, is_counted
from streamproc.decode.matrix import seconds
from streamproc.decode.payloads import WHOLE_RECORD, bodies, original_value
from streamproc.decode.structs import DECODE_ERRORS, GENERIC, classify_error, in_range
from streamproc.decode.unreadable import UnreadableError
from streamproc.detect.series_registry import SeriesRegistry
from streamproc.performance.baseline import Verdict
from streamproc.performance.inferred_task import is_classifier, is_on_trial, is_refuted
from streamproc.performance.label_bias import SCORE, LabelBiasTest, usable
from streamproc.performance.label_bias import Verdict as BiasVerdict
from streamproc.performance.losses import MismatchError, ScoredPrediction, score
from streamproc.performance.outcome_log import Count
from streamproc.performance.track import advance
from streamproc.performance.tracks import Performance
from streamproc.performance.version_comparison import VersionComparison
from streamproc.schemas.outcomes import COMMAND_HEADER, EPOCH_HEADER, GROUP_HEADER, OutcomeStatus
from streamproc.schemas.records import Reason, Record, SliceResult
from streamproc.schemas.series import ESTIMATED
from streamproc.schemas.version_key import version_key

SCORABLE: Final = {"labelled", "revised"}


class OutcomeHeader(Struct, gc=False):
    """The fields that decide whether an outcome has a loss; the payload is not decoded."""

    epoch: Count
    seq: Count
    status: OutcomeStatus
    group: str | None = None
    prediction: msgspec.Raw | UnsetType = UNSET


class SourceOffset(Struct, gc=False):
    """The offset of the record that an outcome comes from."""

    offset: Count


_GLANCE: Final = msgspec.json.Decoder(OutcomeHeader).decode
_SOURCE: Final = msgspec.json.Decoder(SourceOffset).decode


class EventPosition(NamedTuple):
    """Position of an event in a slice: its record, and its sort key."""

    record: Record
    place: int


class Hooks(NamedTuple):
    """Callbacks of the decoder.

    Attributes
    ----------
    forgotten
        Called before a version is dropped.
    mistaken
        Called when a version that was inferred to be a classifier turns out not to be one.
    floor
        Called when a version no longer beats its baseline, or beats it again.
    begun
        Called at the first outcome of a version.
    bias
        Called when labels are found to be selected, or evenly distributed again.
    release
        Called when a new version is found to be worse or better than the one before.
    """

    forgotten: Callable[[str, EventPosition, Any], None]
    mistaken: Callable[[str, EventPosition, Any, str], None]
    floor: Callable[[str, EventPosition, Any, Verdict], None]
    begun: Callable[[str, EventPosition, Any, ScoredPrediction], None]
    bias: Callable[[str, LabelBiasTest, EventPosition, Any, BiasVerdict], None]
    release: Callable[[VersionComparison, EventPosition, Any], None]


class OutcomeDecoder(Decoder):
    """Decode the outcomes of one partition, and update the tracks of its model versions.

    Parameters
    ----------
    performance
        The tracks.
    hooks
        Callbacks.
    catalogue, topic, partition, watch, retyped, full
        As in `Decoder`. Events passed to `watch` have their losses as prediction.
    """

    def __init__(
        self,
        performance: Performance,
        hooks: Hooks,
        catalogue: SeriesRegistry,
        topic: str,
        partition: int,
        watch: Callable[[LayoutBatches, Sequence[Record], SliceResult], None],
        retyped: Callable[[str, Retyped, Any, int, Record], None],
        full: Callable[[str, Any, int, Record], None],
    ) -> None:
        super().__init__(catalogue, topic, partition, watch, retyped, full)
        self._performance = performance
        self._hooks = hooks

    def read(self, records: Sequence[Record], outcome: SliceResult) -> None:
        """Decode a slice and pass all losses to `watch`."""
        batches: LayoutBatches = {}
        self._records, self._batches, self._outcome = records, batches, outcome
        for position, record in enumerate(records):
            headers = dict(record.headers) if record.headers else {}
            if EPOCH_HEADER in headers:
                mark = headers[EPOCH_HEADER], headers.get(GROUP_HEADER)
                self._begin(record, mark, outcome)
            elif COMMAND_HEADER in headers or (not headers and self._is_over(record)):
                pass  # commands are for online models
            else:
                self._read_any(records, position, batches, outcome)
        self._hand_over(batches, records, outcome)
        self._performance.trim()

    def _is_over(self, record: Record) -> bool:
        """Count an outcome without a loss; return False if it must be decoded instead."""
        value = record.value or b""
        if len(value) > self._limits.record_bytes:
            return False
        try:
            seen = _GLANCE(value)
        except DECODE_ERRORS:  # `_read_any` reports the error, or splits a batch
            return False
        if seen.status != "asked" and (seen.status not in SCORABLE or seen.prediction is not UNSET):
            return False
        self._performance.log.counts(seen.epoch, seen.seq, seen.group)
        return True

    def _begin(
        self, record: Record, mark: tuple[bytes | None, bytes | None], outcome: SliceResult
    ) -> None:
        try:
            self._performance.log.begin(*mark)
        except ValueError:
            detail = f"header {EPOCH_HEADER!r} is not a number"
            self._refuse(record, WHOLE_RECORD, record.value, (Reason.WRONG_TYPE, detail), outcome)

    def _read_any(
        self,
        records: Sequence[Record],
        position: int,
        _batches: LayoutBatches,
        outcome: SliceResult,
    ) -> None:
        record = records[position]
        try:
            found = bodies(record, self._limits.record_bytes)
        except UnreadableError as error:
            why_not = error.reason, error.detail
            self._refuse(record, WHOLE_RECORD, original_value(record), why_not, outcome)
            return
        for index, body in found:
            at = EventPosition(record, (position << PLACE_BITS) + max(index, 0))
            try:
                event = GENERIC[self._catalogue.topic].decode(body)
                trouble = self._wrong(event, record) or self._take(event, at)
            except DECODE_ERRORS as error:
                trouble = classify_error(error, body)
            if trouble is not None:
                self._refuse(record, index, body, trouble, outcome)

    def _wrong(self, event: Any, record: Record) -> tuple[Reason, str] | None:
        for ts in (event.ts, event.label_ts):
            if not in_range(ts, record.timestamp):
                detail = "fields `ts` and `label_ts` must be within the years 1 to 9999 in UTC"
                return Reason.WRONG_TYPE, detail
        return None

    def _take(self, event: Any, at: EventPosition) -> tuple[Reason, str] | None:
        """Score one outcome; one without a label or a prediction is skipped."""
        counts = self._performance.log.counts(event.epoch, event.seq, event.group)
        if counts and event.status == "coverage":
            if event.predictions is not None:
                self._estimate(event, at)
            return self._compare(event, at)
        if not counts or event.status not in SCORABLE or event.prediction is None:
            return None
        if event.label is None:
            return Reason.MISSING_FIELD, "status is labelled, but field `label` is missing"
        key = version_key(event.model_id, event.model_version)
        try:
            scored = self._score(key, event, at)
        except MismatchError as error:
            return Reason.WRONG_TYPE, str(error)
        layout = self._layout_of(key, scored, event, at)
        if layout is None:
            return None
        self._advance(key, scored, event, at)
        self._batches.setdefault(layout, LayoutBatch()).add(
            _event(layout, key, event, dict(zip(scored.series, scored.losses, strict=True))),
            at.place,
        )
        return None

    def _compare(self, event: Any, at: EventPosition) -> tuple[Reason, str] | None:
        """Add counts of events with and without a label to the label bias tests."""
        try:
            compared = {by: usable(by, counts) for by, counts in (event.coverage or {}).items()}
        except ValueError as error:
            return Reason.WRONG_TYPE, str(error)
        for by, counts in compared.items():
            bias = self._performance.bias(event.model_id, by)
            verdict = bias.step(counts, ordered=by == SCORE)
            if verdict is not None:
                self._hooks.bias(by, bias, at, event, verdict)
        return None

    def _estimate(self, event: Any, at: EventPosition) -> None:
        """Add the estimated errors of a prediction window to its version's series."""
        key = version_key(event.model_id, event.model_version)
        model, estimated = self._catalogue.models.get(key), self._performance.estimated.get(key)
        if model is None or estimated is None or not model.config.detectors(ESTIMATED):
            return
        source = _SOURCE(event.event_source)
        if not estimated.is_next(source.offset, seconds(event.ts, at.record)):
            return
        track, segments = self._performance.tracks[key], model.config.segments
        values = estimated.values(track, event.predictions, segments, event.segments)
        if not values:
            return
        series = dict.fromkeys(model.layout.shape.classes)
        for means in values:
            series |= dict.fromkeys(means)
        grown = self._assign(key, tuple(series), at, event)
        if grown is None:
            return
        batch = self._batches.setdefault(grown.layout, LayoutBatch())
        for number, means in enumerate(values):
            batch.add(_event(grown.layout, key, event, means), at.place + number)
            self._performance.deviations[at.place + number] = estimated.deviations

    def _score(self, key: str, event: Any, at: EventPosition) -> ScoredPrediction:
        """Score by the configured task, or by the inferred one if that is certain."""
        config = self._catalogue.config
        settings = config.model(event.model_id)
        task = configured = settings.task
        track = self._performance.tracks.get(key)
        if task is None and track is not None and track.sure and not is_on_trial(track):
            task = track.task
        scored = score(
            task,
            event.prediction,
            event.label,
            positive=settings.positive,
            strict=config.strict,
        )
        if track is None:
            return scored
        if configured is None and task is None:
            scored = self._as_inferred(key, scored, event)
        if scored.task != track.task:
            self._forget(key, at, event, self._performance.retask)
            if configured is None:
                self._hooks.mistaken(key, at, event, scored.task)
        return scored

    def _as_inferred(self, key: str, guessed: ScoredPrediction, event: Any) -> ScoredPrediction:
        """Return an outcome scored by a task that was inferred, or by its own if that is wrong.

        Raises
        ------
        MismatchError
            If it is one of a few that are of another task.
        """
        track, window = self._performance.tracks[key], self._performance.windows[key]
        if track.task == "regression":
            if is_classifier(track, guessed) or guessed.task == track.task:
                return guessed
            return score(track.task, event.prediction, event.label)
        if guessed.task != track.task and not is_refuted(track, window):
            raise MismatchError(
                f"prediction {event.prediction!r} with label {event.label!r} is of a"
                f" {guessed.task}, and {track.seen} outcomes before were of a {track.task}"
                " classifier: it does not count; correct its producer, or set models[].task"
            )
        return guessed

    def _layout_of(
        self, key: str, scored: ScoredPrediction, event: Any, at: EventPosition
    ) -> Layout | None:
        """Return the layout of a version, assigned if needed; None at the limit of series."""
        surplus = self._performance.surplus(key)
        if surplus is not None:
            self._forget(surplus, at, event)
        before = self._catalogue.models.get(key)
        known = () if before is None else before.layout.shape.classes
        model = self._assign(key, tuple(dict.fromkeys((*known, *scored.series))), at, event)
        if before is None and model is not None:
            self._hooks.begun(key, at, event, scored)
        if self._catalogue.refused and "max_series" not in self._catalogue.limits_reported:
            self._catalogue.limits_reported.add("max_series")
            self._full("max_series", event, at.place, at.record)
        if model is None:
            self._outcome.events += 1
            return None
        return model.layout

    def _assign(
        self, key: str, series: tuple[str, ...], at: EventPosition, event: Any
    ) -> Model | None:
        """Return a version with these series; None at their limit."""
        model = self._catalogue.models.get(key)
        known = () if model is None else model.layout.shape.classes
        if model is not None and series == known:
            return model
        if model is not None:
            self._hand_over(self._batches, self._records, self._outcome)
        needed = sum(map(is_counted, series)) - sum(map(is_counted, known))
        self._evict_versions(key, needed, at, event)
        return self._catalogue.assign(key, EventSchema(form=PredictionForm.LOSSES, classes=series))

    def _evict_versions(self, key: str, needed: int, at: EventPosition, event: Any) -> None:
        """Drop idle versions if new series do not fit otherwise."""
        catalogue = self._catalogue
        if catalogue.series + needed <= catalogue.capacity:
            return
        if not catalogue.idle.possible(at.record.offset):
            return
        self._hand_over(self._batches, self._records, self._outcome)
        for name in catalogue.models_to_evict(at.record.offset, needed, key):
            self.forgotten(catalogue.models[name], event, at.place, at.record)
            self._forget(name, at, event)
            catalogue.forgotten += 1

    def _forget(
        self,
        key: str,
        at: EventPosition,
        event: Any,
        drop: Callable[[str], None] | None = None,
    ) -> None:
        self._hand_over(self._batches, self._records, self._outcome)
        self._hooks.forgotten(key, at, event)
        (drop or self._performance.drop)(key)
        self._catalogue.retire(key)

    def _advance(self, key: str, scored: ScoredPrediction, event: Any, at: EventPosition) -> None:
        times = seconds(event.ts, at.record), seconds(event.label_ts, at.record)
        compared = self._performance.compare(key, scored, times[0], at.record.offset)
        track, window = self._performance.touch(key, scored)
        track.sure = track.sure or scored.sure
        floor = self._catalogue.models[key].config.floor
        verdict = advance(track, window, scored, floor, event.features, times)
        self._performance.compare_estimate(key, scored.losses[0])
        self._performance.keep(key, event.features, scored)
        if verdict is not None:
            self._hooks.floor(key, at, event, verdict)
        if compared is not None:
            self._hooks.release(compared, at, event)


def _event(layout: Layout, key: str, event: Any, losses: Mapping[str, float]) -> Any:
    return layout.typed.event(
        model_id=key,
        ts=event.ts,
        model_version=event.model_version,
        features=layout.typed.features(),
        prediction=layout.classes(losses),
    )
