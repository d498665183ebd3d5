"""Describe the messages of an AsyncAPI document: payloads, headers and keys."""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

import msgspec

from streamproc.config.config import TopicKind
from streamproc.config.json_schema import event_definitions
from streamproc.control.command import Command
from streamproc.incidents.records import POSITION_HEADER, POSITION_KEY, Position
from streamproc.schemas.alert_marks import INHIBITED_HEADER, MAX_IDS, SILENCED_HEADER
from streamproc.schemas.content_types import ARROW_FILE, ARROW_STREAM, JSON, NDJSON
from streamproc.schemas.deployments import DEPLOYMENT_KEY
from streamproc.schemas.notification_groups import GROUP_KEY
from streamproc.schemas.ordering_header import AFTER_HEADER
from streamproc.schemas.outcomes import (
    COMMAND_HEADER,
    EPOCH_HEADER,
    GROUP_HEADER,
    WRITER_HEADER,
)
from streamproc.schemas.records import Reason
from streamproc.schemas.silences import SILENCE_KEY

Schema = dict[str, Any]
_REFERENCE: Final = "#/components/schemas/{model}"
_DIGITS: Final[Schema] = {"type": "string", "pattern": "^[0-9]+$"}
_MODEL_KEY: Final[Schema] = {"type": "string", "description": "The `model_id`."}


class Message(NamedTuple):
    """A message of a topic; `payload` is a schema or the name of one."""

    name: str
    summary: str
    payload: str | Schema
    key: Schema | None = _MODEL_KEY
    headers: dict[str, Schema] | None = None
    required: tuple[str, ...] = ()
    content_type: str | None = None


def _text(description: str, **constraints: Any) -> Schema:
    return {"type": "string", "description": description, **constraints}


def _batch(event: str) -> Schema:
    """Describe a record of several events."""
    reference = {"$ref": _REFERENCE.format(model=event)}
    return {"type": "array", "minItems": 1, "items": reference}


_FORM: Final[dict[str, Schema]] = {
    "content-type": _text(
        "Form of the value; without it JSON. `application/x-ndjson` has an event in each line, a"
        " stream or file of Arrow one in each row.",
        enum=[JSON, NDJSON, ARROW_STREAM, ARROW_FILE],
    )
}
_ORDER: Final[dict[str, Schema]] = {
    **_FORM,
    AFTER_HEADER: _text(
        "Timestamp of the record, and how many events of its model the producer wrote in that"
        " millisecond before it: orders a label among events of the same time.",
        pattern="^[0-9]+:[0-9]{1,9}$",
    ),
}
_MARK: Final[dict[str, Schema]] = {
    EPOCH_HEADER: _DIGITS | {"description": "Number of the ownership that begins."},
    WRITER_HEADER: _text("The worker that begins it."),
    GROUP_HEADER: _text("Its consumer group."),
}
_POSITION: Final[dict[str, Schema]] = {
    POSITION_HEADER: _DIGITS | {"description": "Number of the last record of the incident log."}
}
_LETTER: Final[dict[str, Schema]] = {
    "reason": _text("Why.", enum=[reason.value for reason in Reason]),
    "detail": _text("Which field, and what was expected."),
    "topic": _text("Where the record was read."),
    "partition": _DIGITS,
    "offset": _DIGITS,
    "timestamp": _DIGITS | {"description": "Of the record, in milliseconds since 1970."},
    "index": _DIGITS | {"description": "Place of the event in a record of several."},
    "omitted": _text("Set if the value exceeds this topic's limit and is left out."),
}
_MUTED: Final[dict[str, Schema]] = {
    SILENCED_HEADER: _text(
        f"Ids of the silences that cover the alert, with commas between them, {MAX_IDS} at most;"
        " without it none was known at publication."
    ),
    INHIBITED_HEADER: _text("Ids of the open incidents that hide its series, likewise."),
}
_BOOK_KEY: Final = _text("The incident's id.")

