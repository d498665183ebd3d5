"""Follow one incident of a notification group: its last notice, and what is new."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from streamproc.incidents.members import rank
from streamproc.incidents.parts import Part, describe, severity_of
from streamproc.schemas.clip import clip
from streamproc.schemas.incidents import IncidentState, IncidentStatus
from streamproc.schemas.notification_groups import GroupedIncident, Notice

# A record of 200 incidents has to stay below Kafka's default maximum of 1 MB.
MAX_MESSAGE: Final = 500
_PAGING: Final[frozenset[IncidentStatus]] = frozenset({"firing", "settled"})


def may_page(incident: IncidentState) -> bool:
    """Whether an incident has paged or is to page, and nobody is on it."""
    return incident.status in _PAGING and bool(incident.paged or incident.page_at)


def enter(incident: IncidentState, parts: Sequence[Part]) -> GroupedIncident:
    """Return an incident as a group gets it, with the series that the sink hears of."""
    member, series = parts[0]
    return GroupedIncident(
        incident_id=incident.incident_id,
        status=incident.status,
        severity=severity_of(incident, parts),
        paged=incident.paged[-1] if incident.paged else None,
        page_at=incident.page_at,
        model_id=member.model_id,
        series=series.series,
        kind=series.kind,
        detector=series.detector,
        source=series.source,
        owner=member.owner,
        runbook=member.runbook,
        message=clip(describe(parts), MAX_MESSAGE),
    )


def follow(
    before: GroupedIncident, incident: IncidentState, parts: Sequence[Part]
) -> GroupedIncident:
    """Return an incident of a group after a change; without `parts` its series stay."""
    notice = before.notice
    paged = incident.paged[-1] if incident.paged else None
    if notice is not None and notice.pending and incident.page_at is None:
        at = notice.at if paged is None else max(notice.at, paged)
        notice = notice.model_copy(update={"pending": False, "at": at})
    if parts:
        return enter(incident, parts).model_copy(update={"notice": notice})
    state = {"status": incident.status, "paged": paged, "page_at": incident.page_at}
    return before.model_copy(update={**state, "notice": notice})


def end(before: GroupedIncident) -> GroupedIncident:
    """Return an incident of a group that is there no more: it is part of another one."""
    return before.model_copy(update={"status": "resolved", "page_at": None})


def is_new(each: GroupedIncident) -> bool:
    """Whether the sink has to be notified of an incident."""
    notice = each.notice
    if each.status in _PAGING and each.paged is not None:
        return notice is None or each.paged > notice.at or _is_worse(each, notice)
    return notice is not None and each.status in {"acknowledged", "resolved"} - {notice.status}


def is_urgent(each: GroupedIncident) -> bool:
    """Whether an incident became critical, which does not wait for others."""
    is_known = each.notice is not None and each.notice.severity == "critical"
    return each.severity == "critical" and each.status in _PAGING and not is_known


def is_over(each: GroupedIncident) -> bool:
    """Whether nothing is left to tell of an incident that is resolved."""
    is_known = each.notice is None or each.notice.status == "resolved"
    return each.status == "resolved" and is_known


def tell(each: GroupedIncident, at: datetime) -> GroupedIncident:
    """Return an incident after a notification, which leaves out what nobody is to be paged for."""
    is_to_page = each.status in _PAGING
    if each.notice is None and not (is_to_page and (each.paged or each.page_at)):
        return each
    pending = is_to_page and each.page_at is not None
    notice = Notice(at=at, status=each.status, severity=each.severity, pending=pending)
    return each.model_copy(update={"notice": notice})


def _is_worse(each: GroupedIncident, notice: Notice) -> bool:
    return each.page_at is None and rank(each.severity) > rank(notice.severity)
