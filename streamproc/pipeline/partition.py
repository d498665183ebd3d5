"""Process the records of one partition into alerts and dead letters, without I/O."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from streamproc.alerting.alert_builder import Series
from streamproc.alerting.correlation import IncidentGrouper
from streamproc.alerting.detector_run import FirstAlarms, watch
from streamproc.alerting.end_alerts import forgotten
from streamproc.alerting.incidents import Incidents
from streamproc.alerting.input_alerts import input_alert, type_change_alert
from streamproc.alerting.limit_alerts import eviction_alert, limit_alert
from streamproc.alerting.pending_alert import PendingAlert, standalone
from streamproc.config.config import Config
from streamproc.decode.decoded_events import PLACE_BITS, LayoutBatches
from streamproc.decode.decoder import Decoder
from streamproc.decode.deduplication import Deduplicator
from streamproc.decode.event_schema import Retyped, Topic
from streamproc.decode.event_tags import Tags, event_tags
from streamproc.decode.layout import Layout, Model
from streamproc.decode.lenient import Note
from streamproc.decode.matrix import Matrix, matrix, seconds
from streamproc.decode.numeric_text import NumericTextTracker
from streamproc.decode.type_changes import TypeChangeTracker
from streamproc.detect.arrival_columns import AHEAD, CURRENT, RECENT
from streamproc.detect.arrivals import Part
from streamproc.detect.arrivals_kernel import count_events
from streamproc.detect.milestones import EVERY, Milestone, crosses, milestones
from streamproc.detect.routing import route
from streamproc.detect.sampled_events import EVERY as SAMPLED
from streamproc.detect.segment_routing import route_segments
from streamproc.detect.series_registry import SeriesRegistry
from streamproc.performance.error_incidents import ErrorIncidentGrouper
from streamproc.performance.outcome_decoder import OutcomeDecoder
from streamproc.performance.performance_monitor import PerformanceMonitor
from streamproc.performance.unlabelled import RecentPredictions
from streamproc.pipeline.arrival_watch import ArrivalWatch
from streamproc.pipeline.budget_watch import BudgetWatch
from streamproc.pipeline.milestone_watch import MilestoneWatch
from streamproc.pipeline.rule_watch import RuleWatch
from streamproc.pipeline.unreadable_watch import UnreadableWatch
from streamproc.pipeline.version_watch import VersionWatch
from streamproc.schemas.deployments import VersionSighting
from streamproc.schemas.records import Record, SliceResult


class PartitionMonitor:
    """Hold all state of one partition of one topic.

    The state is a function of the records: any split of them into slices gives the same alerts and
    the same state.

    Parameters
    ----------
    kind
        Kind of the topic.
    topic, partition
        Coordinates that alerts and their ids contain.
    config
        The configuration.
    capacity
        Maximum number of watched series; None for all of `limits.max_series`.

    Attributes
    ----------
    catalogue
        Registry of models and series.
    incidents
        Open incidents by series.
    groups
        Open incidents with their correlated series.
    truth
        Monitor of model performance; None for topics other than the outcomes.
    arrivals
        Watch over the arrival of events.
    milestones
        Watch over series that have too few values.
    versions
        Watch over versions of models that are new.
    rules
        Watch over the rules of the models.
    unreadable
        Watch over models whose records cannot be read.
    budget
        Keeps thresholds to the budget for false alarms; None without one.
    unlabelled
        Observer of all predictions, for metrics only; None to observe none.
    """

    def __init__(
        self, kind: Topic, topic: str, partition: int, config: Config, capacity: int | None = None
    ) -> None:
        self.catalogue = SeriesRegistry(kind, config, capacity)
        self.incidents = Incidents(topic, partition, config.policy, self.catalogue.encoders.texts)
        self._pending: list[PendingAlert] = []
        self.groups = IncidentGrouper()
        accept_after = config.policy.accept_after.total_seconds()
        self.arrivals = ArrivalWatch(self.catalogue, self.incidents, accept_after)
        self.milestones = MilestoneWatch(self.incidents)
        self.versions = VersionWatch(topic, partition)
        self._seen: list[VersionSighting] = []
        self.rules = RuleWatch(kind, config, self.incidents)
        self.unreadable = UnreadableWatch(config, self.incidents)
        self.budget = BudgetWatch.of(config, self.catalogue, topic, partition)
        self._arrived: list[Part] = []
        self._moves = False
        self.truth: PerformanceMonitor | None = None
        self.unlabelled: RecentPredictions | None = None
        shared = self.catalogue, topic, partition, self._watch, self._change, self._full
        if kind is Topic.OUTCOMES:
            self.groups = ErrorIncidentGrouper(config.policy.update_interval.total_seconds())
            self.truth = PerformanceMonitor(self.catalogue, self.incidents, self._emit)
            self.incidents.remark = self.truth.remark
            self._reader: Decoder = OutcomeDecoder(
                self.truth.performance, self.truth.hooks, *shared
            )
        else:
            self._reader = Decoder(*shared)
        self._reader.forgotten = self._forgotten
        self._reader.noted = self._noted

    @property
    def recent(self) -> Deduplicator:
        """The last events, for deduplication."""
        return self._reader.recent

    @property
    def strays(self) -> TypeChangeTracker:
        """Values with another type than their feature."""
        return self._reader.strays

    @property
    def numeric_texts(self) -> NumericTextTracker:
        """Text features that may turn out to be numbers."""
        return self._reader.numeric_texts

    @property
    def open_incidents(self) -> dict[str, list[object]]:
        """The open incidents of each model, of its values and of the arrival of its events."""
        found: dict[str, list[object]] = {
            model: list(groups) for model, groups in list(self.groups.open.items())
        }
        for model, detector in list(self.arrivals.open):
            found.setdefault(model, []).append(detector)
        return found

    def process(self, records: Sequence[Record], now: datetime) -> SliceResult:
        """Process the next slice of the partition.

        Parameters
        ----------
        records
            Records in the order of their offsets.
        now
            Wall clock, published as `detected_at`.
        """
        if self.budget is None:
            return self._process(records, now)
        return self.budget.run(records, self._process, now)

    def _process(self, records: Sequence[Record], now: datetime) -> SliceResult:
        outcome = SliceResult()
        self._now = now
        self._pending, self._seen = [], outcome.versions
        if self.truth is not None:
            self.truth.now = now
        self._reader.read(records, outcome)
        if (outcome.dead_letters or self.unreadable.models) and self.truth is None:
            self._pending += self.unreadable.look(records, outcome, now)
        if self._moves:
            self._look_at_arrivals()
        elif self._arrived:
            clock = self.arrivals.arrivals.clock
            clock[CURRENT], clock[AHEAD] = clock[RECENT], 0.0
            self._arrived = []
        for pending in sorted(self._pending, key=lambda pending: pending.order):
            alert = self.groups.assign(pending)
            if alert is not None:
                outcome.alerts.append(alert)
                outcome.positions.append(pending.place >> PLACE_BITS)
        if self.versions.looks:
            self._seen += self.versions.advance()
        self.catalogue.prune()
        return outcome

    def _emit(self, pending: PendingAlert) -> None:
        self._pending.append(pending)

    def _full(self, limit: str, event: Any, place: int, record: Record) -> None:
        origin = self.incidents.origin(
            place, record.offset, seconds(event.ts, record), event.model_version
        )
        share = self.catalogue.capacity if limit == "max_series" else None
        reached = limit, int(getattr(self.catalogue.config.limits, limit)), share
        self._pending.append(
            standalone(place, limit_alert(event.model_id, reached, origin, self._now))
        )

    def _noted(self, note: Note, event: Any, place: int, record: Record) -> None:
        origin = self.incidents.origin(
            place, record.offset, seconds(event.ts, record), event.model_version
        )
        self._pending.append(
            standalone(place, input_alert(event.model_id, note, origin, self._now))
        )

    def _forgotten(self, evicted: Model, event: Any, place: int, record: Record) -> None:
        """Resolve the incidents of an evicted model; report the first eviction."""
        ts = record.timestamp / 1000 if event is None else seconds(event.ts, record)
        version = None if event is None else event.model_version
        origin = self.incidents.origin(place, record.offset, ts, version)
        if self._arrived:
            self._look_at_arrivals()
        self._pending += self.arrivals.forget(evicted, place, origin, self._now)
        self._pending += self.milestones.forget(evicted, place, origin, self._now)
        self._seen += self.versions.advance()
        self.versions.forget(evicted.id)
        self._pending += self.rules.forget(evicted, place, origin, self._now)
        for key in [key for key in self.incidents.open if key[0] == evicted.id]:
            incident = self.incidents.open.pop(key)
            settings = {incident.detector: ""}
            series = Series(evicted, key[1], settings, self.incidents.texts)
            alert = forgotten(series, incident, origin, self._now)
            self._pending.append(PendingAlert(place, key[1], alert, evicted.id))
        if "forgotten" not in self.catalogue.limits_reported:
            self.catalogue.limits_reported.add("forgotten")
            reached = "max_series", self.catalogue.config.limits.max_series, self.catalogue.capacity
            self._pending.append(
                standalone(place, eviction_alert(evicted.name, reached, origin, self._now))
            )

    def _change(
        self, model_id: str, features: Retyped, event: Any, place: int, record: Record
    ) -> None:
        for of, series in self.catalogue.dropped:
            self.incidents.pending.pop((of, series), None)
            if self.incidents.open.pop((of, series), None) is not None:
                self._pending.append(PendingAlert(place, series, None, of))
        self.catalogue.dropped.clear()
        origin = self.incidents.origin(
            place, record.offset, seconds(event.ts, record), event.model_version
        )
        model = self.catalogue.models[model_id]
        for name, kinds in features.items():
            self._pending.append(
                standalone(place, type_change_alert(model, name, kinds, origin, self._now))
            )

    def _watch(
        self, batches: LayoutBatches, records: Sequence[Record], _outcome: SliceResult
    ) -> None:
        arrivals = self.arrivals.arrivals
        for layout, batch in batches.items():
            if self.unlabelled is not None:
                self.unlabelled.observe(layout, batch.events(layout, records))
            data = matrix(layout, batch, records, self.catalogue.encoders)
            if self.budget is not None:
                self.budget.state.days.see(data.ts)
            runs, ahead = data.runs, EVERY - len(data.ts)
            reached: list[Milestone] = []
            # A slice of one model, as on live traffic, saves a call.
            some = len(runs) > 1 or layout.events[runs[0, 0]] % EVERY >= ahead
            if some and self.truth is None and crosses(runs, layout.events, EVERY):
                reached = list(milestones(self.catalogue.groups[layout], layout, data))
            if self.truth is None and (
                len(runs) > 1 or layout.events[runs[0, 0]] % SAMPLED >= SAMPLED - len(data.ts)
            ):
                self.versions.look(layout, data)
            if self.rules.any:
                self._pending += self.rules.look(layout, batch, data, records, self._now)
            restarted = self._detect(layout, data, partial(event_tags, layout, batch, records))
            for milestone in reached:
                self._pending += self.milestones.look(milestone, data, restarted, self._now)
            counted = (layout.events, layout.last, layout.members)
            times = data.offsets, data.ts
            moves = count_events(runs, times, counted, arrivals.clock, arrivals.counts)
            if self.truth is None:  # versions of models come to an end as others replace them
                if moves:
                    arrivals.enrol_all(layout, data)
                self._moves |= moves
                self._arrived.append((runs, layout.members[runs[:, 0]], data.places, *times))

    def _detect(
        self, layout: Layout, data: Matrix, read: Callable[[], Sequence[Tags]]
    ) -> FirstAlarms:
        """Run all series through their detectors; return the first alarms of series."""
        restarted: FirstAlarms = {}
        feeds = route(self.catalogue, layout, data)
        if self.catalogue.groups[layout].segments:
            feeds = chain(feeds, route_segments(self.catalogue, layout, data, read))
        for feed in feeds:
            found = watch(self.incidents, feed, layout, data, self._now, restarted)
            self._pending += found
            if found and self.truth is None:
                self.versions.look_at(found)
        return restarted

    def _look_at_arrivals(self) -> None:
        """Report silent models, once all events up to a record have been counted."""
        self._pending += self.arrivals.look(self._arrived, self._now)
        self._arrived, self._moves = [], False
