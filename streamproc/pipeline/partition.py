"""One partition's whole pipeline: records in, alerts and dead letters out, nothing else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from streamproc.alerting.alert_builder import Series, forgotten, full, makes_room, retyped
from streamproc.alerting.correlation import Groups
from streamproc.alerting.incidents import Incidents
from streamproc.alerting.pending_alert import Said, alone
from streamproc.config.config import Config
from streamproc.decode.decoded_events import PLACE_BITS, Batches
from streamproc.decode.decoder import Reader
from streamproc.decode.deduplication import Recent
from streamproc.decode.event_schema import Retyped, Topic
from streamproc.decode.layout import Model
from streamproc.decode.matrix import matrix, seconds
from streamproc.decode.type_changes import Strays
from streamproc.detect.routing import feeds
from streamproc.detect.series_registry import Catalogue
from streamproc.performance.error_incidents import OneVoice
from streamproc.performance.outcome_decoder import OutcomeReader
from streamproc.performance.performance_monitor import Truth
from streamproc.performance.unlabelled import Unlabelled
from streamproc.schemas.records import Outcome, Record


class Shard:
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
        self.catalogue = Catalogue(kind, config, room)
        self.incidents = Incidents(topic, partition, config.policy, self.catalogue.encoders.texts)
        self._said: list[Said] = []
        self.groups = Groups()
        self.truth: Truth | None = None
        self.unlabelled: Unlabelled | None = None
        rest = self.catalogue, topic, partition, self._watch, self._change, self._full
        if kind is Topic.OUTCOMES:
            self.groups = OneVoice(config.policy.update_interval.total_seconds())
            self.truth = Truth(self.catalogue, self.incidents, self._say)
            self.incidents.remark = self.truth.remark
            self._reader: Reader = OutcomeReader(self.truth.performance, self.truth.hooks, *rest)
        else:
            self._reader = Reader(*rest)
        self._reader.forgotten = self._forgotten

    @property
    def recent(self) -> Recent:
        """The events that came a moment ago."""
        return self._reader.recent

    @property
    def strays(self) -> Strays:
        """Values of another kind than their feature."""
        return self._reader.strays

    def process(self, records: Sequence[Record], now: datetime) -> Outcome:
        """Take the next records of the partition.

        Parameters
        ----------
        records
            In the order of their offsets.
        now
            What alerts carry as `detected_at`.
        """
        outcome = Outcome()
        self._now = now
        self._said = []
        if self.truth is not None:
            self.truth.now = now
        self._reader.read(records, outcome)
        for said in sorted(self._said, key=lambda said: said.order):
            alert = self.groups.tell(said)
            if alert is not None:
                outcome.alerts.append(alert)
                outcome.positions.append(said.place >> PLACE_BITS)
        self.catalogue.tidy()
        return outcome

    def _say(self, said: Said) -> None:
        self._said.append(said)

    def _full(self, limit: str, event: Any, place: int, record: Record) -> None:
        origin = self.incidents.origin(
            place, record.offset, seconds(event.ts, record), event.model_version
        )
        share = self.catalogue.room if limit == "max_series" else None
        reached = limit, int(getattr(self.catalogue.config.limits, limit)), share
        self._said.append(alone(place, full(event.model_id, reached, origin, self._now)))

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
            self._said.append(Said(place, key[1], alert, gone.id))
        if "forgotten" not in self.catalogue.told:
            self.catalogue.told.add("forgotten")
            reached = "max_series", self.catalogue.config.limits.max_series, self.catalogue.room
            self._said.append(alone(place, makes_room(gone.name, reached, origin, self._now)))

    def _change(
        self, model_id: str, features: Retyped, event: Any, place: int, record: Record
    ) -> None:
        for of, series in self.catalogue.dropped:
            if self.incidents.open.pop((of, series), None) is not None:
                self._said.append(Said(place, series, None, of))
        self.catalogue.dropped.clear()
        origin = self.incidents.origin(
            place, record.offset, seconds(event.ts, record), event.model_version
        )
        model = self.catalogue.models[model_id]
        for name, kinds in features.items():
            self._said.append(alone(place, retyped(model, name, kinds, origin, self._now)))

    def _watch(self, batches: Batches, records: Sequence[Record], _outcome: Outcome) -> None:
        for layout, batch in batches.items():
            if self.unlabelled is not None:
                self.unlabelled.see(layout, batch.events(layout, records))
            data = matrix(layout, batch, records, self.catalogue.encoders)
            for feed in feeds(self.catalogue, layout, data):
                self._said += self.incidents.watch(feed, layout, data, self._now)
            rows, stops = data.runs[:, 0], data.runs[:, 2]
            layout.events[rows] += stops - data.runs[:, 1]
            layout.last[rows] = data.offsets[stops - 1]
