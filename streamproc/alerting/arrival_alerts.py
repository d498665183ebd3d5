"""Alerts about models that fall silent, or send far more or fewer events than usual."""

from datetime import datetime
from typing import Any, Final

from streamproc.alerting import arrival_messages as messages
from streamproc.alerting.origin import Origin, from_epoch, identity, owner_fields
from streamproc.config.model import ModelConfig
from streamproc.detect.arrival_columns import (
    HOURS,
    LIMIT,
    MEASURED,
    OFFSET,
    SILENCE,
    SILENCE_ACCEPTED,
    SILENCE_BACK,
    SINCE,
    VOLUME_ACCEPTED,
    VOLUME_BACK,
    VOLUME_HIGH,
    VOLUME_LOW,
    WHAT,
)
from streamproc.detect.arrivals import Found
from streamproc.schemas.alerts import AlertEvent, ChangePoint, Kind, Reason, Status, Summary

SERIES: Final = "events"
"""Series of these alerts: the events of a model."""
_MINUTE: Final = 60.0
_SILENCES: Final = frozenset({SILENCE, SILENCE_BACK, SILENCE_ACCEPTED})
_REASONS: Final[dict[int, Reason]] = {
    SILENCE_BACK: "recovered",
    VOLUME_BACK: "recovered",
    SILENCE_ACCEPTED: "accepted",
    VOLUME_ACCEPTED: "accepted",
}


def detector_of(what: int) -> str:
    """Return the detector that finds something: `silence` or `volume`."""
    return "silence" if what in _SILENCES else "volume"


def arrival_alert(
    found: Found, config: ModelConfig, incident_id: str | None, origin: Origin, now: datetime
) -> AlertEvent:
    """Say what was found of the events of a model.

    Parameters
    ----------
    found
        The finding.
    config
        The model's configuration.
    incident_id
        The open incident; None opens one.
    origin
        The event at which it was found; it may be one of another model.
    now
        The wall clock.
    """
    what = int(found.figures[WHAT])
    detector = detector_of(what)
    status: Status = "resolved" if what in _REASONS else "firing"
    alert_id = identity((detector, status, found.model), origin)
    kind: Kind = "silence" if what in _SILENCES else "data"
    return AlertEvent(
        alert_id=alert_id,
        incident_id=incident_id or alert_id,
        status=status,
        reason=_REASONS.get(what),
        model_id=found.model,
        kind=kind,
        series=SERIES,
        detector=detector,
        severity=config.severity,
        **owner_fields(config),
        **origin.fields(now),
        **_content(found.model, what, found.figures),
    )


def superseded(
    model: str, detector: str, config: ModelConfig, incident_id: str, origin: Origin, now: datetime
) -> AlertEvent:
    """Resolve the incident of a model that is no longer watched."""
    return AlertEvent(
        alert_id=identity((detector, "forgotten", model), origin),
        incident_id=incident_id,
        status="resolved",
        reason="superseded",
        model_id=model,
        kind="silence" if detector == "silence" else "data",
        series=SERIES,
        detector=detector,
        severity=config.severity,
        **owner_fields(config),
        message=f"events of model {model!r} are not watched any more: the model has been idle, and"
        " others need its capacity",
        **origin.fields(now),
    )


def _content(model: str, what: int, figures: tuple[float, ...]) -> dict[str, Any]:
    """Return the message, and the figures that belong to it."""
    since = from_epoch(figures[SINCE] * _MINUTE)
    measured, usual, hours = figures[MEASURED], figures[LIMIT], figures[HOURS]
    if what == SILENCE:
        return {
            "message": messages.silent(model, since, measured, usual, hours),
            "change_point": ChangePoint(ts=since, offset=max(int(figures[OFFSET]), 0)),
            "statistic": measured * _MINUTE,
        }
    if what == SILENCE_BACK:
        return {"message": messages.back(model, since, measured)}
    if what == SILENCE_ACCEPTED:
        return {"message": messages.ended(model, since)}
    sentences = {
        VOLUME_BACK: messages.usual_again,
        VOLUME_ACCEPTED: messages.volume_accepted,
    }
    content: dict[str, Any] = {
        "before": Summary(n=round(hours), mean=usual / hours),
        "after": Summary(n=round(hours), mean=measured / hours),
    }
    if what in {VOLUME_LOW, VOLUME_HIGH}:
        content["message"] = messages.volume(model, since, hours, measured, usual)
    else:
        content["message"] = sentences[what](model, hours, measured, usual)
    return content
