"""Alerts about what producers send: fields that are converted, fields and records not readable."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from streamproc.alerting.origin import Origin, identity, owner_fields
from streamproc.alerting.system_alerts import system_alert
from streamproc.config.model import ModelConfig
from streamproc.decode.event_schema import FeatureType as FeatureKind
from streamproc.decode.layout import Model
from streamproc.decode.lenient import Note
from streamproc.decode.structs import FIRST_MS, LAST_MS
from streamproc.decode.type_changes import THRESHOLD
from streamproc.decode.unreadable_share import OTHERS, WINDOW, Finding
from streamproc.schemas.alerts import AlertEvent, Severity, Status
from streamproc.schemas.clip import clip_message

UNREADABLE: Final = "unreadable"
"""Detector of the alerts about records that cannot be read."""
UNREADABLE_LABELS: Final = "unreadable_labels"
"""Detector of the alerts about labels that cannot be read."""
UNMAPPED: Final = "unmapped"
"""Detector of the alerts about records of foreign topics that cannot become events."""
_DIGIT: Final = re.compile(r"\d")
_STRICT: Final = "; correct its producer, or set `strict: true` to refuse such events"
_ACTION: Final = {
    "coerced": f"the value is converted, here and in later events{_STRICT}",
    "missing": "this cannot be read, so the field counts as missing, here and in later events"
    + _STRICT,
    "ambiguous": "its first values are all integers, and it is watched as a category; if it is a"
    " number, name it in `models[].numbers`, or send numbers",
    "foreign": "it looks like a number in a notation that is not converted, and is watched as a"
    " category, which does not show how large it is: send numbers, with a point and no unit",
    "mixed": "most of its first values are numbers and some are words, and it is watched as a"
    " category, which does not show how large it is; if it is a number, name it in"
    " `models[].numbers`, or send null for the words",
}
_SEVERITY: Final[dict[str, Severity]] = {
    "coerced": "info",
    "missing": "warning",
    "ambiguous": "info",
    "foreign": "info",
    "mixed": "info",
}
_WORDS: Final = {
    FeatureKind.TEXT: "a text",
    FeatureKind.LIST: "a list of numbers",
    FeatureKind.NUMBER: "a number",
}


def input_alert(model_id: str, note: Note, origin: Origin, now: datetime) -> AlertEvent:
    """Report the first field of a model that was converted, or that could not be read."""
    alert_id = identity(("input", note.kind, model_id), origin)
    # The notation, and not the value, which may have to be redacted.
    found = (
        f"text such as {_DIGIT.sub('9', note.found)!r}" if note.kind == "foreign" else note.found
    )
    message = f"{note.field} of model {model_id!r} is sent as {found}: {_ACTION[note.kind]}"
    of = {"model_id": model_id, "model_version": origin.model_version}
    severity = _SEVERITY[note.kind]
    return system_alert("inputs", alert_id, message, origin, now, severity=severity, **of)


def type_change_alert(
    model: Model, name: str, kinds: tuple[FeatureKind, FeatureKind], origin: Origin, now: datetime
) -> AlertEvent:
    """Report that a feature is something else from an event on; `kinds`: what it was, and is."""
    alert_id = identity(("retyped", model.id, name, kinds[1].name), origin)
    was, now_is = _WORDS[kinds[0]], _WORDS[kinds[1]]
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
        **owner_fields(model.config),
        message=f"feature {name!r} of model {model.id!r} was {was} and has been {now_is} "
        f"{THRESHOLD}"
        f" times in a row: it is watched as {now_is} from now on, and counts as missing where it"
        f" is {was}",
        **origin.fields(now),
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
    message = _described(found, _of_key(found, origin), _redrive("nothing of them", origin))
    alert = _of_records(found, (found.model, UNREADABLE), message, origin, now)
    return alert.model_copy(update=dict(owner_fields(model)))


def unreadable_labels_alert(
    found: Finding, model: ModelConfig, origin: Origin, now: datetime
) -> AlertEvent:
    """Report that most labels of a model cannot be read, or that they are read again.

    Parameters
    ----------
    found, model, origin, now
        As of `unreadable_alert`.
    """
    message = _described(found, _of_key(found, origin), _redrive("no error of them", origin))
    alert = _of_records(found, (found.model, UNREADABLE_LABELS), message, origin, now)
    return alert.model_copy(update={"series": "error", **owner_fields(model)})


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


def _of_key(found: Finding, origin: Origin) -> str:
    of_model = f"of model {found.model!r}"
    if found.model == OTHERS:
        of_model = "without a key, or with a key that few others have,"
    return f"records {of_model} on partition {origin.partition} of topic {origin.topic!r}"


def _redrive(unwatched: str, origin: Origin) -> str:
    return (
        f"{unwatched} is watched; `streamproc dead-letters --topic {origin.topic}` prints them,"
        " and with --redrive sends them again once the cause is corrected"
    )


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
    resolved = found.letter is None
    status: Status = "resolved" if resolved else "firing"
    alert_id = identity((detector, found.model, status), origin)
    if not FIRST_MS <= origin.ts * 1000 <= LAST_MS:
        origin = replace(origin, ts=0.0)
    return system_alert(
        detector,
        alert_id,
        clip_message(message),
        origin,
        now,
        incident_id=found.share.incident or alert_id,
        status=status,
        reason="recovered" if resolved else None,
        model_id=model_id,
    )
