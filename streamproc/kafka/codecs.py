"""Decompress Kafka's codecs into a bounded buffer."""

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Final

from streamproc.kafka.errors import ClientLibraryError

with suppress(ImportError):  # reported by require_codecs, when a client is opened
    import cramjam

__all__ = [
    "CODECS",
    "CompressionError",
    "UnpackedTooLargeError",
    "decompress",
    "require_codecs",
]

#: Names by the codec bits of a batch's attributes; 0 is not compressed.
CODECS: Final = {1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
# The header of snappy-java's block stream, which Java clients write: magic and two versions.
_XERIAL_MAGIC: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16
# JSON compresses to about a tenth: most batches fit into the first buffer.
_FIRST_RATIO: Final = 16
_MIN_BUFFER: Final = 2**16
_STEP_BYTES: Final = 2**20
# cramjam's message when the output does not fit into the buffer.
_BUFFER_FULL: Final = "failed to write whole buffer"


class CompressionError(Exception):
    """Compressed data is damaged, or of a codec that Kafka does not define."""


class UnpackedTooLargeError(Exception):
    """Data unpacks to more bytes than allowed; nothing beyond the limit was allocated."""


def require_codecs() -> None:
    """Check that all of Kafka's codecs can be decompressed.

    Raises
    ------
    ClientLibraryError
        If the package for lz4, snappy and zstd is missing.
    """
    if find_spec("cramjam") is None:
        raise ClientLibraryError(
            "the package cramjam is not installed, so lz4, snappy and zstd batches cannot be"
            " read: pip install cramjam, or install streamproc with its dependencies"
        )


def decompress(codec: int, data: memoryview, limit: int, head: bytes = b"") -> memoryview:
    """Decompress at most `limit` bytes.

    Parameters
    ----------
    codec
        The codec bits of a batch's attributes; a key of `CODECS`.
    data
        Compressed bytes.
    limit
        Maximum bytes of output, which bounds the memory and the work.
    head
        Bytes to put before the output, which saves a copy.

    Raises
    ------
    UnpackedTooLargeError
        If the output would exceed `limit` bytes.
    CompressionError
        If the data is damaged, or the codec is unknown.

    Examples
    --------
    >>> packed = memoryview(zlib.compress(bytes(1000)))
    >>> len(decompress(1, packed, 1000))
    1000
    >>> decompress(1, packed, 999)
    Traceback (most recent call last):
    ...
    streamproc.kafka.codecs.UnpackedTooLargeError: more than 999 bytes
    """
    name = CODECS.get(codec)
    if name is None:
        raise CompressionError(f"codec {codec} is not one of Kafka's")
    if name == "gzip":
        return memoryview(_gunzip(data, limit, head))
    require_codecs()
    try:
        if name == "snappy":
            return memoryview(_unsnap(data, limit, head))
        into = cramjam.lz4.decompress_into if name == "lz4" else cramjam.zstd.decompress_into
        return _grow(into, data, limit, head)
    except (cramjam.DecompressionError, struct.error, ValueError, OverflowError) as error:
        raise CompressionError(f"{name}: {error}") from error


def _gunzip(data: memoryview, limit: int, head: bytes) -> bytearray:
    unpacked, remaining = bytearray(head), bytes(data)
    most = len(head) + limit
    try:
        while remaining:  # a stream may have several members
            member = zlib.decompressobj(_GZIP_OR_ZLIB)
            while not member.eof:
                # In steps, since a single call would hold its output twice.
                step = member.decompress(remaining, min(_STEP_BYTES, most - len(unpacked) + 1))
                remaining = member.unconsumed_tail
                if not (step or remaining or member.eof):
                    raise CompressionError("gzip: the stream is cut off")
                unpacked += step
                if len(unpacked) > most:
                    raise UnpackedTooLargeError(f"more than {limit} bytes")
            remaining = member.unused_data
    except zlib.error as error:
        raise CompressionError(f"gzip: {error}") from error
    return unpacked


def _unsnap(data: memoryview, limit: int, head: bytes) -> bytearray:
    unpacked, most = bytearray(head), len(head) + limit
    if bytes(data[: len(_XERIAL_MAGIC)]) != _XERIAL_MAGIC:
        unpacked += _unsnap_block(data, limit)
        return unpacked
    at = _XERIAL_HEADER_BYTES
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        at += 4
        if not 0 < size <= len(data) - at:
            raise CompressionError(f"snappy: a block of {size} bytes, {len(data) - at} are left")
        unpacked += _unsnap_block(data[at : at + size], most - len(unpacked))
        at += size
    return unpacked


def _unsnap_block(data: memoryview, limit: int) -> memoryview:
    # The length precedes the data; the decoder verifies it.
    if cramjam.snappy.decompress_raw_len(data) > limit:
        raise UnpackedTooLargeError(f"more than {limit} bytes")
    return memoryview(cramjam.snappy.decompress_raw(data))


def _grow(into: Callable[..., int], data: memoryview, limit: int, head: bytes) -> memoryview:
    """Decompress into a buffer that is doubled up to the limit while it is too small.

    cramjam's decoders are only limited by the size of their output buffer. All attempts together
    cost at most twice the last one.
    """
    start = len(head)
    size = min(limit, max(_MIN_BUFFER, _FIRST_RATIO * len(data)))
    while True:
        buffer = bytearray(start + size)
        try:
            count = into(data, memoryview(buffer)[start:])
        except cramjam.DecompressionError as error:
            if _BUFFER_FULL not in str(error):
                raise
        else:
            buffer[:start] = head
            return memoryview(buffer)[: start + count]
        del buffer  # before the next one is allocated
        if size == limit:
            raise UnpackedTooLargeError(f"more than {limit} bytes")
        size = min(limit, 2 * size)
