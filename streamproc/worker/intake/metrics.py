"""Count what the records of foreign topics became."""

from collections import Counter as Tally

from prometheus_client import CollectorRegistry, Counter, Gauge

from streamproc.intake.records import MappedSlice


class IntakeMetrics:
    """Metrics of the intake; `topic` is that of the other system."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._records = Counter(
            "streamproc_intake_records_total", "Records read.", ["topic"], registry=registry
        )
        self._events = Counter(
            "streamproc_intake_events_total",
            "Native events published, by the native topic.",
            ["topic", "to"],
            registry=registry,
        )
        self._skipped = Counter(
            "streamproc_intake_skipped_total", "Records skipped.", ["topic"], registry=registry
        )
        self._dead = Counter(
            "streamproc_intake_dead_letters_total",
            "Records that could not become events.",
            ["topic", "reason"],
            registry=registry,
        )
        self._lag = Gauge(
            "streamproc_intake_lag_records",
            "Records that are not processed yet.",
            ["topic", "partition"],
            registry=registry,
        )
        self._held = Gauge(
            "streamproc_intake_held_records",
            "Records that wait for a schema of the registry.",
            ["topic"],
            registry=registry,
        )

    def slice(self, topic: str, records: int, found: MappedSlice) -> None:
        """Count the records of a slice, and what they became."""
        self._records.labels(topic).inc(records)
        for to, count in Tally(event.to for event in found.events).items():
            self._events.labels(topic, to).inc(count)
        self._skipped.labels(topic).inc(found.skipped)
        reasons = Tally(letter.reason.value for letter in found.dead_letters)
        for reason, count in reasons.items():
            self._dead.labels(topic, reason).inc(count)

    def lag(self, lags: dict[tuple[str, int], int]) -> None:
        """Show the lag of the assigned partitions."""
        self._lag.clear()
        for (topic, partition), lag in lags.items():
            self._lag.labels(topic, str(partition)).set(lag)

    def held(self, counts: dict[str, int]) -> None:
        """Show the topics whose records wait for a schema."""
        self._held.clear()
        for topic, count in counts.items():
            self._held.labels(topic).set(count)
