"""Write a step of an incident across models as one alert, the form that sinks render. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from streamproc.incidents.members import rank
from streamproc.schemas.alerts import MORE_SEVERE, AlertEvent, Reason, Status
from streamproc.schemas.incidents import ChangedSeries, IncidentState, Member

NAMED_MODELS: Final = 5
_REASONS: Final = {
    "recovered": "every series has recovered",
    "accepted": "accepted as the new normal",
    "superseded": "another incident continues it",
    "expired": "nothing has followed for a day",
}


class Part(NamedTuple):
    """A changed series of an incident, with the model that it belongs to."""

    member: Member
    series: ChangedSeries


def parts_of(incident: IncidentState, status: Status) -> list[Part]:
    """Return the changed series of an incident that a step is about.

    A page is about those that are open and neither silenced nor inhibited, the end about all.
    """
    parts = [Part(member, series) for member in incident.members for series in member.series]
    if status == "resolved":
        return parts
    return [part for part in parts if part.series.open and not part.series.covered]


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
    severity = max((part.series.severity for part in parts), key=rank)
    return AlertEvent(
        alert_id=f"{incident.incident_id}-{status}-{at:%Y%m%dT%H%M%S.%f}",
        incident_id=incident.incident_id,
        status=status,
        reason=_reason(incident) if status == "resolved" else None,
        model_id=member.model_id,
        model_version=member.model_version,
        kind=series.kind,
        series=series.series,
        detector=series.detector,
        severity=MORE_SEVERE[severity] if incident.escalated else severity,
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
    member, series = parts[0]
    what = series.message or f"{series.series} of model {member.model_id} has changed"
    models = list(dict.fromkeys(part.member.model_id for part in parts))
    if len(models) > 1:
        names = ", ".join(models[:NAMED_MODELS])
        more = f" and {len(models) - NAMED_MODELS} more" if len(models) > NAMED_MODELS else ""
        what = f"{len(models)} models ({names}{more}): {what}"
    if status == "resolved":
        return f"resolved, {_REASONS.get(incident.reason or '', 'it has ended')}: {what}"
    acknowledgement = incident.acknowledgement
    if status == "acknowledged" and acknowledgement is not None:
        reason = f" ({acknowledgement.reason})" if acknowledgement.reason else ""
        return f"acknowledged by {acknowledgement.by}{reason}: {what}"
    return what
