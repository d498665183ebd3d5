"""Write a notification about a group of incidents as one alert, which sinks render. Pure."""

from datetime import datetime

from streamproc.schemas.alerts import AlertEvent, Status
from streamproc.schemas.notification_groups import NotificationGroup


def group_alert(group: NotificationGroup, status: Status, at: datetime) -> AlertEvent | None:
    """Return one alert about the incidents that a notification tells of; None: it has none.

    Parameters
    ----------
    group
        The group.
    status
        What the alert says: ``firing``, ``updated``, ``acknowledged`` or ``resolved``.
    at
        When that happened.
    """
    if not group.shown:
        return None
    first = group.shown[0]
    return AlertEvent(
        alert_id=f"{group.group_id}-{status}-{at:%Y%m%dT%H%M%S.%f}",
        incident_id=group.group_id,
        status=status,
        model_id=first.model_id,
        kind=first.kind,
        series=first.series,
        detector=first.detector,
        severity=group.severity,
        owner=first.owner,
        message=_message(group, status),
        ts=at,
        detected_at=at,
        source=first.source,
        runbook=first.runbook,
    )


def _message(group: NotificationGroup, status: Status) -> str:
    labels = ", ".join(f"{name} = {value}" for name, value in sorted(group.labels.items()))
    number = group.open or group.resolved
    what = "; ".join(f"{each.incident_id}: {each.message}" for each in group.shown)
    more = f"; and {number - len(group.shown)} more" if number > len(group.shown) else ""
    over = f", {group.resolved} more resolved" if group.open and group.resolved else ""
    head = f"{number} incident{'s' * (number != 1)}{f' ({labels})' if labels else ''}{over}"
    state = f"{status}: " if status in {"acknowledged", "resolved"} else ""
    return f"{state}{head}: {what}{more}"
