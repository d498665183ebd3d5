"""Alerts about the operation of streamproc that no replay of the records can reproduce."""

from dataclasses import replace
from datetime import datetime
from typing import Final, Literal

from streamproc.alerting.input_alerts import UNMAPPED, UNREADABLE_LABELS
from streamproc.alerting.origin import Origin, identity
from streamproc.alerting.system_alerts import system_alert
from streamproc.join.placement import Finding
from streamproc.schemas.alerts import AlertEvent

NOT_JOINED: Final = "labels_not_joined"

PLACEMENT: Final = "placement"

NOT_DELIVERED: Final = "alerts_not_delivered"

OPERATIONAL: Final = frozenset({NOT_JOINED, PLACEMENT, NOT_DELIVERED, UNMAPPED, UNREADABLE_LABELS})
"""Detectors of these alerts; a comparison with a replay leaves them out."""


def labels_not_joined(
    place: tuple[str, int, int], reason: str, status: Literal["firing", "resolved"], now: datetime
) -> AlertEvent:
    """Report that a partition's labels are not joined, or that they are joined again.

    Parameters
    ----------
    place
        Topic of the labels, partition, and the offset at which the join stopped.
    reason
        Why, and what the operator should do.
    status
        `resolved`: the join goes on.
    now
        The wall clock.
    """
    topic, partition, offset = place
    origin = Origin(topic, partition, offset, 0, 0.0, None)
    incident_id = identity((NOT_JOINED,), origin)
    what = f"not joined: {reason}" if status == "firing" else "joined again"
    alert_id = incident_id if status == "firing" else identity((NOT_JOINED, status), origin)
    message = f"labels of partition {partition} of topic {topic!r} are {what}"
    of = {"incident_id": incident_id, "status": status, "series": "error"}
    return system_alert(NOT_JOINED, alert_id, message, origin, now, ts=now, **of)


def alerts_not_delivered(
    sink: str,
    place: tuple[str, int, int],
    reason: str,
    status: Literal["firing", "resolved"],
    now: datetime,
) -> AlertEvent:
    """Report that a sink drops the alerts of a partition, or that it takes them again.

    The incident is the same for each failure of the sink in this partition, so that a receiver
    which has one entry for an incident opens it again.

    Parameters
    ----------
    sink
        Name of the sink.
    place
        Topic, partition and offset of the alert that was dropped, or delivered again.
    reason
        Why it was dropped.
    status
        `resolved`: alerts are delivered again.
    now
        The wall clock.
    """
    topic, partition, offset = place
    alerts = f"alerts of partition {partition} of topic {topic!r}"
    if status == "firing":
        message = f"sink {sink!r} does not get {alerts}: {reason}; `streamproc sinks test {sink}`"
    else:
        message = f"sink {sink!r} gets {alerts} again"
    here = Origin(topic, partition, offset, 0, 0.0, None)
    return system_alert(
        NOT_DELIVERED,
        identity((NOT_DELIVERED, sink, status), here),
        message,
        here,
        now,
        incident_id=identity((NOT_DELIVERED, sink), replace(here, offset=0)),
        status=status,
        series=f"sink:{sink}",
        ts=now,
    )


def misplaced(finding: Finding, owner: str | None, now: datetime) -> AlertEvent:
    """Report a model whose labels cannot meet their events: by partitions, or by reused ids.

    The id depends on problem, model and topic alone: however many workers see it, and however
    often they are restarted, readers that drop known ids hear of it once.
    """
    origin = Origin(finding.topic, 0, 0, 0, 0.0, None)
    alert_id = identity((PLACEMENT, finding.problem, finding.model_id), origin)
    return system_alert(
        PLACEMENT,
        alert_id,
        finding.message,
        replace(origin, partition=finding.partitions[0]),
        now,
        model_id=finding.model_id,
        series="error" if finding.problem in {"labels_apart", "ids_reused"} else "features",
        severity="warning",
        owner=owner,
        ts=now,
    )
