"""One partition's whole pipeline: records in, alerts and dead letters out, nothing else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from streamproc.alerting.alert_builder import (
    Series,
    forgotten,
    limit_alert,
    makes_room,
    type_change_alert,
)
from streamproc.alerting.correlation import IncidentGrouper
from streamproc.alerting.incidents import Incidents
from streamproc.alerting.pending_alert import PendingAlert, standalone
from streamproc.config.config import Config
from streamproc.decode.decoded_events import PLACE_BITS, LayoutBatches
from streamproc.decode.decoder import Decoder
from streamproc.decode.deduplication import Deduplicator
from streamproc.decode.event_schema import Retyped, Topic
from streamproc.decode.layout import Model
from streamproc.decode.matrix import matrix, seconds
from streamproc.decode.type_changes import TypeChangeTracker
from streamproc.detect.routing import route
from streamproc.detect.series_registry import SeriesRegistry
from streamproc.performance.error_incidents import ErrorIncidentGrouper
from streamproc.performance.outcome_decoder import OutcomeDecoder
from streamproc.performance.performance_monitor import PerformanceMonitor
from streamproc.performance.unlabelled import RecentPredictions
from streamproc.schemas.records import Record, SliceResult


class PartitionMonitor:
    """All state that belongs to one partition of one topic.

    The state is a function of the records alone: any split of them into slices gives the
    same alerts and the same state.

    Parameters
    ----------
    kind
        What the topic holds.
    topic, partition
        The coordinates that alerts and their ids carry.
    config
        The whole configuration.
    room
        Series to watch at most; None: all of `limits.max_series`, of a partition that is alone.

    Attributes
    ----------
    groups
        The open incidents, each with its series.
    truth
        How good models are; None of topics other than the outcomes.
    unlabelled
        Is shown all predictions, for metrics alone; None: nobody wants to see them.
    """

    def __init__(
        self, kind: Topic, topic: str, partition: int, config: Config, room: int | None = None
    ) -> None:
        self.catalogue = SeriesRegistry(kind, config, room)
        self.incidents = Incidents(topic, partition, config.policy, self.catalogue.encoders.texts)
        self._said: list[PendingAlert] = []
        self.groups = IncidentGrouper()
        self.truth: PerformanceMonitor | None = None
        self.unlabelled: RecentPredictions | None = None
        rest = self.catalogue, topic, partition, self._watch, self._change, self._full
        if kind is Topic.OUTCOMES:
            self.groups = ErrorIncidentGrouper(config.policy.update_interval.total_seconds())
            self.truth = PerformanceMonitor(self.catalogue, self.incidents, self._say)
            self.incidents.remark = self.truth.remark
            self._reader: Decoder = OutcomeDecoder(self.truth.performance, self.truth.hooks, *rest)
        else:
            self._reader = Decoder(*rest)
        self._reader.forgotten = self._forgotten

    @property
    def recent(self) -> Deduplicator:
        """The events that came a moment ago."""
        return self._reader.recent

    @property
    def strays(self) -> TypeChangeTracker:
        """Values of another kind than their feature."""
        return self._reader.strays

    def process(self, records: Sequence[Record], now: datetime) -> SliceResult:
        """Take the next records of the partition.

        Parameters
        ----------
        records
            In the order of their offsets.
        now
            What alerts carry as `detected_at`.
        """
        outcome = SliceResult()
        self._now = now
        self._said = []
        if self.truth is not None:
            self.truth.now = now
        self._reader.read(records, outcome)
        for said in sorted(self._said, key=lambda said: said.order):
            alert = self.groups.assign(said)
            if alert is not None:
                outcome.alerts.append(alert)
                outcome.positions.append(said.place >> PLACE_BITS)
        self.catalogue.prune()
        return outcome

    def _say(self, said: PendingAlert) -> None:
        self._said.append(said)

    def _full(self, limit: str, event: Any, place: int, record: Record) -> None:
        origin = self.incidents.origin(
            place, record.offset, seconds(event.ts, record), event.model_version
        )
        share = self.catalogue.room if limit == "max_series" else None
        reached = limit, int(getattr(self.catalogue.config.limits, limit)), share
        self._said.append(
            standalone(place, limit_alert(event.model_id, reached, origin, self._now))
        )

    def _forgotten(self, gone: Model, event: Any, place: int, record: Record) -> None:
        """Close the incidents of a model that is forgotten; say once that models are."""
        ts = record.timestamp / 1000 if event is None else seconds(event.ts, record)
        version = None if event is None else event.model_version
        origin = self.incidents.origin(place, record.offset, ts, version)
        for key in [key for key in self.incidents.open if key[0] == gone.id]:
            incident = self.incidents.open.pop(key)
            settings = {incident.detector: ""}
            series = Series(gone, key[1], settings, self.incidents.texts)
            alert = forgotten(series, incident, origin, self._now)
            self._said.append(PendingAlert(place, key[1], alert, gone.id))
        if "forgotten" not in self.catalogue.told:
            self.catalogue.told.add("forgotten")
            reached = "max_series", self.catalogue.config.limits.max_series, self.catalogue.room
            self._said.append(standalone(place, makes_room(gone.name, reached, origin, self._now)))

    def _change(
        self, model_id: str, features: Retyped, event: Any, place: int, record: Record
    ) -> None:
        for of, series in self.catalogue.dropped:
            if self.incidents.open.pop((of, series), None) is not None:
                self._said.append(PendingAlert(place, series, None, of))
        self.catalogue.dropped.clear()
        origin = self.incidents.origin(
            place, record.offset, seconds(event.ts, record), event.model_version
        )
        model = self.catalogue.models[model_id]
        for name, kinds in features.items():
            self._said.append(
                standalone(place, type_change_alert(model, name, kinds, origin, self._now))
            )

    def _watch(
        self, batches: LayoutBatches, records: Sequence[Record], _outcome: SliceResult
    ) -> None:
        for layout, batch in batches.items():
            if self.unlabelled is not None:
                self.unlabelled.observe(layout, batch.events(layout, records))
            data = matrix(layout, batch, records, self.catalogue.encoders)
            for feed in route(self.catalogue, layout, data):
                self._said += self.incidents.watch(feed, layout, data, self._now)
            rows, stops = data.runs[:, 0], data.runs[:, 2]
            layout.events[rows] += stops - data.runs[:, 1]
            layout.last[rows] = data.offsets[stops - 1]
