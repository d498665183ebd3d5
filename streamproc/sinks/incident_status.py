"""Follow which series of an incident are open. Pure: no clock, no I/O.

An alert is about one series, and an incident joins several. A receiver that has one entry for an
incident must not end it with the first series that resolves.
"""

from collections import OrderedDict
from typing import Final

from streamproc.schemas.alerts import AlertEvent

MAX_INCIDENTS: Final = 10_000
MAX_ALERTS: Final = 10_000

_OF_A_SERIES: Final = frozenset({"firing", "updated", "settled", "resolved"})

_Series = tuple[str, tuple[tuple[str, str], ...]]


class IncidentStatus:
    """Tell whether an alert was seen before, and whether its incident is over with it."""

    def __init__(self) -> None:
        # Open series of each incident, and whether they are settled.
        self._open: OrderedDict[str, dict[_Series, bool]] = OrderedDict()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def repeated(self, alert: AlertEvent) -> bool:
        """Whether the alert was handled; after a crash a worker publishes alerts again."""
        return alert.alert_id in self._seen

    def handled(self, alert: AlertEvent) -> None:
        """Remember that an alert was delivered or dropped."""
        self._seen[alert.alert_id] = None
        if len(self._seen) > MAX_ALERTS:
            self._seen.popitem(last=False)

    def apply(self, alert: AlertEvent) -> AlertEvent:
        """Return the alert with the status of its incident; calling it again changes nothing.

        A series that resolves, or settles on another level, while others of the incident are open
        is an update of the incident. Other statuses, such as `acknowledged`, are of the incident as
        it is.
        """
        if alert.status not in _OF_A_SERIES:
            return alert
        series = (alert.series, tuple(sorted((alert.segment or {}).items())))
        still_open = self._open.setdefault(alert.incident_id, {})
        self._open.move_to_end(alert.incident_id)
        if len(self._open) > MAX_INCIDENTS:
            self._open.popitem(last=False)
        if alert.status == "resolved":
            still_open.pop(series, None)
        else:
            still_open[series] = alert.status == "settled"
        if alert.status in {"firing", "updated"}:
            return alert
        if still_open and not all(still_open.values()):
            return alert.model_copy(update={"status": "updated", "reason": None})
        if still_open and alert.status == "resolved":
            return alert.model_copy(update={"status": "settled", "reason": None})
        return alert
