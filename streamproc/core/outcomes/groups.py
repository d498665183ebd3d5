"""Several error series of a version that alarm together are one incident."""

from datetime import datetime

import msgspec

from streamproc.contract.alerts import AlertEvent
from streamproc.core.losses import ERROR


class Group(msgspec.Struct):
    """An incident, the series that take part in it, and when it was last spoken of."""

    incident: str
    series: list[str]
    said: datetime


class Groups:
    """Makes one incident of those of the error series of a version.

    A concept that changes moves the error, the log loss and the Brier score at once, and one
    person has to be told once: the first of them fires, the others join, and it is resolved when
    all of them are quiet. That the error itself joins is said at once, as it makes the incident
    one of kind `concept`. Alerts have to come in the order of the log.

    Attributes
    ----------
    open
        By model and version.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self.open: dict[tuple[str, str | None], Group] = {}

    def tell(self, alert: AlertEvent) -> AlertEvent | None:
        """Return what is to be said in the place of an alert of one series; None: nothing."""
        key = alert.model_id, alert.model_version
        group = self.open.get(key)
        if group is None:
            if alert.status == "firing":
                self.open[key] = Group(alert.incident_id, [alert.series], alert.ts)
            return alert
        if alert.status == "resolved":
            return self._quiet(key, group, alert)
        news = alert.series == ERROR and alert.series not in group.series
        if alert.series not in group.series:
            group.series.append(alert.series)
        if not news and abs((alert.ts - group.said).total_seconds()) < self._interval:
            return None
        group.said = alert.ts
        return alert.model_copy(update={"status": "updated", "incident_id": group.incident})

    def _quiet(
        self, key: tuple[str, str | None], group: Group, alert: AlertEvent
    ) -> AlertEvent | None:
        if alert.series in group.series:
            group.series.remove(alert.series)
        if group.series:
            return None
        del self.open[key]
        return alert.model_copy(update={"incident_id": group.incident})
