"""Whatever bytes a record has, it becomes events or a dead letter with a reason."""

import base64
import contextlib
from typing import Any

import pytest
from apicurio.serialised import AVRO, score_file
from confluent_kafka.schema_registry.confluent.type import decimal_pb2
from google.protobuf import descriptor_pb2
from hypothesis import example, given
from hypothesis import strategies as st

from streamproc.config.load import load
from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Frame, Schema, SchemaRef
from streamproc.intake.mapper import mappers
from streamproc.monitor import LogRecord
from streamproc.registry.avro import avro_decoder
from streamproc.registry.protobuf import protobuf_decoder

SCHEMAS = (
    Schema("AVRO", avro_decoder(AVRO, [])),
    Schema(
        "PROTOBUF",
        protobuf_decoder(base64.b64encode(score_file().SerializeToString()).decode(), {}),
    ),
)
FRAMED = st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(b"\0\0\0\0\x07".__add__))
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                *("__value_schema_id", "__key_schema_id", "apicurio.value.globalId", "other"),
                *("apicurio.value.contentId", "apicurio.value.encoding", "apicurio.key.globalId"),
            )
        ),
        st.none() | st.binary(max_size=20),
    ),
    max_size=3,
)


@given(FRAMED, FRAMED, HEADERS, st.sampled_from(SCHEMAS))
def test_no_bytes_stop_the_intake(value: bytes, key: bytes, headers: Any, schema: Schema) -> None:
    """What cannot be read raises an error with a reason, and nothing else."""
    mapping = {"prediction": "score", "model_id": {"key": ".+"}, "features": {"omit": []}}
    config = {
        "registry": {"url": "http://registry"},
        "intake": [{"from": {"topics": ["t"]}, "map": mapping}],
    }
    mapper = mappers(load(config))("t")
    assert mapper is not None
    record = LogRecord(0, value, 1, key, headers)
    schemas = dict.fromkeys(mapper.schemas_of([record]), schema)
    with contextlib.suppress(IntakeError):
        mapper.map(record, "t", 0, schemas)


@given(st.binary(max_size=40), st.integers(-(2**31), 2**31 - 1))
@example(b"\x7f", 2**31 - 1)
@example(b"\x7f", -(2**31))
@example(b"\x04\xe2", 2)
def test_decimals_of_protobuf_are_numbers(unscaled: bytes, scale: int) -> None:
    """Also those that are far too small or large for a float."""
    file = descriptor_pb2.FileDescriptorProto(name="p.proto", syntax="proto3")
    file.dependency.append("confluent/type/decimal.proto")
    message = file.message_type.add(name="P")
    message.field.add(name="p", number=1, type=11, label=1, type_name=".confluent.type.Decimal")
    decode = protobuf_decoder(base64.b64encode(file.SerializeToString()).decode(), {})
    price = decimal_pb2.Decimal(value=unscaled, scale=scale).SerializeToString()
    payload = b"\x00\x0a" + bytes([len(price)]) + price
    found = decode(Frame(SchemaRef("id", "7"), payload))["p"]
    assert isinstance(found, float)
    if 0 <= scale <= 20:
        assert found == pytest.approx(int.from_bytes(unscaled, "big", signed=True) / 10**scale)
