"""Alerts about what producers send: fields that were converted, and fields that were unreadable."""

from datetime import datetime
from typing import Final

from streamproc.alerting.alert_builder import Origin, from_epoch, identity
from streamproc.decode.lenient import Note
from streamproc.schemas.alerts import AlertEvent, Severity
from streamproc.schemas.base import Source

_STRICT: Final = "; correct its producer, or set `strict: true` to refuse such events"
_ACTION: Final = {
    "coerced": f"the value is converted, here and in later events{_STRICT}",
    "missing": "this cannot be read, so the field counts as missing, here and in later events"
    + _STRICT,
    "ambiguous": "its first values are all integers, and it is watched as a category; if it is a"
    " number, name it in `models[].numbers`, or send numbers",
}
_SEVERITY: Final[dict[str, Severity]] = {
    "coerced": "info",
    "missing": "warning",
    "ambiguous": "info",
}


def input_alert(model_id: str, note: Note, origin: Origin, now: datetime) -> AlertEvent:
    """Report the first field of a model that was converted, or that could not be read."""
    alert_id = identity(("input", note.kind, model_id), origin)
    return AlertEvent(
        alert_id=alert_id,
        incident_id=alert_id,
        status="firing",
        model_id=model_id,
        model_version=origin.model_version,
        kind="system",
        series="features",
        detector="inputs",
        severity=_SEVERITY[note.kind],
        message=(
            f"{note.field} of model {model_id!r} is sent as {note.found}: {_ACTION[note.kind]}"
        ),
        ts=from_epoch(origin.ts),
        detected_at=now,
        source=Source(topic=origin.topic, partition=origin.partition, offset=origin.offset),
    )
