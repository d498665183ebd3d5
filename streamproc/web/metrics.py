"""The worker's metrics, in Prometheus' terms and units."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SLICE_RECORDS = (1, 10, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
LATENCY_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300)


class Metrics:
    """Everything that a worker counts.

    Parameters
    ----------
    registry
        Where the metrics are registered; one for each worker in a process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.records = Counter(
            "streamproc_records_total", "Records handled.", ["topic"], registry=registry
        )
        self.events = Counter(
            "streamproc_events_total", "Events watched.", ["topic"], registry=registry
        )
        self.dead_letters = Counter(
            "streamproc_dead_letters_total",
            "Events that could not be read, by reason.",
            ["topic", "reason"],
            registry=registry,
        )
        self.alerts = Counter(
            "streamproc_alerts_total", "Alerts published.", ["kind", "status"], registry=registry
        )
        self.lag = Gauge(
            "streamproc_lag_records",
            "Records of a partition that are not handled yet.",
            ["topic", "partition"],
            registry=registry,
        )
        self.slice_records = Histogram(
            "streamproc_slice_records",
            "Records in a slice.",
            buckets=SLICE_RECORDS,
            registry=registry,
        )
        self.stage_seconds = Counter(
            "streamproc_stage_seconds_total",
            "Time spent in each stage of the line.",
            ["stage"],
            registry=registry,
        )
        self.event_to_alert = Histogram(
            "streamproc_event_to_alert_seconds",
            "From the timestamp of an event's record to its alert being confirmed.",
            buckets=LATENCY_SECONDS,
            registry=registry,
        )
        self.models = Gauge(
            "streamproc_models", "Models watched.", ["topic", "partition"], registry=registry
        )
        self.series = Gauge(
            "streamproc_series", "Series watched.", ["topic", "partition"], registry=registry
        )
        self.series_refused = Gauge(
            "streamproc_series_refused",
            "Series not watched because limits.max_series is reached.",
            ["topic", "partition"],
            registry=registry,
        )
        self.features_unwatched = Gauge(
            "streamproc_features_unwatched",
            "Features not watched because they are texts, lists or always null.",
            ["topic", "partition"],
            registry=registry,
        )
        self.incidents = Gauge(
            "streamproc_incidents_open", "Open incidents.", ["topic", "partition"],
            registry=registry,
        )
