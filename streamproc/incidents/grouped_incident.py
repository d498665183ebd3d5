"""Follow one incident of a notification group: its last notice, and what is new."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from streamproc.incidents.members import rank
from streamproc.incidents.parts import Part, describe
from streamproc.incidents.repeats import new_page_of
from streamproc.schemas.alerts import Severity
from streamproc.schemas.clip import clip
from streamproc.schemas.incidents import IncidentState, IncidentStatus
from streamproc.schemas.notification_groups import (
    GroupedIncident,
    Notice,
    NotificationGroup,
    ShownIncident,
)
from streamproc.schemas.timestamps import EPOCH

MAX_MESSAGE: Final = 500
_PAGING: Final[frozenset[IncidentStatus]] = frozenset({"firing", "settled"})


class Followed(NamedTuple):
    """An incident of a group as the topic has it, and its state; None: it is there no more."""

    record: GroupedIncident
    incident: IncidentState | None

    @property
    def notice(self) -> Notice | None:
        """What the last notification has of it."""
        return self.record.notice

    @property
    def status(self) -> IncidentStatus:
        """Its status; what is there no more is part of another incident."""
        return "resolved" if self.incident is None else self.incident.status

    @property
    def page_at(self) -> datetime | None:
        """When it pages next."""
        return None if self.incident is None else self.incident.page_at

    def paged(self, group: NotificationGroup) -> datetime | None:
        """Return its last page that counts: a group with its own interval repeats by itself."""
        if self.incident is None:
            return None
        if group.repeat is not None:
            return new_page_of(self.incident)
        return self.incident.paged[-1] if self.incident.paged else None


def may_page(incident: IncidentState | None) -> bool:
    """Whether an incident has paged or is to page, and nobody is on it."""
    if incident is None or incident.status not in _PAGING:
        return False
    return bool(incident.paged or incident.page_at)


def follow(
    group: NotificationGroup, before: Followed, incident: IncidentState | None, severity: Severity
) -> Followed:
    """Return an incident of a group after a change."""
    after = Followed(before.record, incident)
    notice = before.notice
    if notice is not None and notice.pending and after.page_at is None:
        until = max(notice.at, after.paged(group) or notice.at)
        after = _edit(after, notice=notice.model_copy(update={"pending": False, "at": until}))
    return after if severity == after.record.severity else _edit(after, severity=severity)


def news_at(group: NotificationGroup, each: Followed) -> datetime | None:
    """Return from when on the sink is to hear of an incident; None: there is nothing new."""
    if group.wait is None or each.notice is not None:
        return EPOCH if _is_new(group, each) else None
    if not may_page(each.incident):
        return None
    return EPOCH if is_urgent(each) else each.record.entered + timedelta(seconds=group.wait)


def is_firing(each: Followed) -> bool:
    """Whether the sink has heard of an incident that fires, and nobody is on it."""
    return each.notice is not None and each.status == "firing"


def is_urgent(each: Followed) -> bool:
    """Whether an incident became critical, which does not wait for others."""
    is_known = each.notice is not None and each.notice.severity == "critical"
    return each.record.severity == "critical" and each.status in _PAGING and not is_known


def is_dropped(each: Followed) -> bool:
    """Whether an incident has ended before the sink heard of it."""
    return each.status == "resolved" and each.notice is None


def tell(group: NotificationGroup, each: Followed, at: datetime) -> Followed:
    """Return an incident after a notification, which leaves out what nobody is to be paged for."""
    if each.notice is None and not may_page(each.incident):
        return each
    pending = each.status in _PAGING and each.page_at is not None
    notice = Notice(at=at, status=each.status, severity=each.record.severity, pending=pending)
    is_same = notice == _at(each.notice, at) and not _is_new(group, each)
    return each if is_same else _edit(each, notice=notice)


def show(each: Followed, parts: Sequence[Part]) -> ShownIncident:
    """Describe an incident by the series that the sink hears of."""
    member, series = parts[0]
    return ShownIncident(
        incident_id=each.record.incident_id,
        model_id=member.model_id,
        series=series.series,
        kind=series.kind,
        detector=series.detector,
        source=series.source,
        owner=member.owner,
        runbook=member.runbook,
        message=clip(describe(parts), MAX_MESSAGE),
    )


def _is_new(group: NotificationGroup, each: Followed) -> bool:
    notice, paged = each.notice, each.paged(group)
    if each.status in _PAGING and paged is not None:
        if notice is None:  # what was paged before it joined is to page again
            return each.page_at is None or paged >= each.record.entered
        return paged > notice.at or _is_worse(each, notice)
    return notice is not None and each.status in {"acknowledged", "resolved"} - {notice.status}


def _is_worse(each: Followed, notice: Notice) -> bool:
    return each.page_at is None and rank(each.record.severity) > rank(notice.severity)


def _at(notice: Notice | None, at: datetime) -> Notice | None:
    return None if notice is None else notice.model_copy(update={"at": at})


def _edit(each: Followed, **fields: Any) -> Followed:
    return each._replace(record=each.record.model_copy(update=fields))
