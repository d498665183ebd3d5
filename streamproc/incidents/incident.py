"""Change one incident: alerts of its members, commands of people, and the passing of time."""

from datetime import datetime, timedelta
from typing import Any, Final

from streamproc.incidents.members import MemberChange, is_one_shot, rank
from streamproc.incidents.onset import is_shared, overlap
from streamproc.schemas.alerts import MORE_SEVERE, AlertEvent, Reason, Severity
from streamproc.schemas.incidents import (
    Cause,
    ChangedSeries,
    IncidentState,
    IncidentStatus,
    Member,
    Step,
    TimelineEntry,
)

# A record of the topic has to stay below Kafka's default maximum of 1 MB. Members of a full
# incident open another one, so a cause in 1,000 models is five pages.
MAX_MEMBERS: Final = 200
MAX_SERIES: Final = 600
MAX_TIMELINE: Final = 200
_FIRST_STEPS: Final = 50  # of a timeline that is too long, its beginning and its end are retained
MAX_PAGES: Final = 20
MAX_COMMANDS: Final = 50
ONE_SHOT: Final = timedelta(days=1)
_WORST_FIRST: Final[tuple[Reason, ...]] = ("accepted", "superseded")


def open_incident(alert: AlertEvent, at: datetime) -> IncidentState:
    """Return the incident that the first alert of a member opens, without members yet."""
    return IncidentState(
        incident_id=alert.incident_id,
        status="firing",
        severity=alert.severity,
        owner=alert.owner,
        opened=at,
        updated=at,
        members=(),
    )


def edit(incident: IncidentState, **fields: Any) -> IncidentState:
    """Return an incident with other values."""
    return incident.model_copy(update=fields)


def log_step(
    incident: IncidentState, at: datetime, step: Step, **details: str | None
) -> IncidentState:
    """Return an incident with one more entry in its timeline."""
    entry = TimelineEntry(at=at, step=step, **details)
    steps = (*incident.timeline, entry)
    if len(steps) > MAX_TIMELINE:
        steps = (*steps[:_FIRST_STEPS], *steps[_FIRST_STEPS + 1 :])
    return edit(incident, timeline=steps)


def find_member(incident: IncidentState, incident_id: str) -> Member | None:
    """Return the member with the `incident_id` of an alert."""
    return next((each for each in incident.members if each.incident_id == incident_id), None)


def is_full(incident: IncidentState) -> bool:
    """Whether no further member fits into the record of an incident."""
    return (
        len(incident.members) >= MAX_MEMBERS
        or sum(len(each.series) for each in incident.members) >= MAX_SERIES
    )


def is_movable(incident: IncidentState) -> bool:
    """Whether nobody has heard of an incident of one member, so that it may join another."""
    return len(incident.members) == 1 and not incident.paged and not incident.commands


def age_of(incident: IncidentState) -> tuple[datetime, str]:
    """Return what sorts incidents by their age, the oldest first."""
    return incident.opened, incident.incident_id


def dispensability(incident: IncidentState) -> tuple[bool, datetime, str]:
    """Return what sorts incidents by how well one can do without them, the best first."""
    return incident.open, incident.updated, incident.incident_id


def put_member(incident: IncidentState, member: Member) -> IncidentState:
    """Return an incident with a member added or replaced."""
    found = [each.incident_id for each in incident.members]
    at = found.index(member.incident_id) if member.incident_id in found else len(found)
    severity = MORE_SEVERE[member.severity] if incident.escalated else member.severity
    return edit(
        incident,
        members=(*incident.members[:at], member, *incident.members[at + 1 :]),
        severity=max(incident.severity, severity, key=rank),
        owner=incident.owner or member.owner,
    )


def add_cause(incident: IncidentState, series: ChangedSeries) -> IncidentState:
    """Return an incident with the cause that a series is, or that it narrows the onset of."""
    if not is_shared(series.series) or series.onset is None:
        return incident
    for at, cause in enumerate(incident.causes):
        if (cause.series, cause.direction) == (series.series, series.direction):
            common = overlap(cause.onset, series.onset)
            if common is None:
                return incident
            narrowed = cause.model_copy(update={"onset": common})
            return edit(
                incident, causes=(*incident.causes[:at], narrowed, *incident.causes[at + 1 :])
            )
    cause = Cause(series=series.series, direction=series.direction, onset=series.onset)
    return edit(incident, causes=(*incident.causes, cause))


def tie(incident: IncidentState, member: Member, release: Cause | None) -> IncidentState:
    """Return an incident with a release as a cause that a member may have; the same without one."""
    if release is None:
        return incident
    if not any(cause.series == release.series for cause in incident.causes):
        incident = edit(incident, causes=(*incident.causes, release))
    known = find_member(incident, member.incident_id)
    if known is None or known.release is not None:
        return incident
    name = release.series.partition(":")[2]
    return put_member(incident, known.model_copy(update={"release": name}))


def shares_cause(incident: IncidentState, series: ChangedSeries) -> bool:
    """Whether a change of a series may have the cause of an incident."""
    return series.onset is not None and any(
        (cause.series, cause.direction) == (series.series, series.direction)
        and overlap(cause.onset, series.onset) is not None
        for cause in incident.causes
    )


