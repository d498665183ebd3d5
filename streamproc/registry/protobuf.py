"""Decode protobuf of a descriptor that a registry gives, without generated classes.

References
----------
Protocol Buffers, *Language Guide (proto 3)*, "Field Presence", "JSON Mapping"; Confluent, *Formats,
Serializers, and Deserializers*, "Wire format": message indexes.
"""

import base64
import importlib
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from google.protobuf import descriptor_pb2, json_format, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from streamproc.intake.errors import IntakeError
from streamproc.intake.frames import Frame
from streamproc.schemas.records import Reason

# Files that producers import and that registries do not hold.
_WELL_KNOWN: Final = re.compile(r"google/(protobuf|type|rpc|api)/([a-z_]+)\.proto")
_CONFLUENT: Final = {
    "confluent/meta.proto": "confluent_kafka.schema_registry.confluent.meta_pb2",
    "confluent/type/decimal.proto": "confluent_kafka.schema_registry.confluent.type.decimal_pb2",
}
# Messages whose JSON is one value.
_PLAIN: Final = re.compile(r"google\.protobuf\.(Timestamp|FieldMask|Struct|Value|ListValue)")
_WRAPPER: Final = re.compile(r"google\.protobuf\.\w+Value")


def protobuf_decoder(text: str, references: Mapping[str, str]) -> Callable[[Frame], Any]:
    """Return a function that decodes payloads of a file of messages.

    Parameters
    ----------
    text
        Base64 of its FileDescriptorProto.
    references
        Those of files that it imports, by the names under which they are imported.

    Raises
    ------
    ValueError
        If one is not a descriptor; the source text of a .proto file is not.
    """
    pool = DescriptorPool()
    known = {name: _file(each) for name, each in references.items()}
    file = _file(text)
    _add(pool, file, known, set())
    paths = {}
    for path, name in _messages(file.message_type, (), file.package):
        paths[path] = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))

    def decode(frame: Frame) -> Any:
        if frame.ref.kind == "global id" or frame.encoding != "BINARY":
            detail = "protobuf in a frame of Apicurio; expected Confluent's"
            raise IntakeError(Reason.UNSUPPORTED_CONTENT_TYPE, detail)
        try:
            path, payload = _indexes(frame)
            message = paths[path]()
            message.ParseFromString(payload)
            return _plain(message)
        except (DecodeError, IndexError, KeyError, ValueError) as error:
            detail = f"does not fit {frame.ref}, which is PROTOBUF: {error!r}"
            raise IntakeError(Reason.CORRUPT, detail) from error

    return decode


def _file(text: str) -> descriptor_pb2.FileDescriptorProto:
    try:
        return descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(text, validate=True))
    except (DecodeError, ValueError) as error:
        message = (
            "the registry gives a .proto file as its source text, and a compiled descriptor is"
            " needed: Confluent's gives one (format=serialized), Apicurio 2.6 if one was registered"
        )
        raise ValueError(message) from error


def _add(
    pool: DescriptorPool,
    file: descriptor_pb2.FileDescriptorProto,
    known: Mapping[str, descriptor_pb2.FileDescriptorProto],
    added: set[str],
) -> None:
    """Add a file to a pool, after those that it imports."""
    for name in file.dependency:
        if name in added:
            continue
        added.add(name)
        found = known.get(name) or _imported(name)
        found.name = name
        _add(pool, found, known, added)
    pool.Add(file)


def _imported(name: str) -> descriptor_pb2.FileDescriptorProto:
    """Return a file of the protobuf library."""
    well_known = _WELL_KNOWN.fullmatch(name)
    module = f"google.{well_known[1]}.{well_known[2]}_pb2" if well_known else _CONFLUENT.get(name)
    if module is None or importlib.util.find_spec(module) is None:
        raise ValueError(f"it imports {name}, which the registry does not give as its reference")
    descriptor = importlib.import_module(module).DESCRIPTOR
    found = descriptor_pb2.FileDescriptorProto()
    descriptor.CopyToProto(found)
    return found


def _messages(
    messages: Sequence[descriptor_pb2.DescriptorProto], path: tuple[int, ...], prefix: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    """Yield index path and full name of all messages, also of nested ones."""
    for index, message in enumerate(messages):
        name = f"{prefix}.{message.name}" if prefix else message.name
        yield (*path, index), name
        yield from _messages(message.nested_type, (*path, index), name)


def _indexes(frame: Frame) -> tuple[tuple[int, ...], bytes]:
    """Return the index path of a message, and its bytes: zigzag numbers, their count first."""
    data = frame.payload if frame.indexes is None else frame.indexes
    count, at = _zigzag(data, 0)
    path = []
    for _ in range(count):
        index, at = _zigzag(data, at)
        path.append(index)
    payload = data[at:] if frame.indexes is None else frame.payload
    return tuple(path) or (0,), payload


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at


def _plain(message: Message) -> Any:
    """Return a message as its JSON would be, with numbers of 64 bits as numbers."""
    descriptor = message.DESCRIPTOR
    name = descriptor.full_name
    if name.startswith("google.protobuf."):
        if _PLAIN.fullmatch(name):
            return json_format.MessageToDict(message)
        if _WRAPPER.fullmatch(name):
            return message.value
        if name == "google.protobuf.Duration":
            return message.seconds + message.nanos / 1e9
    elif name == "confluent.type.Decimal":
        unscaled = int.from_bytes(message.value, "big", signed=True)
        return float(f"{unscaled}e{-message.scale}")  # a power of ten could fill the memory
    return {field.name: value for field, value in _fields(message, descriptor)}


def _fields(message: Message, descriptor: Descriptor) -> Iterator[tuple[FieldDescriptor, Any]]:
    """Yield the fields that are set, and those whose absence protobuf cannot tell from zero."""
    for field in descriptor.fields:
        value = getattr(message, field.name)
        if field.is_repeated:
            yield field, _repeated(field, value)
        elif field.has_presence and not message.HasField(field.name):
            continue
        else:
            yield field, _single(field, value)


def _repeated(field: FieldDescriptor, value: Any) -> Any:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        of_value = entry.fields_by_name["value"]
        return {_key(key): _single(of_value, value[key]) for key in value}
    return [_single(field, each) for each in value]


def _key(key: Any) -> str:
    return ("true" if key else "false") if isinstance(key, bool) else str(key)


def _single(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _plain(value)
    if field.enum_type is not None:
        named = field.enum_type.values_by_number.get(value)
        return value if named is None else named.name
    return value
