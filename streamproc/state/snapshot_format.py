"""The bytes of a snapshot: a header, arrays, and a checksum over all of it.

Arrays that have a row for each slot lie row by row, so that all there is of one series is in one
place: what did not change since the last snapshot are stretches of bytes that need not be written
again.
"""

import hashlib
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, TypeAlias

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

from streamproc.decode.structs import DECODE_ERRORS
from streamproc.errors import StreamprocError

SCHEMA: Final = 4
"""Raised by one whenever the same bytes would mean something else."""
_BLAKE: Final = 3
"""The schema before: the digest is BLAKE2."""
_BY_ARRAY: Final = 2
"""The one before that: its arrays lie one behind the other, too."""
_READ: Final = (_BY_ARRAY, _BLAKE, SCHEMA)
_BLAKE_BYTES: Final = 32
DIGEST_BYTES: Final = 16
_PREFIX: Final = struct.Struct(">4sHI")  # magic, schema, bytes of the header
_MAGIC: Final = b"SPST"
# Plain numbers, little-endian; nothing that numpy would build an object from.
_DTYPES: Final = {
    np.dtype(name).newbyteorder("<").str
    for name in ("bool", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
}
_BLOCK_BYTES: Final = 2**18
# Numbers in an array: more than any memory holds, less than what numpy can count.
_MAX_COUNT: Final = 2**40
_LIBRARIES: Final = ("river", "numpy", "streamproc")
TABLE: Final = ": "
"""What ends the beginning of a name that arrays of one table share."""

Arrays = dict[str, NDArray[Any]]
Section: TypeAlias = bytes | memoryview


class SnapshotError(StreamprocError):
    """A snapshot cannot be used, and nothing of it was.

    The worker goes on with the one before, or with no state, and says which. There is nothing
    to do, unless it comes again: then look at the disks and the version of what wrote it.
    """


class ShapeRecord(msgspec.Struct, frozen=True, array_like=True):
    """A shape, as `streamproc.decode.event_schema.EventSchema`."""

    numbers: tuple[str, ...]
    others: tuple[tuple[str, int], ...]
    form: str
    classes: tuple[str, ...]


class ModelRecord(msgspec.Struct, frozen=True, array_like=True):
    """A model: its shape by its place in the list of shapes.

    Its number of events is in the array `events`; here in snapshots of schema 2.
    """

    id: str
    shape: int
    events: int = 0


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
    strays: tuple[tuple[str, str, int, int], ...] = ()
    forgotten: int = 0
    due: int = 0
    arrays: tuple[ArrayRecord, ...] = ()


_HEADER: Final = msgspec.json.Decoder(Header)


def versions() -> dict[str, str]:
    """Return the versions of what wrote a snapshot."""
    return {name: version(name) for name in _LIBRARIES}


def same_river(found: Mapping[str, str]) -> bool:
    """Whether a state was written with our River: its models and detectors are its own affair.

    All else is numbers of ours. What they mean is told by `SCHEMA`, and by the names and types
    of the arrays, not by the version of a library.
    """
    return found.get("river") == versions()["river"]


def pack(header: Header, arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Write a snapshot: its sections, one behind the other."""
    return b"".join(sections(header, arrays))


def sections(header: Header, arrays: Mapping[str, NDArray[Any]]) -> list[Section]:
    """Write a snapshot in parts, each of which grows at its end.

    Parameters
    ----------
    header
        All but `arrays`, which is filled in.
    arrays
        Numbers or booleans, by name. Those whose names begin alike, up to a colon, and that are
        of equal length make a table.

    Returns
    -------
    list of bytes-like
        The header, each table, and last a digest of all before it.
    """
    plain = {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for name, array in arrays.items()
    }
    records = tuple(
        ArrayRecord(name, array.dtype.str, array.shape) for name, array in plain.items()
    )
    head = msgspec.json.encode(msgspec.structs.replace(header, arrays=records))
    parts: list[Section] = [_PREFIX.pack(_MAGIC, SCHEMA, len(head)) + head]
    for table in _tables(records):
        if len(table) == 1:
            parts.append(plain[table[0].name].tobytes())
            continue
        parts.append(_rows(table, plain))
    return [*parts, digest_of(parts, SCHEMA)]


def digest_of(parts: Iterable[Section], schema: int) -> bytes:
    """Digest what a snapshot of a schema says: what was torn or flipped does not fit to it.

    It keeps nobody out: who may write to the topic could make any digest fit.
    """
    old = schema <= _BLAKE
    digest = hashlib.blake2b(digest_size=_BLAKE_BYTES) if old else xxhash.xxh3_128()
    for part in parts:
        digest.update(part)
    return digest.digest()


def _rows(table: Sequence[ArrayRecord], plain: Arrays) -> memoryview:
    rows = np.empty(table[0].shape[0], _row_of(table))
    # As many at a time as stay in a processor's cache until all of their fields are there.
    step = max(1, _BLOCK_BYTES // max(1, rows.itemsize))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        for at, record in enumerate(table):
            block[f"f{at}"] = plain[record.name][start : start + step]
    return rows.view(np.uint8).data


def unpack(data: bytes) -> tuple[Header, Arrays]:
    """Read a snapshot; the arrays are views of `data`.

    Raises
    ------
    SnapshotError
        If a single bit is not as it was written, or another version wrote it.
    """
    if len(data) < _PREFIX.size + DIGEST_BYTES:
        raise SnapshotError(f"{len(data)} bytes are no snapshot: its end, or all of it, is missing")
    magic, schema, length = _PREFIX.unpack_from(data)
    if magic != _MAGIC:
        raise SnapshotError(f"it begins with {magic!r}: this is no snapshot")
    if schema not in _READ:
        raise SnapshotError(f"schema {schema}, and this version reads {_READ[0]} to {SCHEMA}")
    size = len(data) - (_BLAKE_BYTES if schema <= _BLAKE else DIGEST_BYTES)
    body = memoryview(data)[: max(size, 0)]
    if digest_of([body], schema) != data[len(body) :]:
        raise SnapshotError("the checksum does not fit: bytes of it are missing or were changed")
    start = _PREFIX.size + length
    try:
        header = _HEADER.decode(body[_PREFIX.size : start])
    except DECODE_ERRORS as error:
        raise SnapshotError(f"header: {error}") from error
    _check(header.arrays)
    if schema == _BY_ARRAY:
        return header, _arrays([(record,) for record in header.arrays], body[start:])
    return header, _arrays(_tables(header.arrays), body[start:])


def _check(records: Sequence[ArrayRecord]) -> None:
    for record in records:
        most = math.prod(length for length in record.shape if length)
        if record.dtype not in _DTYPES or min(record.shape, default=0) < 0 or most > _MAX_COUNT:
            raise SnapshotError(f"array {record.name!r} is {record.dtype} {record.shape}")
    if len({record.name for record in records}) < len(records):
        raise SnapshotError("an array is there twice")


def _tables(records: Sequence[ArrayRecord]) -> list[tuple[ArrayRecord, ...]]:
    """Find the arrays that lie row by row, in the order of the first of each; others are alone."""
    tables: dict[tuple[str, int], list[ArrayRecord]] = {}
    for record in records:
        begin, colon, _ = record.name.partition(TABLE)
        rows = record.shape[0] if colon and record.shape else -1
        tables.setdefault((begin if rows >= 0 else record.name, rows), []).append(record)
    return [tuple(table) for table in tables.values()]


def _row_of(table: Sequence[ArrayRecord]) -> np.dtype[Any]:
    """Tell what is in a row of a table."""
    return np.dtype([(f"f{at}", record.dtype, record.shape[1:]) for at, record in enumerate(table)])


def _arrays(tables: Sequence[Sequence[ArrayRecord]], body: memoryview) -> Arrays:
    arrays: Arrays = {}
    start = 0
    for table in tables:
        size = sum(_bytes_of(record) for record in table)
        stop = start + size
        if stop > len(body):
            raise SnapshotError(f"array {table[0].name!r} is past the end")
        arrays |= _columns(table, body[start:stop])
        start = stop
    if start != len(body):
        raise SnapshotError(f"{len(body) - start} bytes belong to no array")
    return arrays


def _bytes_of(record: ArrayRecord) -> int:
    return math.prod(record.shape) * np.dtype(record.dtype).itemsize


def _columns(table: Sequence[ArrayRecord], data: memoryview) -> Arrays:
    if not len(data):
        return {record.name: np.empty(record.shape, record.dtype) for record in table}
    if len(table) == 1:
        flat = np.frombuffer(data, table[0].dtype)
        return {table[0].name: flat.reshape(table[0].shape)}
    rows = np.frombuffer(data, _row_of(table))
    return {record.name: np.ascontiguousarray(rows[f"f{at}"]) for at, record in enumerate(table)}
