"""Alerts about what producers send: fields that are converted, fields and records not readable."""

from datetime import datetime
from typing import Final

from streamproc.alerting.alert_builder import Origin, from_epoch, identity
from streamproc.config.model import ModelConfig
from streamproc.decode.lenient import Note
from streamproc.decode.structs import FIRST_MS, LAST_MS
from streamproc.decode.unreadable_share import OTHERS, WINDOW, Finding
from streamproc.schemas.alerts import AlertEvent, Severity, Status
from streamproc.schemas.base import Source
from streamproc.schemas.clip import clip_message

UNREADABLE: Final = "unreadable"
"""Detector of the alerts about records that cannot be read."""
UNMAPPED: Final = "unmapped"
"""Detector of the alerts about records of foreign topics that cannot become events."""
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


def unreadable_alert(
    found: Finding, model: ModelConfig, origin: Origin, now: datetime
) -> AlertEvent:
    """Report that most records of a model cannot be read, or that they are read again.

    Parameters
    ----------
    found
        What was counted.
    model
        Settings of the model.
    origin
        The record. A time out of range is replaced by the start of 1970.
    now
        The wall clock.
    """
    of_model = f"of model {found.model!r}"
    if found.model == OTHERS:
        of_model = "without a key, or with a key that few others have,"
    message = _described(
        found,
        f"records {of_model} on partition {origin.partition} of topic {origin.topic!r}",
        f"nothing of them is watched; `streamproc dead-letters --topic {origin.topic}` prints them,"
        " and with --redrive sends them again once the cause is corrected",
    )
    alert = _of_records(found, (found.model, UNREADABLE), message, origin, now)
    return alert.model_copy(update={"owner": model.owner, "runbook": model.runbook})


def unmapped_alert(found: Finding, origin: Origin, now: datetime) -> AlertEvent:
    """Report that most records of a topic of `intake` cannot become events, or that they do again.

    Parameters
    ----------
    found
        What was counted, by the name of the topic.
    origin, now
        The record, and the wall clock.
    """
    message = _described(
        found,
        f"records of topic {origin.topic!r}, which `intake` names,",
        f"`streamproc intake try {origin.topic}` prints what becomes of its records, and"
        f" `streamproc dead-letters --topic {origin.topic} --redrive` sends these again once the"
        " cause is corrected",
    )
    return _of_records(found, (OTHERS, UNMAPPED), message, origin, now)


def _described(found: Finding, records: str, action: str) -> str:
    letter, count = found.letter, found.share.unreadable
    if letter is None:
        return f"{records} can be read again, for {WINDOW} records"
    return (
        f"{count} of {count + found.share.read} {records} cannot be read, the last one because of"
        f" {letter.reason.value} ({letter.detail}): {action}"
    )


def _of_records(
    found: Finding, by: tuple[str, str], message: str, origin: Origin, now: datetime
) -> AlertEvent:
    """Create an alert; `by`: its model and detector."""
    model_id, detector = by
    status: Status = "resolved" if found.letter is None else "firing"
    is_time = FIRST_MS <= origin.ts * 1000 <= LAST_MS
    alert_id = identity((detector, found.model, status), origin)
    return AlertEvent(
        alert_id=alert_id,
        incident_id=found.share.incident or alert_id,
        status=status,
        reason="recovered" if found.letter is None else None,
        model_id=model_id,
        kind="system",
        series="features",
        detector=detector,
        severity="critical",
        message=clip_message(message),
        ts=from_epoch(origin.ts if is_time else 0.0),
        detected_at=now,
        source=Source(topic=origin.topic, partition=origin.partition, offset=origin.offset),
    )
