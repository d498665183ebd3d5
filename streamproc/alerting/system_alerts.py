"""Alerts about the system itself: state with a gap, labels that cannot be joined."""

from datetime import datetime
from typing import Any, Final

from streamproc.alerting.origin import Origin, identity
from streamproc.schemas.alerts import AlertEvent

STATE_GAP: Final = "state_gap"
"""Detector of alerts about state that could not be continued."""


def system_alert(
    detector: str, alert_id: str, message: str, origin: Origin, now: datetime, **fields: Any
) -> AlertEvent:
    """Create an alert of kind `system`: a critical one, about all models, unless `fields` differ.

    Parameters
    ----------
    detector
        What the alert is about.
    alert_id
        Its id, and that of its incident.
    message
        What is wrong, and what to do.
    origin
        Where it was found.
    now
        The wall clock.
    **fields
        Further fields of the alert, or other values of those above.
    """
    usual: dict[str, Any] = {
        "incident_id": alert_id,
        "status": "firing",
        "model_id": "*",
        "series": "features",
        "severity": "critical",
        **origin.fields(now),
    }
    return AlertEvent(
        alert_id=alert_id, kind="system", detector=detector, message=message, **usual | fields
    )


def state_gap(
    place: tuple[str, int], span: tuple[int, int], reason: str, now: datetime, reader: str = ""
) -> AlertEvent:
    """Report that state could not be continued without a gap.

    Parameters
    ----------
    place
        Topic and partition.
    span
        Offset at which the state ends, and the one at which it goes on.
    reason
        Why.
    now
        The wall clock.
    reader
        Tells apart those who read one log for different purposes; empty: the detectors.
    """
    topic, partition = place
    what = (STATE_GAP, str(span[0]), *([reader] if reader else []))
    origin = Origin(topic, partition, span[1], 0, 0, None)
    message = f"partition {partition} of topic {topic!r} goes on at offset {span[1]}: {reason}"
    return system_alert(STATE_GAP, identity(what, origin), message, origin, now, ts=now)


def uneven_topics(topic: str, reason: str, now: datetime) -> AlertEvent:
    """Report that labels are not joined, since topics differ in their numbers of partitions."""
    origin = Origin(topic, 0, 0, 0, 0, None)
    alert_id = identity(("uneven_topics", reason), origin)
    message = f"labels are not joined: {reason}"
    return system_alert("uneven_topics", alert_id, message, origin, now, ts=now)
