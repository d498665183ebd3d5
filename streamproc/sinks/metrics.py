"""What is counted of webhooks."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge


class Dropped(StrEnum):
    """Why an alert was not sent, and will not be."""

    GAVE_UP = "gave_up"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"


class WebhookMetrics:
    """Everything that is counted of webhooks.

    Parameters
    ----------
    registry
        Where the metrics are registered.
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
        """Give what is counted of one, from 0: a rate needs a value before the first."""
        dropped = {reason: self._dropped.labels(webhook, reason.value) for reason in Dropped}
        return Counts(
            self._delivered.labels(webhook),
            self._failures.labels(webhook),
            dropped,
            self._lag.labels(webhook),
        )


class Counts:
    """What is counted of one webhook."""

    def __init__(
        self, delivered: Counter, failures: Counter, dropped: dict[Dropped, Counter], lag: Gauge
    ) -> None:
        self._delivered = delivered
        self._failures = failures
        self._dropped = dropped
        self._lag = lag

    def delivered(self) -> None:
        """Count an alert that was taken."""
        self._delivered.inc()

    def failed(self) -> None:
        """Count a try that failed."""
        self._failures.inc()

    def dropped(self, reason: Dropped) -> None:
        """Count an alert that was given up."""
        self._dropped[reason].inc()

    def lag(self, records: int) -> None:
        """Say how many records are not handled yet."""
        self._lag.set(records)
