"""Mark the series of incidents that silences cover, and let silences begin and end."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

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

    return _marked(incident, mark)


def cover_with(incident: IncidentState, silence: Silence) -> IncidentState:
    """Return an incident with one silence added to or removed from each series, as it covers it."""

    def mark(member: Member, series: ChangedSeries) -> tuple[str, ...]:
        others = tuple(each for each in series.silences if each != silence.silence_id)
        covers = silence.status == "active" and silence.matchers.match(
            subject_of(member, series, incident.incident_id)
        )
        return tuple(sorted((*others, silence.silence_id))) if covers else others

    return _marked(incident, mark)


def _marked(
    incident: IncidentState, mark: Callable[[Member, ChangedSeries], tuple[str, ...]]
) -> IncidentState:
    """Return an incident with other silences; the same object if they are the same."""
    members = tuple(_marked_member(member, mark) for member in incident.members)
    if all(new is old for new, old in zip(members, incident.members, strict=True)):
        return incident
    found = {
        silence for member in members for series in member.series for silence in series.silences
    }
    return incident.model_copy(update={"members": members, "silences": tuple(sorted(found))})


def _marked_member(
    member: Member, mark: Callable[[Member, ChangedSeries], tuple[str, ...]]
) -> Member:
    marks = [mark(member, series) for series in member.series]
    if all(new == series.silences for new, series in zip(marks, member.series, strict=True)):
        return member
    series = tuple(
        each.model_copy(update={"silences": new})
        for each, new in zip(member.series, marks, strict=True)
    )
    return member.model_copy(update={"series": series})
