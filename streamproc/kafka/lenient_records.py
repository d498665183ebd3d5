"""Parse a batch that aiokafka's compiled parser rejects, record by record."""

from collections.abc import Iterator
from typing import Any, Final

from streamproc.kafka.compat import DefaultRecord
from streamproc.kafka.log_batches import HEADER
from streamproc.schemas.records import Reason, UnreadableRecord

__all__ = ["read_records"]

_MAX_VARINT_BITS: Final = 63
_APPEND_TIME_BIT: Final = 0x08
_SHOWN_BYTES: Final = 40


class _MalformedError(Exception):
    """Bytes do not follow Kafka's record format."""


def read_records(view: memoryview, topic: str, partition: int, skip: int = 0) -> Iterator[Any]:
    """Yield the records of a batch; one that cannot be parsed as an `UnreadableRecord`.

    Parameters
    ----------
    view
        An uncompressed batch of the current format, with a valid checksum.
    topic, partition
        Where it comes from.
    skip
        Number of records at its beginning to leave out.

    Notes
    -----
    Each record begins with its length, so a malformed record only affects itself. After a wrong
    length, the remaining batch is one unreadable record at the batch's last offset.
    """
    base, _, _, _, _, attributes, delta, first_time, max_time, *_, count = HEADER.unpack_from(view)
    append_time = max_time if attributes & _APPEND_TIME_BIT else None
    at, expected, index = HEADER.size, base, 0
    fault = ""
    while index < count and at < len(view):
        try:
            length, start = _varint(view, at)
            _require(0 <= length <= len(view) - start, f"a record of {length} bytes")
        except _MalformedError as error:
            fault = str(error)
            break
        frame = _Frame(view[start : start + length], topic, partition, append_time)
        record = frame.read(base, first_time, expected)
        if index >= skip:
            yield record
        at, expected, index = start + length, max(expected, record.offset) + 1, index + 1
    if index < count or at < len(view):
        yield UnreadableRecord(
            *(topic, partition, base + delta, max(0, max_time), int(append_time is not None)),
            reason=Reason.CORRUPT,
            detail=f"the records from offset {expected} to {base + delta} cannot be parsed:"
            f" {fault or f'{count} records are {len(view) - at} bytes off the end of their batch'}",
        )


class _Frame:
    """The bytes of one record.

    Parameters
    ----------
    view
        The bytes after the length.
    topic, partition
        Where it comes from.
    append_time
        Its timestamp, if the broker sets it.
    """

    def __init__(
        self, view: memoryview, topic: str, partition: int, append_time: int | None
    ) -> None:
        self._view = view
        self._home = topic, partition
        self._append_time = append_time
        self._at = 1  # after the attributes, which Kafka does not use yet

    def read(self, base: int, first_time: int, expected: int) -> Any:
        """Parse the record; `expected` is its offset unless the record has another."""
        offset, time = expected, max(0, first_time)
        key = value = None
        headers: list[tuple[bytes, bytes | None]] = []
        try:
            delta = self._int()
            time = first_time + delta if self._append_time is None else self._append_time
            offset = base + self._int()
            key, value = self._bytes(), self._bytes()
            for _ in range(self._int()):
                name = self._bytes()
                _require(name is not None, "a header without a name")
                headers.append((name or b"", self._bytes()))
            _require(self._at == len(self._view), f"{len(self._view) - self._at} bytes too many")
            names = [name.decode() for name, _ in headers]
            values = [content for _, content in headers]
            kind = int(self._append_time is not None)
            return DefaultRecord(
                offset, time, kind, key, value, list(zip(names, values, strict=True))
            )
        except UnicodeDecodeError as error:
            wrong = error.object[:_SHOWN_BYTES]
            reason, detail = Reason.NOT_UTF8, f"the name of its header {wrong!r} is not UTF-8"
        except (_MalformedError, OverflowError) as error:
            reason, detail = Reason.CORRUPT, str(error)
        return UnreadableRecord(
            *(*self._home, offset, max(0, time), int(self._append_time is not None)),
            reason=reason,
            detail=f"the record cannot be parsed: {detail}",
            key=key,
            original=value,
            original_headers=[
                (name.decode(errors="backslashreplace"), content) for name, content in headers
            ],
        )

    def _int(self) -> int:
        found, self._at = _varint(self._view, self._at)
        return found

    def _bytes(self) -> bytes | None:
        size = self._int()
        if size < 0:
            return None
        left = len(self._view) - self._at
        _require(size <= left, f"a field of {size} bytes, {left} are left")
        found = bytes(self._view[self._at : self._at + size])
        self._at += size
        return found


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    """Return the zigzag varint at an index, and the index after it."""
    found = shift = 0
    while True:
        _require(at < len(view) and shift <= _MAX_VARINT_BITS, "a number is cut off, or too long")
        byte = view[at]
        at += 1
        found |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return (found >> 1) ^ -(found & 1), at
        shift += 7


def _require(holds: bool, detail: str) -> None:  # noqa: FBT001  an assertion
    if not holds:
        raise _MalformedError(detail)
