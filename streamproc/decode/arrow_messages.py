"""Measure a stream of Arrow's messages before anything of it is decompressed.

A compressed buffer names its size, and a batch its number of rows. Both are read from the metadata
(FlatBuffers; Message.fbs and Schema.fbs of the Arrow columnar format 1.5), so that a small record
cannot ask for more memory than `limits.record_bytes` grants to a large one.
"""

import struct
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

# Places of fields in their FlatBuffers tables.
_HEADER: Final = 2  # of a Message
_DATA: Final = 1  # of a DictionaryBatch
_LENGTH, _BUFFERS, _COMPRESSION = 0, 2, 3  # of a RecordBatch
_UNPACKED: Final = -1  # in place of the size of a compressed buffer that was not worth it


class Measured(NamedTuple):
    """Rows of all batches, and bytes of all buffers once they are decompressed."""

    rows: int
    size: int


def measure(messages: Iterator[Any]) -> Measured:
    """Return what messages hold.

    Parameters
    ----------
    messages
        Messages of `pyarrow.ipc.MessageReader`, which has verified their metadata.

    Raises
    ------
    struct.error
        If a buffer is not within the body of its message.
    """
    rows = size = 0
    for message in messages:
        if message.type not in {"record batch", "dictionary"}:
            continue
        metadata, body = memoryview(message.metadata), memoryview(message.body or b"")
        (root,) = struct.unpack_from("<I", metadata)
        batch = _table(metadata, _field(metadata, root, _HEADER))
        if message.type == "dictionary":
            batch = _table(metadata, _field(metadata, batch, _DATA))
        elif (length := _field(metadata, batch, _LENGTH)) is not None:
            rows += max(struct.unpack_from("<q", metadata, length)[0], 0)
        is_packed = _field(metadata, batch, _COMPRESSION) is not None
        size += sum(_sizes(metadata, batch, body)) if is_packed else len(body)
    return Measured(rows, size)


def _sizes(metadata: memoryview, batch: int, body: memoryview) -> Iterator[int]:
    """Return the size of each buffer of a compressed batch."""
    start = _table(metadata, _field(metadata, batch, _BUFFERS))
    (count,) = struct.unpack_from("<I", metadata, start)
    for at in range(start + 4, start + 4 + 16 * count, 16):
        offset, length = struct.unpack_from("<qq", metadata, at)
        if length > 0:
            if offset < 0:
                raise struct.error("a buffer begins before its body")
            (unpacked,) = struct.unpack_from("<q", body, offset)
            yield length if unpacked == _UNPACKED else max(unpacked, 0)


def _field(data: memoryview, table: int, place: int) -> int | None:
    """Return where a field of a table is; None if it has its default."""
    (back,) = struct.unpack_from("<i", data, table)
    (size,) = struct.unpack_from("<H", data, table - back)
    if 4 + 2 * place >= size:
        return None
    (offset,) = struct.unpack_from("<H", data, table - back + 4 + 2 * place)
    return table + offset if offset else None


def _table(data: memoryview, field: int | None) -> int:
    """Return where the table or vector is that a field refers to."""
    if field is None:
        raise struct.error("a required field is missing")
    return field + int(struct.unpack_from("<I", data, field)[0])
