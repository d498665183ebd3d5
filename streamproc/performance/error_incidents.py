"""Group the alarms of all error series of a model version into one incident."""

import math
from typing import Final

from streamproc.alerting.correlation import IncidentGrouper
from streamproc.alerting.incident_group import IncidentGroup
from streamproc.alerting.pending_alert import PendingAlert
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.segment_series import segment_of
from streamproc.schemas.series import ERROR

MUCH_LARGER: Final = 2.0
"""Ratio of the changes of a segment and of all events: 2 if one of two equal segments changes."""


class ErrorIncidentGrouper(IncidentGrouper):
    """Group the alarms of a version's error series, whenever each change began.

    Concept drift moves the error, the log loss and the Brier score together. They measure one
    thing, so they form one incident: the first alarm fires, later ones are updates. The incident
    is settled when all series are quiet, and one of them on another level than before; it is
    resolved when all are as before. Updates are rate-limited, except urgent ones, and two that say
    more: the error itself joins, which changes the incident's kind to `concept`, or the first
    segment does whose change is much larger than that of all events, which may be a small one.

    Parameters
    ----------
    interval
        Minimum event time between two updates, in seconds.
    """

    def __init__(self, interval: float) -> None:
        super().__init__()
        self._interval = interval

    def assign(self, pending: PendingAlert) -> AlertEvent | None:
        """Return the alert to publish, with its incident id; None to publish nothing."""
        if pending.model is None or pending.alert is None:
            return super().assign(pending)
        group = self.of(pending.model, pending.series) or next(
            (each for each in self.open.get(pending.model, ()) if not _is_settled(each)), None
        )
        joins = group is not None and _says_more(group, pending)
        alert = super().assign(pending)
        if group is None or alert is None:
            return alert
        if alert.status in {"settled", "resolved"}:
            return _quiet(group, alert)
        soon = abs((alert.ts - group.reported_at).total_seconds()) < self._interval
        if soon and not (joins or pending.urgent):
            return None
        group.reported_at = alert.ts
        return alert.model_copy(update={"status": "updated"})

    def _has_begun(self, group: IncidentGroup, _began: int) -> bool:
        """Whether a change is part of an incident: not of one that is quiet on another level."""
        return not _is_settled(group)


def _says_more(group: IncidentGroup, pending: PendingAlert) -> bool:
    if pending.series == ERROR:
        return ERROR not in group.open
    found = segment_of(pending.series)
    if found is None or any(map(segment_of, group.open)):
        return False
    return pending.size >= MUCH_LARGER * group.sizes.get(found.series, math.inf)


def _is_settled(group: IncidentGroup) -> bool:
    return group.open == group.settled


def _quiet(group: IncidentGroup, alert: AlertEvent) -> AlertEvent | None:
    """Return the alert of a series that is quiet, if none of the others goes on."""
    if not group.open:
        return alert
    if not _is_settled(group):
        return None
    return alert.model_copy(update={"status": "settled", "reason": None})
