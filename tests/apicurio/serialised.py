"""Records as Confluent's own serialisers make them."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pool import DescriptorPool

Row = Mapping[str, Any]
Serialise = Callable[[Row], bytes]

# Of a row: name, type in Avro, in JSON, and its number in protobuf.
_FIELDS: Final = (
    ("id", "string", "string", descriptor_pb2.FieldDescriptorProto.TYPE_STRING),
    ("model", "string", "string", descriptor_pb2.FieldDescriptorProto.TYPE_STRING),
    ("at", "long", "integer", descriptor_pb2.FieldDescriptorProto.TYPE_INT64),
    ("amount", "double", "number", descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE),
    ("score", "double", "number", descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE),
)
AVRO: Final = json.dumps(
    {
        "type": "record",
        "name": "Score",
        "fields": [{"name": name, "type": kind} for name, kind, *_ in _FIELDS],
    }
)
JSON: Final = json.dumps(
    {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Score",
        "type": "object",
        "properties": {name: {"type": kind} for name, _, kind, _ in _FIELDS},
    }
)
BY_TOPIC: Final = {"subject.name.strategy.type": "TOPIC"}


def message_class(file: descriptor_pb2.FileDescriptorProto, name: str) -> Any:
    """Return the class of a message of a file, without generated code."""
    pool = DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def score_file() -> descriptor_pb2.FileDescriptorProto:
    """Return a file whose second message is a row."""
    file = descriptor_pb2.FileDescriptorProto(name="score.proto", package="shop", syntax="proto3")
    file.message_type.add(name="Other")
    message = file.message_type.add(name="Score")
    for number, (name, _, _, kind) in enumerate(_FIELDS, 1):
        label = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
        message.field.add(name=name, number=number, type=kind, label=label)
    return file


def serialiser(
    client: SchemaRegistryClient,
    form: str,
    topic: str,
    headers: list[tuple[str, bytes]] | None = None,
    **conf: Any,
) -> Serialise:
    """Return what makes a record's value of a row; it registers its schema at the first one.

    `headers` gets those that it adds.
    """
    conf = BY_TOPIC | conf
    context = SerializationContext(topic, MessageField.VALUE, headers)
    if form == "protobuf":
        score = message_class(score_file(), "shop.Score")
        make = ProtobufSerializer(score, client, conf)
        return lambda row: make(score(**row), context)
    if form == "avro":
        avro = AvroSerializer(client, AVRO, conf=conf)
        return lambda row: avro(dict(row), context)
    as_json = JSONSerializer(JSON, client, conf=conf)
    return lambda row: as_json(dict(row), context)


def serialised(url: str, form: str, topic: str, rows: Iterable[Row]) -> list[bytes]:
    """Return the values of records of rows."""
    make = serialiser(SchemaRegistryClient({"url": url}), form, topic)
    return [make(row) for row in rows]
