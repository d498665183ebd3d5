"""Mark the series of incidents that silences cover, and let silences begin and end."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from streamproc.incidents.marks import with_marks
from streamproc.incidents.members import subject_of
from streamproc.schemas.incidents import ChangedSeries, IncidentState, Member
from streamproc.schemas.silences import Silence

# Commands live for an hour: one that is read again cannot bring back a silence that is retained.
RETAIN_SILENCES: Final = timedelta(days=7)


def silence_at(silence: Silence, at: datetime) -> Silence:
    """Return a silence with its status at a time."""
    if silence.status == "removed":
        return silence
    status = "pending" if at < silence.start else "active" if at < silence.end else "expired"
    if status == silence.status:
        return silence
    return silence.model_copy(update={"status": status, "updated": at})


def silence_due(silence: Silence) -> datetime:
    """Return when a silence changes by itself, or is forgotten."""
    if silence.status == "pending":
        return silence.start
    if silence.status == "active":
        return silence.end
    return silence.updated + RETAIN_SILENCES


def cover_member(
    incident: IncidentState, incident_id: str, silences: Iterable[Silence]
) -> IncidentState:
    """Return an incident with all active silences that cover the series of one member."""
    active = [each for each in silences if each.status == "active"]

    def mark(member: Member, series: ChangedSeries) -> tuple[str, ...]:
        if member.incident_id != incident_id:
            return series.silences
        subject = subject_of(member, series, incident.incident_id)
        return tuple(sorted(each.silence_id for each in active if each.matchers.match(subject)))

    return with_marks(incident, "silences", mark)


def cover_with(incident: IncidentState, silence: Silence) -> IncidentState:
    """Return an incident with one silence added to or removed from each series, as it covers it."""

    def mark(member: Member, series: ChangedSeries) -> tuple[str, ...]:
        others = tuple(each for each in series.silences if each != silence.silence_id)
        covers = silence.status == "active" and silence.matchers.match(
            subject_of(member, series, incident.incident_id)
        )
        return tuple(sorted((*others, silence.silence_id))) if covers else others

    return with_marks(incident, "silences", mark)
