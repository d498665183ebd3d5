"""Batches of Kafka's log, byte by byte: what producers write, and what no producer should."""

import gzip
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import cramjam
from aiokafka.codec import lz4_encode
from aiokafka.record.util import calc_crc32c

from streamproc.kafka.log_batches import HEADER, Fetch

CODECS: Final[dict[str, tuple[int, Callable[[bytes], Any]]]] = {
    "none": (0, bytes),
    "gzip": (1, gzip.compress),
    "snappy": (2, cramjam.snappy.compress_raw),
    "lz4": (3, lz4_encode),  # Kafka takes no blocks that depend on one another
    "zstd": (4, cramjam.zstd.compress),
}
TRANSACTIONAL, CONTROL = 0x10, 0x20
TIME: Final = 1_767_225_600_000


class Put(NamedTuple):
    """A record to be written."""

    value: bytes | None = b"v"
    key: bytes | None = b"k"
    headers: Sequence[tuple[bytes, bytes | None]] = ()


def varint(number: int) -> bytes:
    """Encode a number in zigzag."""
    left, out = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes(out) + bytes([left])


def field(content: bytes | None) -> bytes:
    """Encode a field with its length."""
    return varint(-1) if content is None else varint(len(content)) + content


def body(put: Put, delta: int) -> bytes:
    """Encode a record without its length."""
    headers = b"".join(field(name) + field(value) for name, value in put.headers)
    start = b"\0" + varint(delta) + varint(delta)
    return start + field(put.key) + field(put.value) + varint(len(put.headers)) + headers


def framed(content: bytes) -> bytes:
    """Put a record's length before it."""
    return varint(len(content)) + content


def batch(
    puts: Sequence[Put],
    base: int = 0,
    codec: str = "none",
    *,
    attributes: int = 0,
    producer: int = -1,
    payload: bytes | None = None,
    count: int | None = None,
    time: int = TIME,
) -> bytes:
    """Encode a batch whose checksum is right; `payload` stands in for its records."""
    if payload is None:
        payload = b"".join(framed(body(put, delta)) for delta, put in enumerate(puts))
    number, pack = CODECS[codec]
    payload = bytes(pack(payload))
    last = max(0, len(puts) - 1)
    head = HEADER.pack(
        *(base, HEADER.size - 12 + len(payload), 0, 2, 0, attributes | number, last),
        *(time, time + last, producer, 0, 0, len(puts) if count is None else count),
    )
    return checked(head + payload)


def checked(data: bytes) -> bytes:
    """Give a batch the checksum of what is in it."""
    return data[:17] + struct.pack(">I", calc_crc32c(data[21:])) + data[21:]


def marker(base: int, producer: int, *, commit: bool) -> bytes:
    """Encode the marker at the end of a transaction."""
    key = struct.pack(">HH", 0, int(commit))
    return batch([Put(b"\0" * 6, key)], base, attributes=TRANSACTIONAL | CONTROL, producer=producer)


def fetch(
    data: bytes,
    offset: int = 0,
    highwater: int = 1000,
    aborted: list[tuple[int, int]] | None = None,
) -> Fetch:
    """Let a consumer have fetched some batches."""
    return Fetch("topic", 3, offset, highwater, aborted, data)
