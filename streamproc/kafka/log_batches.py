"""Split fetched bytes into verified batches of Kafka's log format."""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from streamproc.kafka.codecs import CompressionError, decompress
from streamproc.kafka.compat import DefaultRecordBatch, LegacyRecordBatch

__all__ = ["HEADER", "LEGACY", "Batch", "Fetch", "batches", "is_complete", "unpacked"]

#: Offset, length, leader epoch, magic, checksum, attributes, last offset delta, first and largest
#: timestamp, producer id, producer epoch, sequence, number of records.
HEADER: Final = struct.Struct(">qiibIhiqqqhii")
#: Magic of the formats before Kafka 0.11.
LEGACY: Final = (0, 1)

_MAGIC: Final = 2
_FRAME: Final = struct.Struct(">qi")
_MAGIC_AT: Final = 16
_CODEC_BITS: Final = 0x07
_ATTRIBUTES_LOW_BYTE: Final = 22
# Legacy messages: checksum, magic, attributes, and a timestamp in magic 1.
_MIN_LENGTH: Final = 14
_LEGACY_ATTRIBUTES_AT: Final = 17
_LEGACY_KEY_AT: Final = (18, 26)


class Fetch(NamedTuple):
    """The fetched bytes of a partition.

    Attributes
    ----------
    topic, partition
        Topic and partition number.
    offset
        Requested offset.
    highwater
        High watermark: offset after the last replicated record. Brokers take it before they read
        the data, which may go beyond it.
    aborted
        Producer id and first offset of each aborted transaction; None: not in the response.
    data
        Batches; the last one may be cut off.
    """

    topic: str
    partition: int
    offset: int
    highwater: int
    aborted: list[tuple[int, int]] | None
    data: bytes


class Batch(NamedTuple):
    """A batch of the log.

    Attributes
    ----------
    view
        All of its bytes.
    base, last
        Its first and its last offset.
    magic, attributes, timestamp, producer
        As in its header; the timestamp is the largest one.
    fault
        Why it is damaged, so that only the offsets are valid; empty if it is not.
    """

    view: memoryview
    base: int
    last: int
    magic: int = _MAGIC
    attributes: int = 0
    timestamp: int = 0
    producer: int = -1
    fault: str = ""

    @property
    def is_control(self) -> bool:
        """Whether it holds a transaction's end marker."""
        return bool(self.magic == _MAGIC and self.attributes & 0x20)

    @property
    def is_transactional(self) -> bool:
        """Whether it was written in a transaction."""
        return bool(self.magic == _MAGIC and self.attributes & 0x10)

    @property
    def timestamp_type(self) -> int:
        """0 for the producer's timestamps, 1 for the broker's."""
        return int(bool(self.attributes & 0x08))

    @property
    def codec(self) -> int:
        """Number of its codec; 0 if it is not compressed."""
        return self.attributes & _CODEC_BITS


def is_complete(data: bytes) -> bool:
    """Return whether a fetch begins with a complete frame."""
    return _end(memoryview(data), 0) is not None


def batches(fetch: Fetch) -> Iterator[Batch]:
    """Split a fetch into batches.

    An incomplete batch at the end is left out: the next fetch begins with it. If the first one is
    incomplete, it is damaged: brokers send at least one complete batch.
    """
    view, at, expected = memoryview(fetch.data), 0, fetch.offset
    while (end := _end(view, at)) is not None:
        below = _next_base(view, end, expected, fetch.highwater)
        batch = _checked(view[at:end], expected, below, fetch.highwater)
        yield batch
        expected, at = max(expected, batch.last + 1), end
    if at == 0:
        fault = "it is cut off, or its length is wrong"
        yield _damaged(view, expected, fetch.highwater, fault)


