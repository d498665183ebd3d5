"""Define the metrics of webhooks."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge


class Dropped(StrEnum):
    """Why an alert was dropped."""

    GAVE_UP = "gave_up"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"


class WebhookMetrics:
    """The metrics of all webhooks.

    Parameters
    ----------
    registry
        Registers the metrics.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(
                f"streamproc_webhook_{name}", text, ("webhook", *labels), registry=registry
            )

        self._delivered = counter("delivered_total", "Alerts that a webhook's receiver took.")
        self._failures = counter("failures_total", "Tries to deliver an alert that failed.")
        self._dropped = counter(
            "dropped_total", "Alerts that were wanted and not delivered, by the reason.", "reason"
        )
        self._lag = Gauge(
            "streamproc_webhook_lag_records",
            "Records of the alerts that a webhook has not handled yet.",
            ("webhook",),
            registry=registry,
        )

    def of(self, webhook: str) -> "Counts":
        """Return the counters of one webhook, exported at 0: a rate needs an initial value."""
        dropped = {reason: self._dropped.labels(webhook, reason.value) for reason in Dropped}
        return Counts(
            self._delivered.labels(webhook),
            self._failures.labels(webhook),
            dropped,
            self._lag.labels(webhook),
        )


class Counts:
    """The metrics of one webhook."""

    def __init__(
        self, delivered: Counter, failures: Counter, dropped: dict[Dropped, Counter], lag: Gauge
    ) -> None:
        self._delivered = delivered
        self._failures = failures
        self._dropped = dropped
        self._lag = lag

    def delivered(self) -> None:
        """Count a delivered alert."""
        self._delivered.inc()

    def failed(self) -> None:
        """Count a failed attempt."""
        self._failures.inc()

    def dropped(self, reason: Dropped) -> None:
        """Count a dropped alert."""
        self._dropped[reason].inc()

    def lag(self, records: int) -> None:
        """Set the lag in records."""
        self._lag.set(records)
