"""Parse the records of other systems into documents that fields are taken from."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from streamproc.config.intake import SCHEMA_FORMATS, Format
from streamproc.decode.lenient import parse
from streamproc.decode.structs import DECODE_ERRORS, classify_error
from streamproc.intake import oip_proto
from streamproc.intake.connect_schema import names_decimals, with_numbers
from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Frame, SchemaKind, Schemas, decoded, frame_of
from streamproc.schemas.records import Reason, Record

_KINDS: Final[Mapping[Format, SchemaKind]] = {"avro": "AVRO", "protobuf": "PROTOBUF"}
_STRUCTURED: Final = "application/cloudevents+json"
_ATTRIBUTE: Final = frozenset({"ce_", "ce-"})
_CONNECT: Final = frozenset({"schema", "payload"})
_NO_ATTRIBUTES: Final[Mapping[str, Any]] = {}


class Document(Struct, frozen=True):
    """A parsed record.

    Attributes
    ----------
    value
        The payload: what JSON or protobuf gives.
    attributes
        Attributes of a CloudEvent, by their lower-case names.
    record, topic, partition
        The record, and where it was read.
    schemas
        Schemas that records name; None if no registry is configured.
    """

    value: Any
    attributes: Mapping[str, Any]
    record: Record
    topic: str
    partition: int
    schemas: Schemas | None = None

    def header(self, name: str) -> str | None:
        """Return a header as text; names are compared without regard to case."""
        for key, value in self.record.headers or ():
            if key.lower() == name.lower() and value is not None:
                return value.decode("utf-8", "replace")
        return None

    def key(self) -> str | None:
        """Return the key as text: of a schema's record that is JSON.

        Raises
        ------
        IntakeError
            If its schema is unknown, or it does not fit it.
        """
        key = self.record.key
        if self.schemas is not None:
            frame = frame_of(key, self.record.headers, "key")
            if frame is not None:
                value = decoded(frame, self.schemas)
                return value if isinstance(value, str) else msgspec.json.encode(value).decode()
        return (key or b"").decode("utf-8", "replace") or None


def document(
    record: Record, form: Format, topic: str, partition: int, schemas: Schemas | None = None
) -> Document | None:
    """Parse a record; None for a tombstone.

    Parameters
    ----------
    record, topic, partition
        The record, and where it was read.
    form
        The format that the configuration names.
    schemas
        All schemas that the record names; None if no registry is configured.

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
        found = _framed(record, value, form, schemas)
        return Document(found, _NO_ATTRIBUTES, record, topic, partition, schemas)
    except DECODE_ERRORS as error:
        raise IntakeError(*classify_error(error)) from error


def _framed(record: Record, value: bytes, form: Format, schemas: Schemas | None) -> Any:
    """Parse what a registry's serialiser wrote, or JSON without a frame."""
    frame = frame_of(value, record.headers, "value")
    if frame is None:
        if form in SCHEMA_FORMATS:
            detail = (
                f"not {form} of a schema registry: expected a zero byte and a schema id, or a"
                " header that names the schema"
            )
            raise IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)
        found = parse(value)
    elif form == "json_schema" or schemas is None:
        found = _json_in(frame)
    else:
        found = decoded(frame, schemas, _KINDS.get(form))
    if found.__class__ is dict and len(found) == 2 and found.keys() == _CONNECT:
        payload = found["payload"]  # Connect's envelope
        return with_numbers(found["schema"], payload) if names_decimals(value) else payload
    return found


def _json_in(frame: Frame) -> Any:
    """Parse framed JSON, for which no schema is needed."""
    if frame.payload[:1] not in {b"{", b"["}:
        detail = (
            f"framed with {frame.ref}, but not JSON: to read Avro and protobuf, configure"
            " `registry`, which says where the schemas are"
        )
        raise IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)
    return parse(frame.payload)


def _cloudevent(record: Record, value: bytes, topic: str, partition: int) -> Document:
    """Parse a CloudEvent, structured or binary.

    References
    ----------
    CloudEvents 1.0.2, Kafka Protocol Binding and JSON Event Format.
    """
    form, attributes = "", {}
    for written, text in record.headers or ():
        name = written.lower()
        if name[:3] in _ATTRIBUTE and len(name) > len("ce_"):
            attributes[name[3:]] = (text or b"").decode("utf-8", "replace")
        elif name == "content-type":
            form = (text or b"").decode("utf-8", "replace")
    if form.strip('"').lower().startswith(_STRUCTURED):
        event = parse(value)
        if not isinstance(event, dict):
            raise IntakeError(Reason.WRONG_TYPE, "a structured CloudEvent is a JSON object")
        data = event.pop("data", None)
        if data is None and isinstance(text := event.pop("data_base64", None), str):
            data = parse(msgspec.convert(text, bytes))  # base64
        if isinstance(data, str) and "json" in str(event.get("datacontenttype", "json")):
            data = parse(data.encode())
        return Document(data, event, record, topic, partition)
    if "specversion" not in attributes:
        detail = f"expected header ce_specversion or content-type {_STRUCTURED}"
        raise IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, f"not a CloudEvent: {detail}")
    return Document(parse(value), attributes, record, topic, partition)