def unpacked(batch: Batch, limit: int) -> memoryview:
    """Return the bytes of a batch, decompressed to at most `limit` bytes.

    Raises
    ------
    UnpackedTooLargeError
        If it decompresses to more.
    CompressionError
        If it cannot be decompressed.
    """
    view = batch.view
    if not batch.codec:
        return view
    if batch.magic in LEGACY:  # its parser decompresses it again, within this limit
        decompress(batch.codec, _legacy_value(batch), limit)
        return view
    head = bytearray(view[: HEADER.size])
    head[_ATTRIBUTES_LOW_BYTE] &= ~_CODEC_BITS & 0xFF
    return decompress(batch.codec, view[HEADER.size :], limit, bytes(head))


def _end(view: memoryview, at: int) -> int | None:
    """Return the end of the frame at an index; None if it is incomplete or not a frame."""
    if len(view) - at < _FRAME.size:
        return None
    _, length = _FRAME.unpack_from(view, at)
    end: int = at + _FRAME.size + length
    return end if length >= _MIN_LENGTH and end <= len(view) else None


def _next_base(view: memoryview, at: int, expected: int, highwater: int) -> int:
    """Return the offset that the batch before an index must stay below."""
    if len(view) - at >= _FRAME.size:
        base: int = _FRAME.unpack_from(view, at)[0]
        if expected < base < highwater:
            return base
    return highwater


def _checked(view: memoryview, expected: int, below: int, highwater: int) -> Batch:
    magic, fault = view[_MAGIC_AT], _fault(view)
    if fault:
        return _damaged(view, expected, below, fault)
    if magic in LEGACY:
        base = _FRAME.unpack_from(view)[0]
        return Batch(view, base, base, magic, view[_LEGACY_ATTRIBUTES_AT])
    base, _, _, _, _, attributes, delta, _, timestamp, producer, *_ = HEADER.unpack_from(view)
    # The checksum does not cover the first offset. Beyond the high watermark, batches have no gaps.
    within = base + delta < highwater or base <= expected
    if delta < 0 or base + delta < expected or not within:
        fault = f"its last offset {base + delta} is outside of the fetched range"
        return _damaged(view, expected, below, fault)
    return Batch(view, base, base + delta, magic, attributes, timestamp, producer)


def _fault(view: memoryview) -> str:
    """Return why a batch is damaged; empty if it is not."""
    magic = view[_MAGIC_AT]
    if magic > _MAGIC:
        return f"its format, magic {magic}, is unknown"
    if magic == _MAGIC and len(view) < HEADER.size:
        return "it is shorter than its header"
    try:
        parser = DefaultRecordBatch(view) if magic == _MAGIC else LegacyRecordBatch(view, magic)
        return "" if parser.validate_crc() else "its checksum does not match"
    except Exception as error:  # noqa: BLE001  the parser raises whatever its buffers do
        return f"{type(error).__name__}: {error}"


def _damaged(view: memoryview, expected: int, below: int, fault: str) -> Batch:
    """Return a damaged batch with the offsets to skip, taken from its header if plausible.

    A damaged header must not skip readable records, or lead past the end of the log, where a
    consumer would be reset to its beginning.
    """
    base = last = -1
    if len(view) >= _FRAME.size:
        base = _FRAME.unpack_from(view)[0]
    if len(view) >= HEADER.size and view[_MAGIC_AT] == _MAGIC:
        last = base + HEADER.unpack_from(view)[6]
    found = next((offset for offset in (last, base) if expected <= offset < below), expected)
    return Batch(view, base if 0 <= base <= found else found, found, fault=fault)


def _legacy_value(batch: Batch) -> memoryview:
    at, sizes = _LEGACY_KEY_AT[batch.magic], struct.Struct(">i")
    try:
        (key,) = sizes.unpack_from(batch.view, at)
        at += sizes.size + max(0, key)
        (size,) = sizes.unpack_from(batch.view, at)
    except struct.error as error:
        raise CompressionError(f"it has no value: {error}") from error
    return batch.view[at + sizes.size : at + sizes.size + max(0, size)]
