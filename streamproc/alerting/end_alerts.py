"""Alerts about a series that fell quiet: settled on another level, or resolved, and why."""

from datetime import datetime
from functools import partial
from typing import Protocol

from streamproc.alerting import end_messages
from streamproc.alerting.alert_builder import Series, common_fields, label_of
from streamproc.alerting.end_messages import Other
from streamproc.alerting.incident import Incident
from streamproc.alerting.level import Level
from streamproc.alerting.messages import SeriesLabel, subject
from streamproc.alerting.origin import Origin
from streamproc.schemas.alerts import AlertEvent, Reason, Status


class _Sentence(Protocol):
    """Says how a series was before its incident, and is."""

    def __call__(
        self, label: SeriesLabel, before: Level, level: Level, *, spread: bool = False
    ) -> str: ...


def settled(
    series: Series,
    incident: Incident,
    level: Level,
    origin: Origin,
    now: datetime,
    *,
    other: Other | None = None,
) -> AlertEvent:
    """Report that a series is quiet on another level than before; its incident stays open.

    `other`: the level is that of before, and this differs.
    """
    sentence: _Sentence = (
        end_messages.settled if other is None else partial(end_messages.only_other, other)
    )
    return _quiet("settled", None, sentence, series, incident, level, origin, now)


def recovered(
    series: Series, incident: Incident, level: Level, origin: Origin, now: datetime
) -> AlertEvent:
    """Resolve the incident of a series that is quiet on the level of before."""
    about = series, incident, level, origin, now
    return _quiet("resolved", "recovered", end_messages.recovered, *about)


def accepted(
    series: Series, incident: Incident, level: Level, origin: Origin, now: datetime
) -> AlertEvent:
    """Resolve the incident of a series that has settled for long enough."""
    about = series, incident, level, origin, now
    return _quiet("resolved", "accepted", end_messages.accepted, *about)


def superseded(series: Series, incident: Incident, origin: Origin, now: datetime) -> AlertEvent:
    """Resolve the incident of a series that another incident continues."""
    message = end_messages.superseded(label_of(series, origin))
    return _ended(series, incident, message, origin, now)


def forgotten(series: Series, incident: Incident, origin: Origin, now: datetime) -> AlertEvent:
    """Resolve the incident of a model that is no longer watched."""
    name = subject(label_of(series, origin))
    message = (
        f"{name} is not watched any more: its model has been idle, and others need its capacity"
    )
    return _ended(series, incident, message, origin, now)


def _quiet(
    status: Status,
    reason: Reason | None,
    sentence: _Sentence,
    series: Series,
    incident: Incident,
    level: Level,
    origin: Origin,
    now: datetime,
) -> AlertEvent:
    label = label_of(series, origin)
    spread = incident.reported is not None and incident.reported.of_spread
    return AlertEvent(
        **common_fields(status, series, incident, incident.detector, origin, now),
        reason=reason,
        message=sentence(label, incident.before, level, spread=spread),
        before=incident.before.summary,
        after=level.summary,
    )


def _ended(
    series: Series, incident: Incident, message: str, origin: Origin, now: datetime
) -> AlertEvent:
    return AlertEvent(
        **common_fields("resolved", series, incident, incident.detector, origin, now),
        reason="superseded",
        message=message,
        before=incident.before.summary,
    )
