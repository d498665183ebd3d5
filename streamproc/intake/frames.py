"""Read the frames that serialisers of a schema registry put around a payload.

Pure: which schema a record names, and where its payload begins; the schema comes from elsewhere.

References
----------
Confluent, *Formats, Serializers, and Deserializers*, "Wire format"; Apicurio Registry 2.6,
*Configuring Kafka serializers/deserializers*.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from streamproc.intake.errors import IntakeError
from streamproc.schemas.records import Headers, Reason, Record

Part = Literal["key", "value"]
SchemaKind = Literal["AVRO", "PROTOBUF", "JSON"]

_ID_BYTES: Final = 5  # a zero byte, and 4 bytes of id
_LONG_ID_BYTES: Final = 9  # a zero byte, and 8 bytes of id
_GUID_BYTES: Final = 17  # a one byte, and 16 bytes of GUID


class SchemaRef(NamedTuple):
    """How a record names its schema.

    Attributes
    ----------
    kind
        id: of Confluent's API; guid: the same for all registries; global id: Apicurio's.
    name
        A number, or the text of a GUID.
    """

    kind: Literal["id", "guid", "global id"]
    name: str

    def __str__(self) -> str:
        return f"schema {self.kind} {self.name}"


class Frame(NamedTuple):
    """A payload, and the schema that it was written with.

    Attributes
    ----------
    ref
        The schema.
    payload
        What follows the frame.
    indexes
        Where a protobuf message is in its file, if a header says so; else None: the payload begins
        with that.
    encoding
        What Apicurio's header says, in capitals; else BINARY.
    """

    ref: SchemaRef
    payload: bytes
    indexes: bytes | None = None
    encoding: str = "BINARY"


class Schema(NamedTuple):
    """A schema, ready to decode."""

    kind: SchemaKind
    decode: Callable[[Frame], Any]


Schemas = Mapping[SchemaRef, Schema | IntakeError]
"""Schemas by how records name them; an error where the registry has none that can be used."""


def frame_of(data: bytes | None, headers: Headers, part: Part) -> Frame | None:
    """Return the frame of a record's key or value; None if it has none.

    A header counts before a prefix, as in Confluent's and Apicurio's deserialisers. Confluent's ids
    begin at 1, so an id of 0 is the first half of one of Apicurio's 8 bytes.

    Examples
    --------
    >>> frame_of(bytes([0, 0, 0, 0, 7]) + b"abc", (), "value")
    Frame(ref=SchemaRef(kind='id', name='7'), payload=b'abc', indexes=None, encoding='BINARY')
    >>> frame_of(b'{"a": 1}', (), "value") is None
    True
    """
    if not data:
        return None
    if headers:
        found = _of_headers(data, headers, part)
        if found is not None:
            return found
    if data[0] != 0 or len(data) < _ID_BYTES:
        return None
    number = int.from_bytes(data[1:_ID_BYTES], "big")
    if number:
        return Frame(SchemaRef("id", str(number)), data[_ID_BYTES:])
    if len(data) < _LONG_ID_BYTES:
        return None
    number = int.from_bytes(data[1:_LONG_ID_BYTES], "big")
    return Frame(SchemaRef("global id", str(number)), data[_LONG_ID_BYTES:])


def _of_headers(data: bytes, headers: Headers, part: Part) -> Frame | None:
    confluent, apicurio = f"__{part}_schema_id", f"apicurio.{part}."
    named = {name: value for name, value in headers if value is not None}
    found = named.get(confluent)
    if found is not None:
        if len(found) >= _GUID_BYTES and found[0] == 1:
            guid = str(uuid.UUID(bytes=found[1:_GUID_BYTES]))
            return Frame(SchemaRef("guid", guid), data, found[_GUID_BYTES:])
        if len(found) >= _ID_BYTES and found[0] == 0:
            number = int.from_bytes(found[1:_ID_BYTES], "big")
            return Frame(SchemaRef("id", str(number)), data, found[_ID_BYTES:])
        raise IntakeError(Reason.CORRUPT, f"header {confluent} is not a schema id")
    encoding = named.get(f"{apicurio}encoding", b"BINARY").decode("ascii", "replace").upper()
    # Apicurio's API of Confluent's form calls content ids "id".
    if (value := named.get(f"{apicurio}globalId")) is not None:
        return Frame(SchemaRef("global id", _number(value)), data, None, encoding)
    if (value := named.get(f"{apicurio}contentId")) is not None:
        return Frame(SchemaRef("id", _number(value)), data, None, encoding)
    return None


def _number(value: bytes) -> str:
    """Return an id of 8 bytes, or of digits, as some clients write it."""
    text = value.decode("ascii", "replace")
    return text if text.isdigit() else str(int.from_bytes(value, "big"))


def refs_of(record: Record, parts: Sequence[Part]) -> set[SchemaRef]:
    """Return the schemas that parts of a record name."""
    found: set[SchemaRef] = set()
    for part in parts:
        try:
            frame = frame_of(getattr(record, part), record.headers, part)
        except IntakeError:  # it is a dead letter
            continue
        if frame is not None:
            found.add(frame.ref)
    return found


def decoded(frame: Frame, schemas: Schemas, expected: SchemaKind | None = None) -> Any:
    """Return what a payload holds.

    Parameters
    ----------
    frame
        The payload, and its schema.
    schemas
        All schemas that records name.
    expected
        Kind of schema that the configuration allows; None: any.

    Raises
    ------
    IntakeError
        If the registry does not know the schema, or the payload does not fit it.
    """
    schema = schemas[frame.ref]
    if isinstance(schema, IntakeError):
        raise schema
    if expected is not None and schema.kind != expected:
        detail = f"{frame.ref} is {schema.kind}, and `format` is {expected.lower()}"
        raise IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)
    return schema.decode(frame)