def record_alert(
    incident: IncidentState, alert: AlertEvent, change: MemberChange, at: datetime
) -> IncidentState:
    """Return an incident after an alert of one of its members."""
    joined = find_member(incident, alert.incident_id) is None
    opened = joined and not incident.members
    before = incident
    incident = put_member(incident, change.member)
    if change.fired:
        step: Step = "opened" if opened else "joined" if joined else "fired"
        incident = log_step(incident, at, step, model_id=alert.model_id, text=alert.series)
    elif change.resolved or change.settled:
        step = "resolved" if change.resolved else "settled"
        incident = log_step(incident, at, step, model_id=alert.model_id, text=alert.series)
    # What was accepted was not that: it became worse.
    worse = change.escalated and before.reason == "accepted" and alert.status == "updated"
    if (change.fired or worse) and not before.open:
        incident = edit(incident, ended=None, reason=None, false_alarm=False)
        incident = edit(incident, page_at=None, acknowledgement=None)
        incident = log_step(incident, at, "reopened", text=alert.series)
    return incident


def schedule_page(
    incident: IncidentState, before: IncidentState | None, at: datetime, wait: timedelta
) -> IncidentState:
    """Return an incident that pages after `wait` if it is new, reopened or more severe."""
    reopened = before is None or not before.open
    if not incident.open or not (reopened or rank(incident.severity) > rank(before.severity)):  # type: ignore[union-attr]
        return incident
    return edit(incident, page_at=at + page_wait(incident.severity, wait))


def page_wait(severity: Severity, wait: timedelta) -> timedelta:
    """Return how long a page waits for other members to join."""
    return timedelta() if severity == "critical" else wait


def advance(incident: IncidentState, at: datetime) -> IncidentState:
    """Return an incident at a time: its status, and what was due by then."""
    before = incident.status
    acknowledged = incident.acknowledgement
    if acknowledged is not None and acknowledged.until is not None and acknowledged.until <= at:
        incident = edit(incident, acknowledgement=None)
        if incident.open:
            incident = edit(incident, page_at=acknowledged.until)
            incident = log_step(incident, at, "acknowledgement_ended", by=acknowledged.by)
    incident = _end(incident, at)
    status = _status(incident)
    if status != before and incident.open:
        incident = _log_cover(incident, before, status, at)
    incident = edit(incident, status=status)
    if status == "firing" and incident.page_at is not None and incident.page_at <= at:
        incident = page(incident, at)
    return incident


def page(incident: IncidentState, at: datetime) -> IncidentState:
    """Return an incident that has paged."""
    paged = (*incident.paged, at)[-MAX_PAGES:]
    incident = edit(incident, page_at=None, paged=paged, last_new_page=None)
    return log_step(incident, at, "paged", text=incident.severity)


def _log_cover(
    incident: IncidentState, before: IncidentStatus, status: IncidentStatus, at: datetime
) -> IncidentState:
    """Return an incident with a step for each cover that begins or ends with a new status."""
    covers: tuple[tuple[IncidentStatus, Step, Step, tuple[str, ...]], ...] = (
        ("silenced", "silenced", "unsilenced", incident.silences),
        ("inhibited", "inhibited", "uninhibited", incident.inhibited_by),
    )
    for covered, begin, end, ids in covers:
        if covered in {before, status}:
            step = begin if status == covered else end
            incident = log_step(incident, at, step, text=" ".join(ids) or None)
    return incident


def due(incident: IncidentState) -> datetime | None:
    """Return when an incident changes by itself; None if it does not."""
    times = []
    if incident.acknowledgement is not None and incident.acknowledgement.until is not None:
        times.append(incident.acknowledgement.until)
    if incident.status == "firing" and incident.page_at is not None:
        times.append(incident.page_at)
    if incident.open and is_event(incident):
        times.append(incident.opened + ONE_SHOT)
    return min(times, default=None)


def _end(incident: IncidentState, at: datetime) -> IncidentState:
    if not incident.open:
        return incident
    if not any(member.open for member in incident.members):
        return edit(incident, ended=at, reason=_reason(incident), page_at=None)
    if at >= incident.opened + ONE_SHOT and is_event(incident):
        return log_step(edit(incident, ended=at, reason="expired", page_at=None), at, "expired")
    return incident


def is_event(incident: IncidentState) -> bool:
    """Whether what is open of an incident are events that nothing resolves."""
    return all(is_one_shot(member) or not member.open for member in incident.members)


def _status(incident: IncidentState) -> IncidentStatus:
    if not incident.open:
        return "resolved"
    opened = [series for member in incident.members for series in member.series if series.open]
    if all(series.covered for series in opened):
        return "silenced" if all(series.silences for series in opened) else "inhibited"
    if incident.acknowledgement is not None:
        return "acknowledged"
    # A page that is due comes first.
    quiet = incident.page_at is None and all(series.settled for series in opened)
    return "settled" if quiet else "firing"


def _reason(incident: IncidentState) -> Reason:
    """Return why all series of an incident are resolved: recovered only if each is."""
    reasons = {series.reason for member in incident.members for series in member.series}
    return next((each for each in _WORST_FIRST if each in reasons), "recovered")
