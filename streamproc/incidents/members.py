"""Fold the alerts of one model's incident into its member record."""

from typing import Final, NamedTuple, get_args

from streamproc.config.matchers import labels_of_series
from streamproc.incidents.onset import direction_of, onset_of
from streamproc.schemas.alerts import AlertEvent, Severity
from streamproc.schemas.clip import clip
from streamproc.schemas.incidents import ChangedSeries, Member
from streamproc.schemas.silences import Subject

# A record of the topic has to stay below Kafka's default maximum of 1 MB.
MAX_SERIES: Final = 200
DETAILED: Final = 20
MAX_NAME: Final = 200
MAX_MESSAGE: Final = 1000
# Their alerts stand alone as well, but another one resolves them.
_RESOLVED_ALONE: Final = {"labels_not_joined", "silence", "volume", "warm_up"}

_RANKS: Final = {severity: rank for rank, severity in enumerate(get_args(Severity))}


class MemberChange(NamedTuple):
    """A member after an alert.

    `fired` and `resolved` tell whether the alert opened or closed its series, `settled` whether it
    is quiet on another level, `escalated` whether it is more severe than those before; `stale` that
    an equal or a later alert of the series was applied before, so that nothing changed.
    """

    member: Member
    fired: bool = False
    escalated: bool = False
    settled: bool = False
    resolved: bool = False
    stale: bool = False


def rank(severity: Severity) -> int:
    """Return a number that is larger for what is more severe."""
    return _RANKS[severity]


def name_of(alert: AlertEvent) -> str:
    """Return the name of an alert's series within its member; there may be one for a segment."""
    return clip(alert.series, MAX_NAME)


def new_member(alert: AlertEvent) -> Member:
    """Return the member of an incident's first alert, without series yet."""
    return Member(
        incident_id=alert.incident_id,
        model_id=alert.model_id,
        model_version=alert.model_version,
        kind=alert.kind,
        severity=alert.severity,
        owner=alert.owner,
        runbook=alert.runbook,
        series=(),
    )


def apply_alert(member: Member, alert: AlertEvent) -> MemberChange:
    """Apply an alert to its member.

    Within a series of an incident the alert with the largest offset counts, in whatever order
    they come and however often: a worker that restarts publishes alerts again.
    """
    name = name_of(alert)
    known = ((each.series, each.segment) for each in member.series)
    position = next((at for at, each in enumerate(known) if each == (name, alert.segment)), None)
    if position is None:
        if alert.status == "resolved" or len(member.series) >= MAX_SERIES:
            return MemberChange(member, stale=True)
        first = _first(name, alert, detailed=len(member.series) < DETAILED)
        return MemberChange(_with(member, len(member.series), first, alert), fired=True)
    before = member.series[position]
    if _is_stale(before, alert):
        return MemberChange(member, stale=True)
    after = _next(before, alert)
    return MemberChange(
        _with(member, position, after, alert),
        fired=after.open and not before.open,
        escalated=after.severity != before.severity,
        settled=after.settled and not before.settled,
        resolved=before.open and not after.open,
    )


def subject_of(member: Member, series: ChangedSeries, incident_id: str) -> Subject:
    """Return what silences look at for a series of a member."""
    return Subject(
        *(member.model_id, series.series, member.owner, series.kind, series.severity, incident_id)
    )


def labels_of(member: Member, series: ChangedSeries) -> dict[str, str]:
    """Return what matchers look at for a series of a member."""
    return labels_of_series(
        model=member.model_id,
        owner=member.owner,
        severity=series.severity,
        kind=series.kind,
        detector=series.detector,
        series=series.series,
    )


def is_one_shot(member: Member) -> bool:
    """Whether a member is an event that nothing resolves: its alert stands alone."""
    return all(
        each.alert_ids[0] == member.incident_id and each.detector not in _RESOLVED_ALONE
        for each in member.series
    )


def _is_stale(series: ChangedSeries, alert: AlertEvent) -> bool:
    offset = series.source.offset
    # A record may hold several events, and so give several alerts of a series.
    return alert.source.offset < offset or (
        alert.source.offset == offset and alert.alert_id in series.alert_ids
    )


def _next(series: ChangedSeries, alert: AlertEvent) -> ChangedSeries:
    same_record = alert.source.offset == series.source.offset
    return series.model_copy(
        update={
            "open": alert.status != "resolved",
            "settled": alert.status == "settled",
            "reason": alert.reason,
            "severity": max(series.severity, alert.severity, key=rank),
            "alert_ids": (*(series.alert_ids if same_record else ()), alert.alert_id),
            "source": alert.source,
        }
    )


def _first(name: str, alert: AlertEvent, *, detailed: bool) -> ChangedSeries:
    return ChangedSeries(
        series=name,
        segment=alert.segment,
        open=True,
        settled=alert.status == "settled",
        direction=direction_of(alert),
        kind=alert.kind,
        detector=alert.detector,
        severity=alert.severity,
        alert_ids=(alert.alert_id,),
        source=alert.source,
        onset=onset_of(alert),
        message=clip(alert.message, MAX_MESSAGE) if detailed else None,
        before=alert.before if detailed else None,
        after=alert.after if detailed else None,
    )


def _with(member: Member, position: int, series: ChangedSeries, alert: AlertEvent) -> Member:
    return member.model_copy(
        update={
            "series": (*member.series[:position], series, *member.series[position + 1 :]),
            "severity": max(member.severity, alert.severity, key=rank),
            "contributors": tuple(alert.contributors or ()) or member.contributors,
        }
    )
