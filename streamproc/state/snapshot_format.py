"""Serialise snapshots: a header, arrays, and a checksum over both.

Arrays with a row for each slot are stored row by row, so that the state of one series is
contiguous. Series that did not change since the last snapshot then give equal byte ranges, which
need not be written again.
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
"""Format version; increased whenever the same bytes would mean something else."""
_BLAKE: Final = 3
"""Previous version, with a BLAKE2 digest."""
_BY_ARRAY: Final = 2
"""The version before, which also stores each array contiguously."""
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
# Maximum numbers in an array: more than fits into memory, and below numpy's limit.
_MAX_COUNT: Final = 2**40
_LIBRARIES: Final = ("river", "numpy", "streamproc")
TABLE: Final = ": "
"""Separator after the prefix that the names of a table's arrays share."""

Arrays = dict[str, NDArray[Any]]
Section: TypeAlias = bytes | memoryview


class SnapshotError(StreamprocError):
    """A snapshot cannot be used; no part of it was loaded.

    The worker falls back to the previous snapshot or to an empty state, and logs which. No action
    is needed unless it recurs: then check the brokers' disks, and which version wrote it.
    """


class ShapeRecord(msgspec.Struct, frozen=True, array_like=True):
    """An event schema; see `streamproc.decode.event_schema.EventSchema`."""

    numbers: tuple[str, ...]
    others: tuple[tuple[str, int], ...]
    form: str
    classes: tuple[str, ...]


class ModelRecord(msgspec.Struct, frozen=True, array_like=True):
    """A model, with the index of its event schema in `Header.shapes`.

    Its number of events is in the array `events`; in snapshots of schema 2 it is here.
    """

    id: str
    shape: int
    events: int = 0


class ProfileRecord(msgspec.Struct, frozen=True, array_like=True):
    """A detector group: the hashes of its detectors' settings, and its number of used slots."""

    key: tuple[str, ...]
    used: int


LevelRecord: TypeAlias = tuple[int, float | None, float | None, dict[str, float] | None]
"""A level: n, mean, standard deviation, and shares of categories."""


class ReportedRecord(msgspec.Struct, frozen=True, array_like=True):
    """What an incident has reported; see `streamproc.alerting.incident.Reported`."""

    low: float
    high: float
    spread: float
    farthest: LevelRecord
    of_spread: bool = False


class HeldRecord(msgspec.Struct, frozen=True, array_like=True):
    """An alert that waits, as JSON; see `streamproc.alerting.incident.HeldAlert`."""

    alert: str
    level: LevelRecord
    count: int = 1
    finding: bool = False
    back: bool = False


class IncidentRecord(msgspec.Struct, frozen=True, array_like=True):
    """An open or pending incident; see `streamproc.alerting.incident.Incident`.

    Attributes
    ----------
    before
        n, mean and standard deviation before the change.
    last_alert
        Event time of its last alert, seconds since 1970.
    raised
        Whether it fired for a finding.
    pending
        Whether it has not fired.
    alarmed
        Event time of its last alarm. This and what follows are missing in earlier versions.
    shares
        Of categories before the change.
    profile
        What was usual at each hour of the day.
    """

    model: str
    series: str
    id: str
    detector: str
    before: tuple[int, float | None, float | None]
    last_alert: float
    raised: bool = False
    pending: bool = False
    alarmed: float | None = None
    shares: dict[str, float] | None = None
    reported: ReportedRecord | None = None
    held: HeldRecord | None = None
    base: LevelRecord | None = None
    compared: int = 0
    settled: LevelRecord | None = None
    settled_at: float | None = None
    small: bool = False
    profile: tuple[float, ...] | None = None
    scattered: bool = False
    finer: bool = False


class ArrayRecord(msgspec.Struct, frozen=True, array_like=True):
    """Name, dtype and shape of an array."""

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
    limits_reported: tuple[str, ...] = msgspec.field(name="told")
    texts: tuple[tuple[float, str], ...]
    strays: tuple[tuple[str, str, int, int], ...] = ()
    numeric_texts: tuple[tuple[str, str, int, tuple[str, ...]], ...] = ()
    forgotten: int = 0
    due: int = 0
    arrays: tuple[ArrayRecord, ...] = ()


_HEADER: Final = msgspec.json.Decoder(Header)


def versions() -> dict[str, str]:
    """Return the versions of the libraries that write snapshots."""
    return {name: version(name) for name in _LIBRARIES}


def same_river(found: Mapping[str, str]) -> bool:
    """Whether a state was written with the installed version of River, which defines its format.

    All other state consists of our arrays: `SCHEMA` and their names and dtypes define its format,
    independent of library versions.
    """
    return found.get("river") == versions()["river"]


