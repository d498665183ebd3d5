"""Group the alarms of all error series of a model version into one incident."""

from streamproc.alerting.correlation import IncidentGrouper
from streamproc.alerting.incident_group import IncidentGroup
from streamproc.alerting.pending_alert import PendingAlert
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.series import ERROR


class ErrorIncidentGrouper(IncidentGrouper):
    """Group the alarms of a version's error series, whenever each change began.

    Concept drift moves the error, the log loss and the Brier score together. They measure one
    thing, so they form one incident: the first alarm fires, later ones are updates, and the
    incident is resolved when all series are quiet. Updates are rate-limited, except when the error
    itself joins, because that changes the incident's kind to `concept`.

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
            iter(self.open.get(pending.model, ())), None
        )
        error_joins = group is not None and pending.series == ERROR and ERROR not in group.open
        alert = super().assign(pending)
        if group is None or alert is None:
            return alert
        if alert.status == "resolved":
            return None if group.open else alert
        if not error_joins and abs((alert.ts - group.said).total_seconds()) < self._interval:
            return None
        group.said = alert.ts
        return alert.model_copy(update={"status": "updated"})

    def _has_begun(self, _group: IncidentGroup, _began: int) -> bool:
        return True
