"""Mark the series of an incident with the ids of what covers them, so that they page nobody."""

from collections.abc import Callable
from typing import Literal

from streamproc.schemas.incidents import ChangedSeries, IncidentState, Member

Field = Literal["silences", "inhibited_by"]
Mark = Callable[[Member, ChangedSeries], tuple[str, ...]]
"""Returns the sorted ids of what covers a series."""


def with_marks(incident: IncidentState, field: Field, mark: Mark) -> IncidentState:
    """Return an incident with other marks; the same object if they are the same."""
    members = tuple(_marked_member(member, field, mark) for member in incident.members)
    if all(new is old for new, old in zip(members, incident.members, strict=True)):
        return incident
    found = {name for member in members for each in member.series for name in getattr(each, field)}
    return incident.model_copy(update={"members": members, field: tuple(sorted(found))})


def _marked_member(member: Member, field: Field, mark: Mark) -> Member:
    marks = [mark(member, series) for series in member.series]
    if all(new == getattr(series, field) for new, series in zip(marks, member.series, strict=True)):
        return member
    series = tuple(
        each.model_copy(update={field: new}) for each, new in zip(member.series, marks, strict=True)
    )
    return member.model_copy(update={"series": series})