def sections(header: Header, arrays: Mapping[str, NDArray[Any]]) -> list[Section]:
    """Serialise a snapshot in sections, each of which grows at its end.

    Parameters
    ----------
    header
        The header without `arrays`, which is filled in.
    arrays
        Arrays of numbers or booleans by name. Arrays of equal length that share a prefix up to
        `TABLE` form a table.

    Returns
    -------
    list of bytes-like
        The header, each table, and the digest of all before it.
    """
    records = tuple(
        ArrayRecord(name, array.dtype.newbyteorder("<").str, array.shape)
        for name, array in arrays.items()
    )
    head = msgspec.json.encode(msgspec.structs.replace(header, arrays=records))
    parts: list[Section] = [_PREFIX.pack(_MAGIC, SCHEMA, len(head)) + head]
    for table in _tables(records):
        if len(table) == 1:
            parts.append(arrays[table[0].name].astype(table[0].dtype, copy=False).tobytes())
            continue
        parts.append(_rows(table, arrays))
    return [*parts, digest_of(parts, SCHEMA)]


def digest_of(parts: Iterable[Section], schema: int) -> bytes:
    """Return the digest of a snapshot's bytes, which detects truncation and bit flips.

    It does not protect against tampering: a producer with access to the topic can compute it.
    """
    old = schema <= _BLAKE
    digest = hashlib.blake2b(digest_size=_BLAKE_BYTES) if old else xxhash.xxh3_128()
    for part in parts:
        digest.update(part)
    return digest.digest()


def _rows(table: Sequence[ArrayRecord], arrays: Mapping[str, NDArray[Any]]) -> memoryview:
    rows = np.empty(table[0].shape[0], _row_of(table))
    # Blocks stay in the processor's cache until all of their fields are written.
    step = max(1, _BLOCK_BYTES // max(1, rows.itemsize))
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        for at, record in enumerate(table):
            block[f"f{at}"] = arrays[record.name][start : start + step]
    return rows.view(np.uint8).data


def unpack(data: bytes) -> tuple[Header, Arrays]:
    """Deserialise a snapshot; the arrays are views of `data`.

    Raises
    ------
    SnapshotError
        If any bit has changed, or the schema is not supported.
    """
    if len(data) < _PREFIX.size + DIGEST_BYTES:
        raise SnapshotError(f"the snapshot is truncated: it has {len(data)} bytes")
    magic, schema, length = _PREFIX.unpack_from(data)
    if magic != _MAGIC:
        raise SnapshotError(f"not a snapshot: it starts with {magic!r}, not {_MAGIC!r}")
    if schema not in _READ:
        raise SnapshotError(
            f"snapshot schema {schema} is not supported; this version reads {_READ[0]} to {SCHEMA}"
        )
    size = len(data) - (_BLAKE_BYTES if schema <= _BLAKE else DIGEST_BYTES)
    body = memoryview(data)[: max(size, 0)]
    if digest_of([body], schema) != data[len(body) :]:
        raise SnapshotError("checksum mismatch: bytes of the snapshot are missing or have changed")
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
        count = math.prod(length for length in record.shape if length)
        if record.dtype not in _DTYPES or min(record.shape, default=0) < 0 or count > _MAX_COUNT:
            raise SnapshotError(
                f"array {record.name!r} has an unsupported dtype or shape: {record.dtype}"
                f" {record.shape}"
            )
    if len({record.name for record in records}) < len(records):
        raise SnapshotError("duplicate array name in the header")


def _tables(records: Sequence[ArrayRecord]) -> list[tuple[ArrayRecord, ...]]:
    """Group arrays into tables, in the order of each table's first array."""
    tables: dict[tuple[str, int], list[ArrayRecord]] = {}
    for record in records:
        begin, colon, _ = record.name.partition(TABLE)
        rows = record.shape[0] if colon and record.shape else -1
        tables.setdefault((begin if rows >= 0 else record.name, rows), []).append(record)
    return [tuple(table) for table in tables.values()]


def _row_of(table: Sequence[ArrayRecord]) -> np.dtype[Any]:
    """Return the dtype of a table's rows."""
    return np.dtype([(f"f{at}", record.dtype, record.shape[1:]) for at, record in enumerate(table)])


def _arrays(tables: Sequence[Sequence[ArrayRecord]], body: memoryview) -> Arrays:
    arrays: Arrays = {}
    start = 0
    for table in tables:
        size = sum(_bytes_of(record) for record in table)
        stop = start + size
        if stop > len(body):
            raise SnapshotError(f"array {table[0].name!r} exceeds the end of the snapshot")
        arrays |= _columns(table, body[start:stop])
        start = stop
    if start != len(body):
        raise SnapshotError(f"{len(body) - start} bytes after the last array")
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
