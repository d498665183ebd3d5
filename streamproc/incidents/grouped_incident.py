"""Follow one incident of a notification group: its last notice, and what is new."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from streamproc.incidents.members import rank
from streamproc.incidents.parts import Part, describe, severity_of
from streamproc.incidents.repeats import new_page_of
from streamproc.schemas.clip import clip
from streamproc.schemas.incidents import IncidentState, IncidentStatus
from streamproc.schemas.notification_groups import GroupedIncident, Notice, NotificationGroup
from streamproc.schemas.timestamps import EPOCH

# A record of 200 incidents has to stay below Kafka's default maximum of 1 MB.
MAX_MESSAGE: Final = 500
_PAGING: Final[frozenset[IncidentStatus]] = frozenset({"firing", "settled"})


def may_page(incident: IncidentState) -> bool:
    """Whether an incident has paged or is to page, and nobody is on it."""
    return incident.status in _PAGING and bool(incident.paged or incident.page_at)


def enter(
    group: NotificationGroup, incident: IncidentState, parts: Sequence[Part], at: datetime
) -> GroupedIncident:
    """Return an incident as a group gets it, with the series that the sink hears of."""
    member, series = parts[0]
    return GroupedIncident(
        incident_id=incident.incident_id,
        status=incident.status,
        severity=severity_of(incident, parts),
        paged=_paged(group, incident),
        page_at=incident.page_at,
        entered=at,
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
    group: NotificationGroup,
    before: GroupedIncident,
    incident: IncidentState,
    parts: Sequence[Part],
    at: datetime,
) -> GroupedIncident:
    """Return an incident of a group after a change; without `parts` its series stay."""
    notice = before.notice
    paged = _paged(group, incident)
    if notice is not None and notice.pending and incident.page_at is None:
        until = notice.at if paged is None else max(notice.at, paged)
        notice = notice.model_copy(update={"pending": False, "at": until})
    if parts:
        entered = before.entered or at
        return enter(group, incident, parts, entered).model_copy(update={"notice": notice})
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


def news_at(group: NotificationGroup, each: GroupedIncident) -> datetime | None:
    """Return from when on the sink is to hear of an incident; None: there is nothing new."""
    if group.wait is None or each.notice is not None or each.entered is None:
        return EPOCH if is_new(each) else None
    if not is_to_page(each):
        return None
    return EPOCH if is_urgent(each) else each.entered + timedelta(seconds=group.wait)


def is_to_page(each: GroupedIncident) -> bool:
    """Whether an incident has paged or is to page, and nobody is on it."""
    return each.status in _PAGING and bool(each.paged or each.page_at)


def is_firing(each: GroupedIncident) -> bool:
    """Whether the sink has heard of an incident that fires, and nobody is on it."""
    return each.notice is not None and each.status == "firing"


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
    if each.notice is None and not is_to_page(each):
        return each
    pending = each.status in _PAGING and each.page_at is not None
    notice = Notice(at=at, status=each.status, severity=each.severity, pending=pending)
    return each.model_copy(update={"notice": notice})


def _paged(group: NotificationGroup, incident: IncidentState) -> datetime | None:
    """Return the last page that counts: a group with its own interval repeats by itself."""
    if group.repeat is not None:
        return new_page_of(incident)
    return incident.paged[-1] if incident.paged else None


def _is_worse(each: GroupedIncident, notice: Notice) -> bool:
    return each.page_at is None and rank(each.severity) > rank(notice.severity)
