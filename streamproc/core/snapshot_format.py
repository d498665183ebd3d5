"""The bytes of a snapshot: a header, arrays, and a checksum over all of it."""

import hashlib
import math
import struct
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.core.typed import DECODE_ERRORS
from streamproc.errors import StreamprocError

SCHEMA: Final = 2
"""Raised by one whenever the same bytes would mean something else."""
DIGEST_BYTES: Final = 32
_PREFIX: Final = struct.Struct(">4sHI")  # magic, schema, bytes of the header
_MAGIC: Final = b"SPST"
# Plain numbers, little-endian; nothing that numpy would build an object from.
_DTYPES: Final = {
    np.dtype(name).newbyteorder("<").str
    for name in ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
}
# What of a library's version must be the same. River's arithmetic is ours; the others promise
# the same results for all patches of a minor version.
_PARTS: Final = {"river": 3, "numpy": 2, "streamproc": 2}

Arrays = dict[str, NDArray[Any]]


class SnapshotError(StreamprocError):
    """A snapshot cannot be used, and nothing of it was.

    The worker goes on with the one before, or with no state, and says which. There is nothing
    to do, unless it comes again: then look at the disks and the version of what wrote it.
    """


class ShapeRecord(msgspec.Struct, frozen=True, array_like=True):
    """A shape, as `streamproc.core.shape.Shape`."""

    numbers: tuple[str, ...]
    others: tuple[tuple[str, int], ...]
    form: str
    classes: tuple[str, ...]


class ModelRecord(msgspec.Struct, frozen=True, array_like=True):
    """A model: its shape by its place in the list of shapes, and its number of events."""

    id: str
    shape: int
    events: int


class ProfileRecord(msgspec.Struct, frozen=True, array_like=True):
    """A set of detectors, by the hashes of their settings, and how many slots are in use."""

    key: tuple[str, ...]
    used: int


class IncidentRecord(msgspec.Struct, frozen=True, array_like=True):
    """An open incident; `before` is n, mean and std."""

    model: str
    series: str
    id: str
    detector: str
    before: tuple[int, float | None, float | None]
    said: float


class ArrayRecord(msgspec.Struct, frozen=True, array_like=True):
    """What the bytes of an array mean."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything of a snapshot that is not an array."""

    topic: str
    partition: int
    next: int
    versions: dict[str, str]
    config: str
    names: tuple[str, ...]
    shapes: tuple[ShapeRecord, ...]
    models: tuple[ModelRecord, ...]
    profiles: tuple[ProfileRecord, ...]
    incidents: tuple[IncidentRecord, ...]
    refused: int
    told: tuple[str, ...]
    texts: tuple[tuple[float, str], ...]
    arrays: tuple[ArrayRecord, ...] = ()


_HEADER: Final = msgspec.json.Decoder(Header)


def versions() -> dict[str, str]:
    """Return the versions of the libraries that state depends on."""
    return {name: version(name) for name in _PARTS}


def pack(header: Header, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write a snapshot.

    Parameters
    ----------
    header
        All but `arrays`, which is filled in.
    arrays
        Numbers or booleans, by name.
    """
    plain = {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for name, array in arrays.items()
    }
    records = tuple(
        ArrayRecord(name, array.dtype.str, array.shape) for name, array in plain.items()
    )
    head = msgspec.json.encode(msgspec.structs.replace(header, arrays=records))
    parts: list[bytes | memoryview] = [_PREFIX.pack(_MAGIC, SCHEMA, len(head)), head]
    parts += [array.reshape(-1).view(np.uint8).data for array in plain.values()]
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        digest.update(part)
    return b"".join([*parts, digest.digest()])


def unpack(data: bytes) -> tuple[Header, Arrays]:
    """Read a snapshot; the arrays are views of `data`.

    Raises
    ------
    SnapshotError
        If a single bit is not as it was written, or another version wrote it.
    """
    size = len(data) - DIGEST_BYTES
    if size < _PREFIX.size:
        raise SnapshotError(f"{len(data)} bytes are no snapshot: its end, or all of it, is missing")
    magic, schema, length = _PREFIX.unpack_from(data)
    if magic != _MAGIC:
        raise SnapshotError(f"it begins with {magic!r}: this is no snapshot")
    if schema != SCHEMA:
        raise SnapshotError(f"schema {schema}, and this version reads {SCHEMA}")
    body = memoryview(data)[:size]
    if hashlib.blake2b(body, digest_size=DIGEST_BYTES).digest() != data[size:]:
        raise SnapshotError("the checksum does not fit: bytes of it are missing or were changed")
    start = _PREFIX.size + length
    try:
        header = _HEADER.decode(body[_PREFIX.size : start])
    except DECODE_ERRORS as error:
        raise SnapshotError(f"header: {error}") from error
    check_versions(header.versions)
    return header, _arrays(header.arrays, body[start:])


def check_versions(found: Mapping[str, str]) -> None:
    """Refuse a state that other versions wrote: results could differ.

    Raises
    ------
    SnapshotError
        If one of them promises nothing about ours.
    """
    for name, ours in versions().items():
        parts, theirs = _PARTS[name], found.get(name, "none")
        if theirs.split(".")[:parts] != ours.split(".")[:parts]:
            raise SnapshotError(f"written with {name} {theirs}, and this is {name} {ours}")


def _arrays(records: tuple[ArrayRecord, ...], body: memoryview) -> Arrays:
    arrays: Arrays = {}
    start = 0
    for record in records:
        if record.dtype not in _DTYPES or min(record.shape, default=0) < 0:
            raise SnapshotError(f"array {record.name!r} is {record.dtype} {record.shape}")
        dtype, count = np.dtype(record.dtype), math.prod(record.shape)
        stop = start + count * dtype.itemsize
        if stop > len(body) or record.name in arrays:
            raise SnapshotError(f"array {record.name!r} is there twice, or past the end")
        flat = np.frombuffer(body, dtype, count, start) if count else np.empty(0, dtype)
        arrays[record.name] = flat.reshape(record.shape)
        start = stop
    if start != len(body):
        raise SnapshotError(f"{len(body) - start} bytes belong to no array")
    return arrays
