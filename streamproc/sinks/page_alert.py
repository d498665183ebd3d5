"""Write a step of an incident across models as one alert, the form that sinks render. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from streamproc.incidents.parts import Part, all_parts, describe, open_parts, severity_of
from streamproc.schemas.alerts import AlertEvent, Reason, Status
from streamproc.schemas.incidents import IncidentState

_REASONS: Final = {
    "recovered": "every series has recovered",
    "accepted": "accepted as the new normal",
    "superseded": "another incident continues it",
    "expired": "nothing has followed for a day",
}


def parts_of(incident: IncidentState, status: Status) -> list[Part]:
    """Return the changed series of an incident that a step is about.

    A page is about those that are open and neither silenced nor inhibited, the end about all.
    """
    return all_parts(incident) if status == "resolved" else open_parts(incident)


def page_alert(
    incident: IncidentState, parts: Sequence[Part], status: Status, at: datetime
) -> AlertEvent:
    """Return one alert about an incident.

    Parameters
    ----------
    incident
        The incident.
    parts
        The series that its receiver hears of, at least one; the first one is named.
    status
        What the alert says: ``firing``, ``updated``, ``acknowledged`` or ``resolved``.
    at
        When that happened.
    """
    member, series = parts[0]
    return AlertEvent(
        alert_id=f"{incident.incident_id}-{status}-{at:%Y%m%dT%H%M%S.%f}",
        incident_id=incident.incident_id,
        status=status,
        reason=_reason(incident) if status == "resolved" else None,
        model_id=member.model_id,
        model_version=member.model_version,
        kind=series.kind,
        series=series.series,
        segment=series.segment,
        detector=series.detector,
        severity=severity_of(incident, parts),
        owner=member.owner,
        message=_message(incident, parts, status),
        ts=at,
        detected_at=at,
        source=series.source,
        before=series.before,
        after=series.after,
        contributors=list(member.contributors) or None,
        runbook=member.runbook,
    )


def _reason(incident: IncidentState) -> Reason | None:
    return None if incident.reason == "expired" else incident.reason


def _message(incident: IncidentState, parts: Sequence[Part], status: Status) -> str:
    what = describe(parts)
    if status == "resolved":
        return f"resolved, {_REASONS.get(incident.reason or '', 'it has ended')}: {what}"
    acknowledgement = incident.acknowledgement
    if status == "acknowledged" and acknowledgement is not None:
        reason = f" ({acknowledgement.reason})" if acknowledgement.reason else ""
        return f"acknowledged by {acknowledgement.by}{reason}: {what}"
    return what
