"""Several error series of a version that alarm together are one incident, told with one voice."""

from streamproc.alerting.correlation import IncidentGrouper
from streamproc.alerting.incident_group import IncidentGroup
from streamproc.alerting.pending_alert import PendingAlert
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.series import ERROR


class ErrorIncidentGrouper(IncidentGrouper):
    """Makes one incident of those of the error series of a version, whenever they began.

    A concept that changes moves the error, the log loss and the Brier score at once, and they are
    three measures of one thing, so one person has to be told once: the first of them fires, the
    others join as updates, and it is resolved when all of them are quiet. That the error itself
    joins is said at once, as it makes the incident one of kind `concept`.

    Parameters
    ----------
    interval
        Least event time between two updates, in seconds.
    """

    def __init__(self, interval: float) -> None:
        super().__init__()
        self._interval = interval

    def assign(self, said: PendingAlert) -> AlertEvent | None:
        """Return what is to be told, with the incident that it is part of; None: nothing."""
        if said.model is None or said.alert is None:
            return super().assign(said)
        group = self.of(said.model, said.series) or next(iter(self.open.get(said.model, ())), None)
        news = group is not None and said.series == ERROR and ERROR not in group.open
        told = super().assign(said)
        if group is None or told is None:
            return told
        if told.status == "resolved":
            return None if group.open else told
        if not news and abs((told.ts - group.said).total_seconds()) < self._interval:
            return None
        group.said = told.ts
        return told.model_copy(update={"status": "updated"})

    def _has_begun(self, _group: IncidentGroup, _began: int) -> bool:
        return True
