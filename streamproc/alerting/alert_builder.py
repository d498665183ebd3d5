"""What an alert says: its identity, and everything that the person on call needs."""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from streamproc.alerting import category_messages, end_messages, messages
from streamproc.alerting.incident import Incident
from streamproc.alerting.level import level_of
from streamproc.decode.event_schema import FeatureType as FeatureKind
from streamproc.decode.event_schema import PredictionForm
from streamproc.decode.layout import Model
from streamproc.decode.type_changes import THRESHOLD
from streamproc.decode.vocabulary import Vocabulary
from streamproc.detectors.series.category_counts import ShareChange
from streamproc.detectors.series.change_points import Change
from streamproc.detectors.series_monitor import Alarm
from streamproc.schemas.alerts import MORE_SEVERE, AlertEvent, ChangePoint, Kind, Severity, Status
from streamproc.schemas.base import Source
from streamproc.schemas.segment_series import in_segment, segment_of
from streamproc.schemas.series import ESTIMATED, JOINT, SQUARED_ERROR
from streamproc.schemas.timestamps import EPOCH

KINDS: dict[str, Kind] = {
    "feature": "data",
    "prediction": "prediction",
    "quality": "quality",
    "error": "concept",
    "metric": "performance",
    JOINT: "data",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The event that an alert comes from; `index` is its place in a record of several."""

    topic: str
    partition: int
    offset: int
    index: int
    ts: float
    model_version: str | None


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
        return messages.finding(label, alarm.reason, before, after)
    return messages.change(label, before, after, spread=change.spread)


ADVICE = {
    "max_series": "raise the limit, spread the models over more partitions, or stop the producer"
    " that makes up names (see streamproc_series_refused)",
    "max_features": "raise the limit, or stop the producer that makes up names",
}


Reached = tuple[str, int, int | None]
"""A limit, its value, and the share of it that one partition has."""


def _limit(reached: Reached, origin: Origin) -> str:
    limit, most, share = reached
    of = "" if share in {None, most} else f", of which this partition's share is {share},"
    place = f"partition {origin.partition} of topic {origin.topic!r}"
    return f"limits.{limit}, {most},{of} is reached on {place}"


def limit_alert(model_id: str, reached: Reached, origin: Origin, now: datetime) -> AlertEvent:
    """Say, once, that a partition has no room for what an event brings; `reached`: the limit."""
    limit = reached[0]
    message = (
        f"{_limit(reached, origin)}: what model {model_id!r} and later ones bring beyond it is not"
        f" watched; {ADVICE[limit]}"
    )
    return _of_limit(("full", limit, model_id), model_id, message, origin, now)


def eviction_alert(model_id: str, reached: Reached, origin: Origin, now: datetime) -> AlertEvent:
    """Say, once, that a partition forgets models to have room for others."""
    message = (
        f"{_limit(reached, origin)}: the models that have been idle longest are forgotten as others"
        f" need their room, the first of them {model_id!r}; one that comes back warms up again;"
        " see streamproc_models_forgotten, and raise the limit if they are still in use"
    )
    return _of_limit(("forgotten", model_id), model_id, message, origin, now)


def _of_limit(
    parts: tuple[str, ...], model_id: str, message: str, origin: Origin, now: datetime
) -> AlertEvent:
    alert_id = identity(parts, origin)
    return AlertEvent(
        alert_id=alert_id,
        incident_id=alert_id,
        status="firing",
        model_id=model_id,
        model_version=origin.model_version,
        kind="system",
        series="features",
        detector="limits",
        severity="critical",
        message=message,
        ts=from_epoch(origin.ts),
        detected_at=now,
        source=Source(topic=origin.topic, partition=origin.partition, offset=origin.offset),
    )


WORDS = {
    FeatureKind.TEXT: "a text",
    FeatureKind.LIST: "a list of numbers",
    FeatureKind.NUMBER: "a number",
}


def type_change_alert(
    model: Model, name: str, kinds: tuple[FeatureKind, FeatureKind], origin: Origin, now: datetime
) -> AlertEvent:
    """Say that a feature is something else from an event on; `kinds`: what it was, and is."""
    alert_id = identity(("retyped", model.id, name, kinds[1].name), origin)
    was, now_is = WORDS[kinds[0]], WORDS[kinds[1]]
    return AlertEvent(
        alert_id=alert_id,
        incident_id=alert_id,
        status="firing",
        model_id=model.id,
        model_version=origin.model_version,
        kind="quality",
        series=f"quality:{name}",
        detector="kind",
        severity=model.config.severity,
        owner=model.config.owner,
        runbook=model.config.runbook,
        message=f"feature {name!r} of model {model.id!r} was {was} and has been {now_is} "
        f"{THRESHOLD}"
        f" times in a row: it is watched as {now_is} from now on, and counts as missing where it"
        f" is {was}",
        ts=from_epoch(origin.ts),
        detected_at=now,
        source=Source(topic=origin.topic, partition=origin.partition, offset=origin.offset),
    )


STATE_GAP: Final = "state_gap"
"""Detector of alerts about state that could not be continued."""


def state_gap(
    place: tuple[str, int], span: tuple[int, int], reason: str, now: datetime, reader: str = ""
) -> AlertEvent:
    """Say that state could not be continued without a gap: `span` is where it was, and goes on.

    `reader` tells apart those who read one log for different ends; empty: the detectors.
    """
    topic, partition = place
    what = (STATE_GAP, str(span[0]), *([reader] if reader else []))
    alert_id = identity(what, Origin(topic, partition, span[1], 0, 0, None))
    return AlertEvent(
        alert_id=alert_id,
        incident_id=alert_id,
        status="firing",
        model_id="*",
        kind="system",
        series="features",
        detector=STATE_GAP,
        severity="critical",
        message=f"partition {partition} of topic {topic!r} goes on at offset {span[1]}: {reason}",
        ts=now,
        detected_at=now,
        source=Source(topic=topic, partition=partition, offset=span[1]),
    )


def uneven_topics(topic: str, reason: str, now: datetime) -> AlertEvent:
    """Say that labels are not joined, since topics differ in their numbers of partitions."""
    alert_id = identity(("uneven_topics", reason), Origin(topic, 0, 0, 0, 0, None))
    return AlertEvent(
        alert_id=alert_id,
        incident_id=alert_id,
        status="firing",
        model_id="*",
        kind="system",
        series="features",
        detector="uneven_topics",
        severity="critical",
        message=f"labels are not joined: {reason}",
        ts=now,
        detected_at=now,
        source=Source(topic=topic, partition=0, offset=0),
    )


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
        "model_version": origin.model_version,
        "kind": KINDS[series.values.partition(":")[0]],
        "series": series.values,
        "segment": series.segment,
        "detector": detector,
        "severity": _severity(status, series, incident),
        "owner": config.owner,
        "runbook": config.runbook,
        "ts": from_epoch(origin.ts),
        "detected_at": now,
        "source": Source(topic=origin.topic, partition=origin.partition, offset=origin.offset),
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
    return "warning" if series.name == ESTIMATED and found == "critical" else found


def _digest(what: str, series: Series, detector: str, origin: Origin) -> str:
    return identity(
        (what, series.model.id, series.name, detector, series.settings.get(detector, "")), origin
    )


def identity(parts: tuple[str, ...], origin: Origin) -> str:
    """Make an id from where an alert comes from, and from nothing else."""
    where = origin.topic, origin.partition, origin.offset, origin.index
    return hashlib.blake2b(msgspec.json.encode((*parts, *where)), digest_size=16).hexdigest()


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


def from_epoch(ts: float) -> datetime:
    """Return the time of a number of seconds since 1970."""
    return EPOCH + timedelta(seconds=ts)
