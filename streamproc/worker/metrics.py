"""Define the Prometheus metrics of a worker."""

from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.registry import Collector

from streamproc.alerting.operational_alerts import OPERATIONAL
from streamproc.control import command as control
from streamproc.kafka.open_transactions import HeldBack
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.schemas.alerts import AlertEvent, Kind, Status
from streamproc.schemas.records import Reason, SliceResult
from streamproc.worker.budget_metrics import BudgetMetrics
from streamproc.worker.slice_metrics import SliceMetrics
from streamproc.worker.snapshots.metrics import SnapshotCosts
from streamproc.worker.snapshots.snapshots import SnapshotCost

LATENCY_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300)

RECOVERIES: Final = ("snapshot", "none", "refused")
"""Outcomes of recovering an assigned partition."""


class Metrics:
    """The metrics of a worker.

    Parameters
    ----------
    registry
        Registers the metrics; one registry per worker.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"streamproc_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            labels = ("topic", "partition")
            return Gauge(f"streamproc_{name}", text, labels, registry=registry)

        self._slices = SliceMetrics()
        registry.register(self._slices)
        self._repeated = counter(
            "events_repeated_total", "Events delivered again, and not watched again.", "topic"
        )
        self._fields = counter(
            "event_fields_total",
            "Fields of events that were converted (coerced) or could not be read (missing).",
            *("topic", "what"),
        )
        self._dead = counter(
            "dead_letters_total", "Events that could not be read.", "topic", "reason"
        )
        self._alerts = counter("alerts_total", "Alerts published.", "kind", "status")
        self._alerts_lost = counter(
            "alerts_lost_total",
            "Alerts larger than their topic takes: at most a short one stands in their place.",
            "kind",
        )
        for kind in get_args(Kind):
            self._alerts_lost.labels(kind)
        self._latency = Histogram(
            "streamproc_event_to_alert_seconds",
            "From the timestamp of an event's record to its alert being confirmed.",
            buckets=LATENCY_SECONDS,
            registry=registry,
        )
        self._snapshots = counter("snapshots_total", "Snapshots written.")
        self._snapshot_costs = SnapshotCosts(counter)
        self._snapshot_failures = counter(
            "snapshot_failures_total", "Snapshots that the cluster did not take."
        )
        self._recoveries = counter(
            "recoveries_total",
            "Partitions taken over, by what they go on with: a snapshot, none as there was none,"
            " or none as what there was could not be used.",
            "outcome",
        )
        self._state_gaps = counter(
            "state_gaps_total", "Partitions whose state could not go on where it was."
        )
        self._obeyed = counter(
            "control_commands_total",
            "Signed commands acted on: done, forwarded to the models, or failed.",
            "verb",
            "outcome",
        )
        self._control_refused = counter(
            "control_refused_total", "Commands that were not obeyed, by the reason.", "reason"
        )
        self._lag = gauge("lag_records", "Records of a partition that are not handled yet.")
        self._held_back = gauge(
            "transaction_held_records",
            "Offsets that cannot be read as a transaction has been open for limits.stall.",
        )
        self._models = gauge("models", "Models seen.")
        self._series = gauge("series", "Series watched.")
        self._warming = gauge("series_warming", "Series that are blind: still warming up.")
        self._refused = gauge(
            "series_refused", "Series not watched because limits.max_series is reached."
        )
        self._forgotten = gauge(
            "models_forgotten", "Idle models forgotten because limits.max_series is reached."
        )
        self._unwatched = gauge(
            "features_unwatched", "Features not watched: they were always null."
        )
        self._incidents = gauge("incidents_open", "Open incidents, of one series or several.")
        self._operational = counter(
            "operational_alerts_total",
            "Alerts about the operation of streamproc, which no replay can give.",
            "detector",
        )
        self._partitions_ratio = Gauge(
            "streamproc_partitions_to_configured_ratio",
            "Partitions of a topic over topics.partitions; above 1, limits.max_series is exceeded.",
            ("topic",),
            registry=registry,
        )
        self._stalled = Gauge(
            "streamproc_stalled_seconds",
            "Seconds for which records have waited in a part of the worker and none was handled.",
            ("part",),
            registry=registry,
        )
        self._gauges = (
            self._lag,
            self._models,
            self._series,
            self._forgotten,
            self._warming,
            self._refused,
            self._unwatched,
            self._incidents,
        )

        self._budget = BudgetMetrics(registry)
        self._topics: set[str] = set()
        self._from_zero()

    def _from_zero(self) -> None:
        """Export counters at 0 from the start: Prometheus' `increase` ignores a first value."""
        for kind, status in product(get_args(Kind), get_args(Status)):
            self._alerts.labels(kind, status)
        for outcome in RECOVERIES:
            self._recoveries.labels(outcome)
        for refused in control.Reason:
            self._control_refused.labels(refused.value)
        for detector in sorted(OPERATIONAL):
            self._operational.labels(detector)

    def _topic_from_zero(self, topic: str) -> None:
        self._slices.show(topic)
        self._repeated.labels(topic)
        for reason in Reason:
            self._dead.labels(topic, reason.value)
        for what in ("coerced", "missing"):
            self._fields.labels(topic, what)
        self._topics.add(topic)

    def verbs(self, outcomes: Iterable[tuple[str, str]]) -> None:
        """Export the counters of supported commands at 0, with their outcomes of success."""
        for name, outcome in outcomes:
            self._obeyed.labels(name, outcome)
            self._obeyed.labels(name, "failed")

    def operational(self, detector: str) -> None:
        """Count a published alert about the operation of streamproc."""
        self._operational.labels(detector).inc()

    def show(self, collector: Collector) -> None:
        """Register metrics that are computed at each scrape."""
        self.registry.register(collector)

    def slice(self, topic: str, records: int, outcome: SliceResult) -> None:
        """Count a slice, its records, events and dead letters."""
        self._slices.slice(topic, records, outcome.events)
        if outcome.repeated:
            self._repeated.labels(topic).inc(outcome.repeated)
        for what, count in outcome.fields.items():
            if count:
                self._fields.labels(topic, what).inc(count)
        if outcome.dead_letters:
            reasons = Tally(letter.reason.value for letter in outcome.dead_letters)
            for reason, count in reasons.items():
                self._dead.labels(topic, reason).inc(count)

    def stages(self, **seconds: float) -> None:
        """Add the seconds that each stage took."""
        self._slices.stages(**seconds)

    def alert(self, alert: AlertEvent, latency: float | None) -> None:
        """Count a published alert; `latency` in seconds, None if unknown."""
        self._alerts.labels(alert.kind, alert.status).inc()
        if latency is not None:
            self._latency.observe(max(0.0, latency))

    def alert_lost(self, alert: AlertEvent) -> None:
        """Count an alert that exceeded its topic's record size."""
        self._alerts_lost.labels(alert.kind).inc()

    def snapshot(self, cost: SnapshotCost) -> None:
        """Count a snapshot and its cost."""
        self._snapshots.inc()
        self._snapshot_costs.add(cost)
        self.stages(snapshot=cost.seconds)

    def snapshot_failed(self) -> None:
        """Count a snapshot that was not written."""
        self._snapshot_failures.inc()

    def recovered(self, outcome: str) -> None:
        """Count a recovered partition: with a snapshot, with none, or with one refused."""
        self._recoveries.labels(outcome).inc()

    def state_gap(self) -> None:
        """Count a partition that lost state or records."""
        self._state_gaps.inc()

    def obeyed(self, verb: str, outcome: str) -> None:
        """Count a command that was run."""
        self._obeyed.labels(verb, outcome).inc()

    def refused(self, reason: str) -> None:
        """Count a command that was refused."""
        self._control_refused.labels(reason).inc()

    def stalled(self, part: str, seconds: float) -> None:
        """Set for how many seconds a part of the worker has had lag without progress."""
        self._stalled.labels(part).set(seconds)

    def partitions_ratio(self, topic: str, ratio: float) -> None:
        """Set how many times `topics.partitions` a topic has partitions."""
        self._partitions_ratio.labels(topic).set(ratio)

    def state(self, topic: str, partition: int, shard: PartitionMonitor, lag: int) -> None:
        """Set the gauges of a partition's state, and its lag in records."""
        if topic not in self._topics:
            self._topic_from_zero(topic)
        catalogue, labels = shard.catalogue, (topic, partition)
        self._lag.labels(*labels).set(lag)
        self._models.labels(*labels).set(len(catalogue.models))
        self._series.labels(*labels).set(catalogue.series)
        self._warming.labels(*labels).set(catalogue.warming())
        self._refused.labels(*labels).set(catalogue.refused)
        self._forgotten.labels(*labels).set(catalogue.forgotten)
        self._unwatched.labels(*labels).set(catalogue.unwatched())
        self._incidents.labels(*labels).set(len(shard.groups))
        self._budget.state(topic, partition, shard.budget)

    def held_back(self, partitions: Sequence[HeldBack]) -> None:
        """Set the partitions that transactions hold back; clear all others."""
        self._held_back.clear()
        for each in partitions:
            self._held_back.labels(each.topic, each.partition).set(each.records)

    def forget(self, topic: str, partition: int) -> None:
        """Remove the gauges of a partition that was revoked."""
        for gauge in self._gauges:
            gauge.remove(topic, str(partition))
        self._budget.forget(topic, partition)
