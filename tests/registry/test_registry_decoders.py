"""What the reference serialisers wrote is decoded to what they were given."""

import base64
import io
import json
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from apicurio.serialised import AVRO, message_class, score_file, serialiser
from confluent_kafka.schema_registry import (
    MessageField,
    SchemaRegistryClient,
    SerializationContext,
    header_schema_id_serializer,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)

from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Frame, SchemaRef, frame_of
from streamproc.registry.avro import avro_decoder
from streamproc.registry.protobuf import protobuf_decoder
from streamproc.schemas.records import Reason

REF = SchemaRef("id", "7")
ROW = {"id": "a", "model": "m", "at": 1_790_000_000_250, "amount": 2.5, "score": 0.0}
Field = descriptor_pb2.FieldDescriptorProto


def packed(schema: Any, value: Any) -> Frame:
    """Encode a value as Avro."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return Frame(REF, out.getvalue())


def text_of(file: descriptor_pb2.FileDescriptorProto) -> str:
    """Return a file as a registry gives it."""
    return base64.b64encode(file.SerializeToString()).decode()


@pytest.mark.parametrize("where", ["prefix", "header"])
@pytest.mark.parametrize("form", ["avro", "protobuf"])
def test_it_reads_what_the_reference_deserialiser_reads(form: str, where: str) -> None:
    """With the id in a prefix, and as a GUID in a header."""
    client = SchemaRegistryClient.new_client({"url": f"mock://{form}-{where}"})
    conf = {"schema.id.serializer": header_schema_id_serializer} if where == "header" else {}
    headers: list[tuple[str, bytes]] = []
    make = serialiser(client, form, "t", headers, **conf)
    data = make(ROW)
    frame = frame_of(data, headers, "value")
    assert frame is not None
    assert frame.ref.kind == ("guid" if where == "header" else "id")
    context = SerializationContext("t", MessageField.VALUE, headers)
    if form == "avro":
        decoded = avro_decoder(AVRO, [])(frame)
        assert decoded == AvroDeserializer(client)(data, context)
    else:
        decoded = protobuf_decoder(text_of(score_file()), {})(frame)
        score = message_class(score_file(), "shop.Score")
        theirs = ProtobufDeserializer(score, {}, client)(data, context)
        assert decoded == {name: getattr(theirs, name) for name in ROW}
    assert decoded == ROW


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ({"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, "12.5", 12.5),
        ({"type": "long", "logicalType": "timestamp-millis"}, 1_790_000_000_250, None),
        ({"type": "long", "logicalType": "timestamp-micros"}, 1_790_000_000_250_000, None),
        (
            {"type": "long", "logicalType": "local-timestamp-millis"},
            1_790_000_000_250,
            "2026-09-21T14:13:20.250000",
        ),
        ({"type": "string", "logicalType": "uuid"}, "89791762-2336-4186-9674-299b90a802e2", None),
        ({"type": "enum", "name": "E", "symbols": ["x", "y"]}, "y", None),
        (["null", "double"], None, None),
        (["null", {"type": "map", "values": "int"}], {"k": 3}, None),
        ({"type": "array", "items": ["int", "string"]}, [1, "b"], None),
    ],
    ids=[
        *("decimal", "milliseconds", "microseconds", "local time", "uuid", "enum", "null", "map"),
        "array",
    ],
)
def test_avro_types(kind: Any, value: Any, expected: Any) -> None:
    """Numbers are numbers, times are what events hold, and unions are their value."""
    schema = {"type": "record", "name": "R", "fields": [{"name": "f", "type": kind}]}
    bare = json.loads(json.dumps(schema))
    given = Decimal(value) if expected == 12.5 else value
    if expected is None or isinstance(expected, str):
        bare["fields"][0]["type"] = _without_logic(kind)
    decoded = avro_decoder(json.dumps(schema), [])(packed(bare, {"f": given}))
    assert decoded == {"f": value if expected is None else expected}


def _without_logic(kind: Any) -> Any:
    if not isinstance(kind, dict):
        return kind
    return {name: each for name, each in kind.items() if name != "logicalType"}


def test_avro_of_schemas_that_refer_to_others() -> None:
    """A name that another schema defines is known."""
    point = {"type": "record", "name": "p.Point", "fields": [{"name": "x", "type": "long"}]}
    line = {"type": "record", "name": "L", "fields": [{"name": "a", "type": "p.Point"}]}
    complete = {"type": "record", "name": "L", "fields": [{"name": "a", "type": point}]}
    decode = avro_decoder(json.dumps(line), [json.dumps(point)])
    assert decode(packed(complete, {"a": {"x": -3}})) == {"a": {"x": -3}}


@pytest.mark.parametrize(
    ("payload", "encoding", "reason", "detail"),
    [
        (b"\x02", "BINARY", Reason.CORRUPT, "does not fit schema id 7, which is AVRO"),
        (b"\x02a\x00", "BINARY", Reason.CORRUPT, "1 bytes are left over"),
        (b'"a"', "JSON", Reason.UNSUPPORTED_CONTENT_TYPE, "Avro of encoding JSON"),
    ],
    ids=["short", "long", "encoding"],
)
def test_avro_that_does_not_fit(payload: bytes, encoding: str, reason: Reason, detail: str) -> None:
    """Bytes of another schema are a dead letter, not a guess."""
    with pytest.raises(IntakeError, match=detail) as caught:
        avro_decoder('"string"', [])(Frame(REF, payload, None, encoding))
    assert caught.value.reason == reason


def rich_file() -> descriptor_pb2.FileDescriptorProto:
    """Return a file with the kinds of fields that proto3 has, and imports."""
    file = descriptor_pb2.FileDescriptorProto(name="rich.proto", package="r", syntax="proto3")
    file.dependency.extend(
        [f"google/protobuf/{each}.proto" for each in ("timestamp", "wrappers", "struct")]
    )
    outer = file.message_type.add(name="Outer")
    message = outer.nested_type.add(name="Rich")
    entry = message.nested_type.add(name="CountsEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=Field.TYPE_STRING, label=1)
    entry.field.add(name="value", number=2, type=Field.TYPE_INT32, label=1)
    enum = file.enum_type.add(name="Plan")
    enum.value.add(name="FREE", number=0)
    enum.value.add(name="PRO", number=1)
    message.oneof_decl.add(name="_maybe")
    for number, (name, kind, label, type_name) in enumerate(
        [
            ("big", Field.TYPE_INT64, 1, None),
            ("zero", Field.TYPE_DOUBLE, 1, None),
            ("maybe", Field.TYPE_DOUBLE, 1, None),
            ("plan", Field.TYPE_ENUM, 1, ".r.Plan"),
            ("items", Field.TYPE_FLOAT, 3, None),
            ("counts", Field.TYPE_MESSAGE, 3, ".r.Outer.Rich.CountsEntry"),
            ("at", Field.TYPE_MESSAGE, 1, ".google.protobuf.Timestamp"),
            ("wrapped", Field.TYPE_MESSAGE, 1, ".google.protobuf.DoubleValue"),
            ("any", Field.TYPE_MESSAGE, 1, ".google.protobuf.Struct"),
        ],
        1,
    ):
        field = message.field.add(name=name, number=number, type=kind, label=label)
        if type_name is not None:
            field.type_name = type_name
        if name == "maybe":
            field.proto3_optional = True
            field.oneof_index = 0
    return file


def test_protobuf_kinds_of_fields() -> None:
    """Numbers of 64 bits are numbers, enums names, and what is not set is not there."""
    score = descriptor_pb2.FileDescriptorProto.FromString(rich_file().SerializeToString())
    decode = protobuf_decoder(text_of(score), {})
    rich = _rich_class()
    at = timestamp_pb2.Timestamp(seconds=1_790_000_000, nanos=250_000_000)
    anything = struct_pb2.Struct()
    anything.update({"k": [1.5, "b"]})
    message = rich(
        big=1 << 60,
        plan=1,
        items=[1.5, 2.5],
        counts={"k": 3},
        at=at,
        wrapped=wrappers_pb2.DoubleValue(value=0.5),
        any=anything,
    )
    frame = Frame(REF, b"\x04\x00\x00" + message.SerializeToString())  # path (0, 0), zigzag
    assert decode(frame) == {
        "big": 1 << 60,
        "zero": 0.0,
        "plan": "PRO",
        "items": [1.5, 2.5],
        "counts": {"k": 3},
        "at": "2026-09-21T14:13:20.250Z",
        "wrapped": 0.5,
        "any": {"k": [1.5, "b"]},
    }
    assert decode(Frame(REF, b"\x04\x00\x00")) == {
        "big": 0,
        "zero": 0.0,
        "plan": "FREE",
        "items": [],
        "counts": {},
    }


def _rich_class() -> Any:
    pool = descriptor_pool.Default()
    pool.Add(rich_file())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("r.Outer.Rich"))


def test_protobuf_of_files_that_import_others() -> None:
    """A file that another one imports is found by the name under which it is imported."""
    line = descriptor_pb2.FileDescriptorProto(name="line.proto", syntax="proto3")
    line.dependency.append("shop/score.proto")
    message = line.message_type.add(name="Line")
    message.field.add(name="s", number=1, type=11, label=1, type_name=".shop.Score")
    decode = protobuf_decoder(text_of(line), {"shop/score.proto": text_of(score_file())})
    score = message_class(score_file(), "shop.Score")(**ROW).SerializeToString()
    payload = b"\x00\x0a" + bytes([len(score)]) + score
    assert decode(Frame(REF, payload)) == {"s": ROW}
    with pytest.raises(ValueError, match=r"imports shop/score\.proto, which the registry does not"):
        protobuf_decoder(text_of(line), {})


@pytest.mark.parametrize(
    ("frame", "detail"),
    [
        (Frame(REF, b"\x02\x08"), "does not fit schema id 7, which is PROTOBUF"),
        (Frame(REF, b"\x00\x0a\x09"), "does not fit schema id 7, which is PROTOBUF"),
        (Frame(SchemaRef("global id", "7"), b"\x00"), "protobuf in a frame of Apicurio"),
    ],
    ids=["no such message", "truncated", "Apicurio's frame"],
)
def test_protobuf_that_does_not_fit(frame: Frame, detail: str) -> None:
    """Bytes of another message are a dead letter."""
    with pytest.raises(IntakeError, match=detail):
        protobuf_decoder(text_of(score_file()), {})(frame)


def test_source_text_of_protobuf_is_refused_with_a_reason() -> None:
    """It says what the registry would have to give."""
    with pytest.raises(ValueError, match=r"source text, and a compiled descriptor is needed"):
        protobuf_decoder('syntax = "proto3"; message A {}', {})
