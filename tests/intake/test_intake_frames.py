"""Which schema a record names is read from its frame, and decides how it is read."""

import uuid
from typing import Any

import pytest
from intake.test_foreign_records import events, mapped

from streamproc.config.load import load
from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Frame, Schema, SchemaRef, frame_of, refs_of
from streamproc.intake.mapper import mappers
from streamproc.monitor import LogRecord
from streamproc.schemas.records import Reason

GUID = "89791762-2336-4186-9674-299b90a802e2"
BY_GUID = b"\x01" + uuid.UUID(GUID).bytes
EIGHT = (258).to_bytes(8, "big")


@pytest.mark.parametrize(
    ("data", "headers", "expected"),
    [
        (b"\0\0\0\x01\x02ab", (), Frame(SchemaRef("id", "258"), b"ab")),
        (b"\0" + EIGHT + b"ab", (), Frame(SchemaRef("global id", "258"), b"ab")),
        (
            b"ab",
            (("__value_schema_id", BY_GUID + b"\x02\x02"),),
            Frame(SchemaRef("guid", GUID), b"ab", b"\x02\x02"),
        ),
        (
            b"ab",
            (("__value_schema_id", b"\0\0\0\x01\x02"),),
            Frame(SchemaRef("id", "258"), b"ab", b""),
        ),
        (
            b"ab",
            (("apicurio.value.globalId", EIGHT), ("apicurio.value.encoding", b"JSON")),
            Frame(SchemaRef("global id", "258"), b"ab", None, "JSON"),
        ),
        (b"ab", (("apicurio.value.contentId", EIGHT),), Frame(SchemaRef("id", "258"), b"ab")),
        (b"ab", (("__key_schema_id", BY_GUID),), None),
        (b'{"a": 1}', (), None),
        (b"\0\0\0", (), None),
        (b"", (), None),
        (None, (), None),
    ],
    ids=[
        *("Confluent", "Apicurio", "GUID", "id in a header", "Apicurio's headers", "content id"),
        *("of the key", "JSON", "short", "empty", "tombstone"),
    ],
)
def test_frames(data: bytes | None, headers: Any, expected: Frame | None) -> None:
    """Prefixes and headers of Confluent and Apicurio are recognised, and JSON has none."""
    assert frame_of(data, headers, "value") == expected


def test_a_broken_header_is_a_dead_letter() -> None:
    """It is named, and asks the registry for nothing."""
    headers = (("__value_schema_id", b"\x01\x02"),)
    with pytest.raises(IntakeError, match="header __value_schema_id is not a schema id"):
        frame_of(b"ab", headers, "value")
    assert refs_of(LogRecord(0, b"ab", headers=headers), ("value",)) == set()


@pytest.mark.parametrize("frame", [b"\0\0\0\x01\x02", b"\0" + EIGHT], ids=["4 bytes", "8 bytes"])
def test_json_is_read_without_a_registry(frame: bytes) -> None:
    """A schema id before JSON is skipped."""
    value = frame + b'{"y": 0.5}'
    for form in ("json", "json_schema"):
        [(_, event)] = events({"format": form, "map": {"prediction": "y"}}, value)
        assert event["prediction"] == 0.5


REGISTRY = {"url": "http://registry:8081"}
VALUE, KEY = SchemaRef("id", "7"), SchemaRef("id", "8")


def map_framed(form: str, schemas: Any, value: bytes = b"\0\0\0\0\x07body", **more: Any) -> Any:
    """Map a framed record with schemas that a test makes up."""
    entry = {"from": {"topics": ["t"]}, "format": form, "map": {"prediction": "y"} | more}
    mapper = mappers(load({"registry": REGISTRY, "intake": [entry]}))("t")
    assert mapper is not None
    record = LogRecord(0, value, key=b"\0\0\0\0\x08key")
    return mapper.schemas_of([record]), lambda: mapper.map(record, "t", 0, schemas).events[0].body


def test_with_a_registry_the_schema_says_what_a_record_is() -> None:
    """`format: json` reads every type; the others refuse what is of another one."""
    schemas = {VALUE: Schema("AVRO", lambda frame: {"y": len(frame.payload)})}
    needed, result = map_framed("json", schemas)
    assert needed == {VALUE}
    assert b'"prediction":4' in result()
    assert b'"prediction":4' in map_framed("avro", schemas)[1]()
    with pytest.raises(IntakeError, match="schema id 7 is AVRO, and `format` is protobuf"):
        map_framed("protobuf", schemas)[1]()
    assert map_framed("json_schema", schemas)[0] == set()


def test_what_the_registry_does_not_know_is_a_dead_letter() -> None:
    """The record gets the reason that the registry gave."""
    unknown = IntakeError(Reason.UNKNOWN_SCHEMA, "the registry does not know schema id 7")
    with pytest.raises(IntakeError, match="does not know schema id 7") as caught:
        map_framed("json", {VALUE: unknown})[1]()
    assert caught.value.reason == Reason.UNKNOWN_SCHEMA


def test_avro_without_a_frame_is_a_dead_letter() -> None:
    """Nobody can say what it was written with."""
    with pytest.raises(IntakeError, match="not avro of a schema registry: expected a zero byte"):
        map_framed("avro", {}, b"\x02a")[1]()


@pytest.mark.parametrize(
    ("key", "expected"), [("k1", b'"model_id":"k1"'), ({"id": 5}, b'"model_id":"5"')]
)
def test_framed_keys_are_read(key: Any, expected: bytes) -> None:
    """A key of a schema is its text, or JSON that the regular expression searches."""
    schemas = {
        VALUE: Schema("JSON", lambda _: {"y": 1}),
        KEY: Schema("AVRO", lambda _: key),
    }
    needed, result = map_framed("json", schemas, model_id={"key": r"k\d|\d+"})
    assert needed == {VALUE, KEY}
    assert expected in result()


def test_without_a_registry_the_reason_says_what_to_configure() -> None:
    """The operator reads the next step in the dead letter."""
    with pytest.raises(IntakeError, match=r"schema id 258, but not JSON: .* configure `registry`"):
        mapped({"preset": "connect"}, b"\0\0\0\x01\x02\x08\x02a")
