"""What an alert says: its identity, and everything that the person on call needs."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streamproc.alerting import category_messages, end_messages, messages
from streamproc.alerting.incident import Incident
from streamproc.alerting.level import level_of
from streamproc.alerting.origin import Origin, from_epoch, identity, owner_fields
from streamproc.decode.event_schema import PredictionForm
from streamproc.decode.layout import Model
from streamproc.decode.vocabulary import Vocabulary
from streamproc.detectors.series.category_counts import ShareChange
from streamproc.detectors.series.change_points import Change
from streamproc.detectors.series_monitor import Alarm
from streamproc.schemas.alerts import (
    MORE_SEVERE,
    AlertEvent,
    ChangePoint,
    Kind,
    Severity,
    Status,
    Summary,
)
from streamproc.schemas.segment_series import in_segment, segment_of
from streamproc.schemas.series import ESTIMATED, JOINT, SQUARED_ERROR

KINDS: dict[str, Kind] = {
    "feature": "data",
    "prediction": "prediction",
    "quality": "quality",
    "error": "concept",
    "metric": "performance",
    JOINT: "data",
}


@dataclass(frozen=True, slots=True)
class Series:
    """A series, whose it is, the hash of each detector's settings on it, and names of texts."""

    model: Model
    name: str
    settings: dict[str, str]
    texts: Vocabulary

    @property
    def values(self) -> str:
        """Name of the series of all events of which this one is, or is a segment."""
        found = segment_of(self.name)
        return self.name if found is None else found.series

    @property
    def segment(self) -> dict[str, str] | None:
        """The part of the events that it has values of; None: all."""
        found = segment_of(self.name)
        return None if found is None else {found.tag: found.value}

    @property
    def is_loss(self) -> bool:
        """Whether it says how wrong a model is."""
        return self.model.layout.shape.form is PredictionForm.LOSSES


def open_incident(series: Series, alarm: Alarm, origin: Origin) -> Incident:
    """Begin an incident with its first alarm."""
    return Incident(
        id=_digest("incident", series, alarm.detector, origin),
        detector=alarm.detector,
        before=level_of(alarm.change.before, series.texts),
        last_reported=origin.ts,
        alarmed=origin.ts,
    )


def alarm_alert(
    status: Status,
    series: Series,
    incident: Incident,
    alarm: Alarm,
    origin: Origin,
    now: datetime,
    *,
    back: bool = False,
) -> AlertEvent:
    """Say that a series alarmed: `firing` the first time, `updated` from then on.

    `pending` where detectors alarm on a series of dependent values: for your information. `back`:
    the change leads back to the level of before the incident.
    """
    texts = series.texts
    before = level_of(alarm.change.before, texts).summary
    after = level_of(alarm.change.after, texts).summary
    point = _change_point(alarm.change)
    label = label_of(series, origin)
    baseline = series.model.config.baseline
    if back:
        message = end_messages.back(label, incident.before, level_of(alarm.change.after, texts))
    else:
        message = _sentence(series, label, alarm)
    if alarm.reason:
        pass
    elif (
        point is None
        and not back
        and not alarm.restarts
        and baseline is not None
        and baseline.values(series.name)
    ):
        message += messages.FROM_THE_START
    else:
        message += messages.since(label, point.ts if point else None, after.n)
    if status == "firing" and incident.small:
        message += messages.SMALL
    return AlertEvent(
        **common_fields(status, series, incident, alarm.detector, origin, now),
        message=message,
        change_point=point,
        statistic=alarm.statistic,
        threshold=alarm.threshold,
        before=before,
        after=after,
    )


def _sentence(series: Series, label: messages.SeriesLabel, alarm: Alarm) -> str:
    change = alarm.change
    if isinstance(change, ShareChange):
        describe = category_messages.unseen if alarm.reason else category_messages.change
        return f"{messages.subject(label)}: {describe(change, series.texts.name)}"
    before, after = (level_of(each, series.texts).summary for each in (change.before, change.after))
    if alarm.hours:
        return messages.shifted(label, alarm.hours)
    if alarm.reason:
        if alarm.instance is not None:
            value, usual = alarm.instance
            before, after = Summary(n=before.n, mean=usual), Summary(n=after.n, mean=value)
        return messages.finding(label, alarm.reason, before, after)
    return messages.change(label, before, after, spread=change.spread)


def common_fields(
    status: Status,
    series: Series,
    incident: Incident,
    detector: str,
    origin: Origin,
    now: datetime,
) -> dict[str, Any]:
    """Return the fields that all alerts about a series have."""
    config = series.model.config
    return {
        "alert_id": _digest(status, series, detector, origin),
        "incident_id": incident.id,
        "status": status,
        "model_id": series.model.name,
        "kind": KINDS[series.values.partition(":")[0]],
        "series": series.values,
        "segment": series.segment,
        "detector": detector,
        "severity": _severity(status, series, incident),
        **owner_fields(config),
        "model_version": origin.model_version,
        **origin.fields(now),
    }


def severity(status: Status, configured: Severity, *, raised: bool) -> Severity:
    """Give how urgent an alert is: one step more where a second change was found in an incident."""
    if status == "pending":
        return "info"
    return MORE_SEVERE[configured] if raised else configured


def _severity(status: Status, series: Series, incident: Incident) -> Severity:
    """Give how urgent an alert about a series is: an estimate is not critical by itself."""
    if incident.small:
        return "info"
    found = severity(status, series.model.config.severity, raised=incident.raised)
    return "warning" if series.values == ESTIMATED and found == "critical" else found


def _digest(what: str, series: Series, detector: str, origin: Origin) -> str:
    return identity(
        (what, series.model.id, series.name, detector, series.settings.get(detector, "")), origin
    )


def label_of(series: Series, origin: Origin) -> messages.SeriesLabel:
    """Return a series as messages name it."""
    numbers = SQUARED_ERROR in series.model.layout.shape.classes
    name = series.model.name
    return messages.SeriesLabel(
        series.values, name, origin.model_version, numbers, in_segment(series.segment)
    )


def _change_point(change: Change | ShareChange) -> ChangePoint | None:
    if change.offset < 0:
        return None
    ts = from_epoch(change.ts) if math.isfinite(change.ts) else None
    return ChangePoint(ts=ts, offset=change.offset)
