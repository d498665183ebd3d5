"""Write a notification about a group of incidents as one alert, which sinks render. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from streamproc.incidents.members import rank
from streamproc.schemas.alerts import AlertEvent, Status
from streamproc.schemas.notification_groups import GroupedIncident, Notice, NotificationGroup

NAMED_INCIDENTS: Final = 5


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
    noticed = [(each, each.notice) for each in group.incidents if each.notice is not None]
    shown = [pair for pair in noticed if pair[1].status != "resolved"] or noticed
    if not shown:
        return None
    first = shown[0][0]
    return AlertEvent(
        alert_id=f"{group.group_id}-{status}-{at:%Y%m%dT%H%M%S.%f}",
        incident_id=group.group_id,
        status=status,
        model_id=first.model_id,
        kind=first.kind,
        series=first.series,
        detector=first.detector,
        severity=max((notice.severity for _, notice in shown), key=rank),
        owner=first.owner,
        message=_message(group, shown, len(noticed), status),
        ts=at,
        detected_at=at,
        source=first.source,
        runbook=first.runbook,
    )


def _message(
    group: NotificationGroup,
    shown: Sequence[tuple[GroupedIncident, Notice]],
    count: int,
    status: Status,
) -> str:
    labels = ", ".join(f"{name} = {value}" for name, value in sorted(group.labels.items()))
    what = "; ".join(f"{each.incident_id}: {each.message}" for each, _ in shown[:NAMED_INCIDENTS])
    more = f"; and {len(shown) - NAMED_INCIDENTS} more" if len(shown) > NAMED_INCIDENTS else ""
    over = f", {count - len(shown)} more resolved" if count > len(shown) else ""
    head = f"{len(shown)} incident{'s' * (len(shown) != 1)}{f' ({labels})' if labels else ''}{over}"
    state = f"{status}: " if status in {"acknowledged", "resolved"} else ""
    return f"{state}{head}: {what}{more}"
