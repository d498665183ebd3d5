"""Parse the records of other systems into documents that fields are taken from."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from streamproc.config.intake import Format
from streamproc.decode.lenient import parse
from streamproc.decode.structs import DECODE_ERRORS, classify_error
from streamproc.intake import oip_proto
from streamproc.schemas.records import Reason, Record

_FRAME_BYTES: Final = 5  # Confluent's: a zero byte and the schema's id
_STRUCTURED: Final = "application/cloudevents+json"
_ATTRIBUTE: Final = re.compile(r"ce[_-](.+)", re.IGNORECASE)
_NO_ATTRIBUTES: Final[Mapping[str, Any]] = {}


class IntakeError(Exception):
    """A record cannot become events; `args` are the reason and the detail of its dead letter."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


class Document(NamedTuple):
    """A parsed record.

    Attributes
    ----------
    value
        The payload: what JSON or protobuf gives.
    attributes
        Attributes of a CloudEvent, by their lower-case names.
    record, topic, partition
        The record, and where it was read.
    """

    value: Any
    attributes: Mapping[str, Any]
    record: Record
    topic: str
    partition: int

    def header(self, name: str) -> str | None:
        """Return a header as text; names are compared without regard to case."""
        for key, value in self.record.headers or ():
            if key.lower() == name.lower() and value is not None:
                return value.decode("utf-8", "replace")
        return None


def document(record: Record, form: Format, topic: str, partition: int) -> Document | None:
    """Parse a record; None for a tombstone.

    Raises
    ------
    IntakeError
        If it cannot be parsed.
    """
    value = record.value
    if value is None or not value:
        return None
    try:
        if form == "cloudevents":
            return _cloudevent(record, value, topic, partition)
        if form == "oip-proto":
            is_response = topic.endswith((".outputs", "-output"))
            parsed = oip_proto.decode(value, response=is_response)
            return Document(parsed, _NO_ATTRIBUTES, record, topic, partition)
        return Document(_json(value), _NO_ATTRIBUTES, record, topic, partition)
    except DECODE_ERRORS as error:
        raise IntakeError(*classify_error(error)) from error


def _json(value: bytes) -> Any:
    """Parse JSON, also with Confluent's frame, and without Connect's envelope."""
    if value[0] == 0 and len(value) > _FRAME_BYTES:
        if value[_FRAME_BYTES : _FRAME_BYTES + 1] not in {b"{", b"["}:
            detail = (
                f"framed with schema id {int.from_bytes(value[1:5], 'big')}, but not JSON; Avro and"
                " protobuf of a schema registry are not supported"
            )
            raise IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)
        value = value[_FRAME_BYTES:]
    found = parse(value)
    if isinstance(found, dict) and found.keys() == {"schema", "payload"}:
        return found["payload"]
    return found


def _cloudevent(record: Record, value: bytes, topic: str, partition: int) -> Document:
    """Parse a CloudEvent, structured or binary.

    References
    ----------
    CloudEvents 1.0.2, Kafka Protocol Binding and JSON Event Format.
    """
    headers = {
        name.lower(): (text or b"").decode("utf-8", "replace")
        for name, text in record.headers or ()
    }
    if headers.get("content-type", "").strip('"').lower().startswith(_STRUCTURED):
        event = parse(value)
        if not isinstance(event, dict):
            raise IntakeError(Reason.WRONG_TYPE, "a structured CloudEvent is a JSON object")
        data = event.pop("data", None)
        if data is None and isinstance(text := event.pop("data_base64", None), str):
            data = parse(msgspec.convert(text, bytes))  # base64
        if isinstance(data, str) and "json" in str(event.get("datacontenttype", "json")):
            data = parse(data.encode())
        return Document(data, event, record, topic, partition)
    attributes = {
        found[1]: text for name, text in headers.items() if (found := _ATTRIBUTE.fullmatch(name))
    }
    if "specversion" not in attributes:
        detail = f"expected header ce_specversion or content-type {_STRUCTURED}"
        raise IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, f"not a CloudEvent: {detail}")
    return Document(parse(value), attributes, record, topic, partition)
