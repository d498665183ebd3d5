"""Define the Prometheus metrics of incidents across models."""

from collections import Counter as Tally
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

from streamproc.incidents.book import IncidentBook
from streamproc.incidents.false_alarms import false_alarms
from streamproc.schemas.incidents import IncidentStatus

_OPEN: Final = tuple(status for status in get_args(IncidentStatus) if status != "resolved")


class IncidentMetrics:
    """The metrics of the worker that owns the incidents.

    Parameters
    ----------
    registry
        Registers the metrics.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._open = Gauge(
            "streamproc_event_groups",
            "Open incidents across models, on the worker that owns them; elsewhere 0.",
            ("status",),
            registry=registry,
        )
        self._owner = Gauge(
            "streamproc_incidents_owner",
            "Whether this worker owns the incidents: 1 on one worker of the group.",
            registry=registry,
        )
        self._silences = Gauge(
            "streamproc_silences_active",
            "Silences that hold, on the worker that owns the incidents; elsewhere 0.",
            registry=registry,
        )
        self._false = Gauge(
            "streamproc_incidents_false_alarms",
            "Incidents that were opened within 7 days and accepted as false alarms, on the worker"
            " that owns them; elsewhere 0.",
            registry=registry,
        )
        self._week = Gauge(
            "streamproc_incidents_opened",
            "Incidents that were opened within 7 days, on the worker that owns them; elsewhere 0.",
            registry=registry,
        )
        self._failures = Counter(
            "streamproc_incidents_failures_total",
            "Times that the incidents could not be continued; the log has the reason.",
            registry=registry,
        )
        self._lag = Gauge(
            "streamproc_incidents_lag_records",
            "Alerts and log records that incidents do not reflect yet.",
            registry=registry,
        )
        self.released()

    def owned(self, book: IncidentBook) -> None:
        """Set the gauges of the incidents that this worker owns."""
        self._owner.set(1)
        counts = Tally(incident.status for incident in book.incidents.values())
        for status in _OPEN:
            self._open.labels(status).set(counts[status])
        self._silences.set(sum(each.status == "active" for each in book.silences.values()))
        rate = false_alarms(book.incidents.values(), book.now)
        self._false.set(rate.false)
        self._week.set(rate.opened)

    def released(self) -> None:
        """Set the gauges to 0: another worker may own the incidents now."""
        self._owner.set(0)
        for status in _OPEN:
            self._open.labels(status).set(0)
        self._silences.set(0)
        self._false.set(0)
        self._week.set(0)

    def failed(self) -> None:
        """Count an error."""
        self._failures.inc()

    def lag(self, records: int) -> None:
        """Set the lag in records."""
        self._lag.set(records)
