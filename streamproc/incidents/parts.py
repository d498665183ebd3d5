"""The changed series of an incident that a notification is about, and what it says of them."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from streamproc.incidents.members import rank
from streamproc.schemas.alerts import MORE_SEVERE, Severity
from streamproc.schemas.incidents import ChangedSeries, IncidentState, Member

NAMED_MODELS: Final = 5


class Part(NamedTuple):
    """A changed series of an incident, with the model that it belongs to."""

    member: Member
    series: ChangedSeries


def all_parts(incident: IncidentState) -> list[Part]:
    """Return the changed series of an incident."""
    return [Part(member, series) for member in incident.members for series in member.series]


def open_parts(incident: IncidentState) -> list[Part]:
    """Return the changed series that are open and neither silenced nor inhibited."""
    return [part for part in all_parts(incident) if part.series.open and not part.series.covered]


def severity_of(incident: IncidentState, parts: Sequence[Part]) -> Severity:
    """Return the severity of a notification about some series of an incident."""
    severity = max((part.series.severity for part in parts), key=rank)
    return MORE_SEVERE[severity] if incident.escalated else severity


def describe(parts: Sequence[Part]) -> str:
    """Say what has changed, in which models; the first series is named."""
    member, series = parts[0]
    what = series.message or f"{series.series} of model {member.model_id} has changed"
    models = list(dict.fromkeys(part.member.model_id for part in parts))
    if len(models) == 1:
        return what
    names = ", ".join(models[:NAMED_MODELS])
    more = f" and {len(models) - NAMED_MODELS} more" if len(models) > NAMED_MODELS else ""
    return f"{len(models)} models ({names}{more}): {what}"
