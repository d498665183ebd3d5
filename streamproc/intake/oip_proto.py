"""Decode requests and responses of the Open Inference Protocol v2 from protobuf.

The result has the fields that the protocol's JSON form has. A general decoder of the wire format is
small enough not to need generated classes, whose version would have to fit the user's protobuf.

References
----------
Open Inference Protocol, grpc_predict_v2.proto; Protocol Buffers, Encoding.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final

import msgspec

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_REGISTRY_PREFIX: Final = 6  # zero byte, schema id, index of the message
# Field of InferTensorContents → how its packed items are read.
_INTEGERS: Final = {1: "bool", 2: "signed", 3: "signed", 4: "unsigned", 5: "unsigned"}
_FLOATS: Final = {6: "f", 7: "d"}
_RAW: Final = {
    "BOOL": "?",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}


def decode(value: bytes, *, response: bool) -> dict[str, Any]:
    """Decode a ModelInferRequest, or a ModelInferResponse.

    Raises
    ------
    msgspec.DecodeError
        If it is not such a message.
    """
    if value[0] == 0:  # no message begins with field 0: a registry's prefix
        value = value[_REGISTRY_PREFIX:]
    name, raw_field = ("outputs", 6) if response else ("inputs", 7)
    found: dict[str, Any] = {name: []}
    raws: list[bytes] = []
    try:
        for field, item in _fields(value):
            if field in {1, 2, 3}:
                found[("model_name", "model_version", "id")[field - 1]] = _text(item)
            elif field == 5:
                found[name].append(_tensor(item))
            elif field == raw_field:
                raws.append(item)
        for tensor, raw in zip(found[name], raws, strict=False):
            tensor["data"] = _raw(tensor.get("datatype", ""), raw)
    except (IndexError, KeyError, struct.error, UnicodeDecodeError, TypeError) as error:
        message = f"not a message of the Open Inference Protocol: {error}"
        raise msgspec.DecodeError(message) from error
    return found


def _tensor(value: bytes) -> dict[str, Any]:
    tensor: dict[str, Any] = {"shape": [], "data": []}
    for field, item in _fields(value):
        if field == 1:
            tensor["name"] = _text(item)
        elif field == 2:
            tensor["datatype"] = _text(item)
        elif field == 3:
            tensor["shape"] += _integers(item, "signed")
        elif field == 5:
            for kind, content in _fields(item):
                tensor["data"] += _contents(kind, content)
    return tensor


def _contents(kind: int, item: bytes | int) -> list[Any]:
    if kind in _INTEGERS:
        return _integers(item, _INTEGERS[kind])
    if kind in _FLOATS:
        data = item if isinstance(item, bytes) else b""
        code = _FLOATS[kind]
        return list(struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data))
    return [_category(item)]


def _raw(datatype: str, data: bytes) -> list[Any]:
    """Decode raw_input_contents: little-endian numbers, or texts with their lengths."""
    if datatype != "BYTES":
        code = _RAW[datatype]
        return list(struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data))
    found: list[Any] = []
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        found.append(_category(data[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


def _category(item: bytes | int) -> str:
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)


def _text(item: bytes | int) -> str:
    if not isinstance(item, bytes):
        message = "expected a text"
        raise TypeError(message)
    return item.decode()


def _integers(item: bytes | int, kind: str) -> list[Any]:
    """Return packed varints, or a single one."""
    numbers: list[int] = []
    if isinstance(item, int):
        numbers.append(item)
    else:
        at = 0
        while at < len(item):
            number, at = _varint(item, at)
            numbers.append(number)
    if kind == "bool":
        return [bool(number) for number in numbers]
    if kind == "signed":
        return [number - (1 << 64) if number >= 1 << 63 else number for number in numbers]
    return numbers


def _fields(value: bytes | int) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each field of a message."""
    if not isinstance(value, bytes):
        message = "expected a message"
        raise TypeError(message)
    at = 0
    while at < len(value):
        tag, at = _varint(value, at)
        field, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            item, at = _varint(value, at)
            yield field, item
            continue
        if wire == _BYTES:
            size, at = _varint(value, at)
        elif wire in {_FIXED64, _FIXED32}:
            size = 8 if wire == _FIXED64 else 4
        else:
            message = f"wire type {wire} at byte {at}"
            raise TypeError(message)
        if at + size > len(value):
            message = f"field {field} ends behind the message"
            raise IndexError(message)
        yield field, value[at : at + size]
        at += size


def _varint(value: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = value[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number & ((1 << 64) - 1), at
        shift += 7
        if shift > 63:
            message = f"a number of more than 64 bits at byte {at}"
            raise IndexError(message)
