"""Open incidents to the records of a snapshot, and back."""

import math

from streamproc.alerting.incident import HeldAlert, Incident, Reported
from streamproc.alerting.level import Level
from streamproc.schemas.alerts import AlertEvent
from streamproc.state.snapshot_format import (
    HeldRecord,
    IncidentRecord,
    LevelRecord,
    ReportedRecord,
)


def encode_incident(key: tuple[str, str], incident: Incident, *, pending: bool) -> IncidentRecord:
    """Return the record of an incident of a (model, series)."""
    before, reported, held = incident.before, incident.reported, incident.held
    return IncidentRecord(
        *(*key, incident.id, incident.detector, (before.n, before.mean, before.std)),
        last_alert=incident.last_reported,
        raised=incident.raised,
        pending=pending,
        alarmed=incident.alarmed,
        shares=None if before.shares is None else dict(before.shares),
        reported=None if reported is None else _encode_reported(reported),
        held=None if held is None else _encode_held(held),
        base=_encode_level(incident.base),
        compared=incident.compared,
        settled=_encode_level(incident.settled),
        settled_at=None if incident.settled is None else incident.settled_at,
        small=incident.small,
        profile=incident.profile,
        scattered=incident.scattered,
        finer=incident.finer,
    )


def decode_incident(record: IncidentRecord) -> Incident:
    """Return the incident of a record; one of an earlier version has reported nothing.

    Raises
    ------
    ValueError
        If the alert that waits is not one.
    """
    reported, held = record.reported, record.held
    return Incident(
        id=record.id,
        detector=record.detector,
        before=Level(*record.before, record.shares),
        last_reported=record.last_alert,
        raised=record.raised,
        alarmed=record.last_alert if record.alarmed is None else record.alarmed,
        reported=None
        if reported is None
        else Reported(
            *(reported.low, reported.high, reported.spread, Level(*reported.farthest)),
            of_spread=reported.of_spread,
        ),
        held=None
        if held is None
        else HeldAlert(
            *(AlertEvent.from_json(held.alert), Level(*held.level), held.count),
            finding=held.finding,
            back=held.back,
        ),
        base=_decode_level(record.base),
        compared=record.compared,
        settled=_decode_level(record.settled),
        settled_at=math.inf if record.settled_at is None else record.settled_at,
        small=record.small,
        profile=record.profile,
        scattered=record.scattered,
        finer=record.finer,
    )


def _encode_reported(reported: Reported) -> ReportedRecord:
    numbers = reported.low, reported.high, reported.spread
    return ReportedRecord(*numbers, _record_of(reported.farthest), reported.of_spread)


def _encode_held(held: HeldAlert) -> HeldRecord:
    alert = held.alert.to_json().decode()
    return HeldRecord(alert, _record_of(held.level), held.count, held.finding, held.back)


def _record_of(level: Level) -> LevelRecord:
    shares = None if level.shares is None else dict(level.shares)
    return level.n, level.mean, level.std, shares


def _encode_level(level: Level | None) -> LevelRecord | None:
    return None if level is None else _record_of(level)


def _decode_level(record: LevelRecord | None) -> Level | None:
    return None if record is None else Level(*record)