MESSAGES: Final[dict[TopicKind, tuple[Message, ...]]] = {
    "predictions": (
        Message("PredictionEvent", "One prediction.", "PredictionEvent", headers=_FORM),
        Message("PredictionBatch", "Several.", _batch("PredictionEvent"), headers=_FORM),
    ),
    "features": (
        Message("FeatureEvent", "Features without a prediction.", "FeatureEvent", headers=_FORM),
        Message("FeatureBatch", "Several.", _batch("FeatureEvent"), headers=_FORM),
    ),
    "labels": (
        Message("LabelEvent", "The truth of an event.", "LabelEvent", headers=_ORDER),
        Message("LabelBatch", "Several.", _batch("LabelEvent"), headers=_ORDER),
    ),
    "outcomes": (
        Message("OutcomeEvent", "An event, and its label once it is known.", "OutcomeEvent"),
        Message(
            "OutcomeMark",
            "A new owner of the partition begins to write.",
            {"type": "string", "maxLength": 0},
            key=None,
            headers=_MARK,
            required=(EPOCH_HEADER, WRITER_HEADER),
            content_type="text/plain",
        ),
        Message(
            "OutcomeCommand",
            "A verified command for an online model, at its place in the order of the outcomes.",
            {"type": "object"},
            headers={COMMAND_HEADER: {"type": "string", "const": "1"}},
            required=(COMMAND_HEADER,),
        ),
    ),
    "alerts": (Message("AlertEvent", "What was found.", "AlertEvent", headers=_MUTED),),
    "model_updates": (Message("ModelUpdate", "A step of an online model.", "ModelUpdate"),),
    "online_predictions": (
        Message("OnlinePrediction", "An online model's answer.", "OnlinePrediction"),
    ),
    "control": (
        Message(
            "Command",
            "HMAC-SHA-256 of topic and command in hexadecimal, a newline, and the command as JSON"
            " (`components/schemas/Command`).",
            _text("Signature, newline, command.", pattern="^[0-9a-f]{64}\n[{]"),
            key=None,
            content_type="text/plain",
        ),
    ),
    "dead_letters": (
        Message(
            "DeadLetter",
            "The bytes of the record, or of one event of it, as they came.",
            {"description": "Any bytes."},
            key={"description": "As it came."},
            headers=_LETTER,
            required=("reason", "detail", "topic", "partition", "offset", "timestamp"),
            content_type="application/octet-stream",
        ),
    ),
    "incidents": (
        Message(
            "IncidentState",
            "An incident across models; without a value it is removed.",
            "IncidentState",
            key=_BOOK_KEY,
            headers=_POSITION,
            required=(POSITION_HEADER,),
        ),
        Message(
            "Silence",
            "A silence; without a value it is removed.",
            "Silence",
            key=_text("The silence's id.", pattern=f"^{SILENCE_KEY}"),
            headers=_POSITION,
            required=(POSITION_HEADER,),
        ),
        Message(
            "Deployment",
            "A version of a model that began to answer; without a value it is removed.",
            "Deployment",
            key=_text("The deployment's id.", pattern=f"^{DEPLOYMENT_KEY}"),
            headers=_POSITION,
            required=(POSITION_HEADER,),
        ),
        Message(
            "NotificationGroup",
            "Incidents that a sink hears of at once; without a value it is removed.",
            "NotificationGroup",
            key=_text("The group's id.", pattern=f"^{GROUP_KEY}[^/]*$"),
            headers=_POSITION,
            required=(POSITION_HEADER,),
        ),
        Message(
            "GroupedIncident",
            "Where an incident of a group stands; without a value it is removed.",
            "GroupedIncident",
            key=_text("The ids of group and incident.", pattern=f"^{GROUP_KEY}[^/]*/"),
            headers=_POSITION,
            required=(POSITION_HEADER,),
        ),
        Message(
            "Position",
            "End of a batch: the topic is complete up to this position of the incident log.",
            "Position",
            key={"type": "string", "const": POSITION_KEY},
            headers=_POSITION,
            required=(POSITION_HEADER,),
        ),
    ),
}
"""Messages by the topic that has them."""


def messages(kinds: Collection[TopicKind]) -> dict[str, Any]:
    """Describe the messages of these topics, by name."""
    return {message.name: _described(message) for kind in kinds for message in MESSAGES[kind]}


def _described(message: Message) -> dict[str, Any]:
    payload = message.payload
    found: dict[str, Any] = {
        "summary": message.summary,
        "payload": (
            {"$ref": _REFERENCE.format(model=payload)} if isinstance(payload, str) else payload
        ),
    }
    if message.content_type is not None:
        found["contentType"] = message.content_type
    if message.headers:
        found["headers"] = {"type": "object", "properties": message.headers}
        if message.required:
            found["headers"]["required"] = list(message.required)
    if message.key is not None:
        found["bindings"] = {"kafka": {"key": message.key, "bindingVersion": "0.5.0"}}
    return found


def schemas() -> dict[str, Any]:
    """Describe events, what they consist of, commands and positions, by name."""
    _, others = msgspec.json.schema_components([Command, Position], ref_template=_OTHER)
    found = {**event_definitions(_REFERENCE), **others}
    return {name: _draft_07(found[name]) for name in sorted(found)}


_OTHER: Final = _REFERENCE.format(model="{name}")


def _draft_07(schema: Any) -> Any:
    """Write a schema of draft 2020-12 in draft 07, the one that AsyncAPI extends.

    Tuples are called `items` there, and siblings of a reference do not count.
    """
    if isinstance(schema, list):
        return [_draft_07(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _draft_07(value) for key, value in schema.items()}
    if "prefixItems" in found:
        found["items"] = found.pop("prefixItems")
    if "$ref" in found and len(found) > 1:
        found["allOf"] = [{"$ref": found.pop("$ref")}]
    return found
