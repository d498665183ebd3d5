"""Encode fetch requests and decode their responses in few calls.

aiokafka describes a message by nested schemas and encodes each field by a function call: 1,000
calls for a fetch of twelve partitions, which is more than anything else that an idle or live
consumer does. Only version 11, which brokers since Kafka 2.3 use, has a codec here; other versions
are left to the library, and so is what a consumer never sends.
"""

import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final, NamedTuple, Self

from aiokafka import AIOKafkaConsumer
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v11, FetchResponse_v11

from streamproc.kafka.compat import Send, intercept_requests
from streamproc.kafka.repeated_fetch import RepeatedFetch

__all__ = ["speed_up_fetches"]

_INT16: Final = struct.Struct(">h")
_INT32: Final = struct.Struct(">i")
# Header of a request: API key and version, correlation id.
_HEADER: Final = struct.Struct(">hhi")
# Request: replica, max wait, min and max bytes, isolation level, session and epoch, topics.
_REQUEST: Final = struct.Struct(">iiiibiii")
# Of a partition: number, leader epoch, offset, log start, max bytes.
_ASKED: Final = struct.Struct(">iiqqi")
# Response: throttle time, error, session, topics.
_RESPONSE: Final = struct.Struct(">ihii")
# Of a partition: number, error, high watermark, stable offset, log start, aborted transactions.
_FOUND: Final = struct.Struct(">ihqqqi")
_ABORTED: Final = struct.Struct(">qq")
# Preferred replica, bytes of records.
_RECORDS: Final = struct.Struct(">ii")


def speed_up_fetches(consumer: AIOKafkaConsumer) -> None:
    """Make a consumer encode and decode its fetches with this module.

    Parameters
    ----------
    consumer
        A consumer, started or not.
    """

    def fast(send: Send) -> Send:
        async def send_fast(node_id: Any, request: Any, **options: Any) -> Any:
            if isinstance(request, FetchRequest):
                request.prepare = _prepared(request)
            return await send(node_id, request, **options)

        return send_fast

    intercept_requests(consumer, fast)


def _prepared(request: FetchRequest) -> Callable[..., Any]:
    prepare = request.prepare

    def prepare_fast(versions: Any) -> Any:
        prepared: Any = prepare(versions)
        if type(prepared) is FetchRequest_v11 and not prepared.forgotten_topics_data:
            prepared.__class__ = _Request
            if isinstance(request, RepeatedFetch):
                prepared.session_id, prepared.session_epoch = request.session
        return prepared

    return prepare_fast


class _Response(FetchResponse_v11):  # type: ignore[misc]
    """A response that equals the library's."""

    @classmethod
    def decode(cls, data: BytesIO | bytes) -> Self:
        """Decode a response from the position of a buffer on.

        Raises
        ------
        ValueError
            If it is cut off.
        """
        stream = BytesIO(data) if isinstance(data, bytes) else data
        try:
            return cls(*_decoded(stream.getvalue(), stream.tell()))
        except struct.error as error:
            raise ValueError(f"a fetch response is cut off: {error}") from error


class _RequestHeader(NamedTuple):
    """Names a request of version 11, and its client."""

    correlation_id: int
    client_id: str

    def encode(self) -> bytes:
        """Encode the header."""
        key, version = FetchRequest_v11.API_KEY, FetchRequest_v11.API_VERSION
        return _HEADER.pack(key, version, self.correlation_id) + _text(self.client_id)


class _ResponseHeader(NamedTuple):
    """Names the request that a response is of."""

    correlation_id: int


class _Request(FetchRequest_v11):  # type: ignore[misc]
    """A request with the bytes of the library's."""

    RESPONSE_TYPE = _Response

    def build_request_header(self, correlation_id: int, client_id: str) -> _RequestHeader:
        """Return the header of the request."""
        return _RequestHeader(correlation_id, client_id)

    def parse_response_header(self, read_buffer: BytesIO) -> _ResponseHeader:
        """Read the header of a response.

        Raises
        ------
        ValueError
            If it is cut off.
        """
        data = read_buffer.read(_INT32.size)
        if len(data) != _INT32.size:
            raise ValueError(f"the header of a fetch response is cut off: {len(data)} bytes")
        return _ResponseHeader(*_INT32.unpack(data))

    def encode(self) -> bytes:
        """Encode the request."""
        fields: Any = self
        parts = [
            _REQUEST.pack(
                *(fields.replica_id, fields.max_wait_time, fields.min_bytes, fields.max_bytes),
                *(fields.isolation_level, fields.session_id, fields.session_epoch),
                len(fields.topics),
            )
        ]
        for topic, partitions in fields.topics:
            parts += (_text(topic), _INT32.pack(len(partitions)))
            parts += [_ASKED.pack(*partition) for partition in partitions]
        parts += (_INT32.pack(0), _text(fields.rack_id))
        return b"".join(parts)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _INT16.pack(len(encoded)) + encoded


def _decoded(data: bytes, at: int) -> tuple[int, int, int, list[Any]]:
    """Return throttle time, error, session and topics."""
    throttled, error, session, count = _RESPONSE.unpack_from(data, at)
    at += _RESPONSE.size
    topics: list[Any] = []
    for _ in range(count):
        (length,) = _INT16.unpack_from(data, at)
        at += _INT16.size
        name = data[at : at + length].decode()
        at += length
        (partitions,) = _INT32.unpack_from(data, at)
        at += _INT32.size
        found: list[Any] = []
        for _ in range(partitions):
            partition, at = _partition(data, at)
            found.append(partition)
        topics.append((name, found))
    return throttled, error, session, topics


def _partition(data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
    """Return the fields of a partition, and the index after them."""
    *head, transactions = _FOUND.unpack_from(data, at)
    at += _FOUND.size
    aborted: list[tuple[int, int]] | None = None
    if transactions >= 0:
        end = at + transactions * _ABORTED.size
        aborted = [(_ABORTED.unpack_from(data, each)) for each in range(at, end, _ABORTED.size)]
        at = end
    replica, size = _RECORDS.unpack_from(data, at)
    at += _RECORDS.size
    records = None if size < 0 else data[at : at + size]
    if records is not None and len(records) != size:
        raise ValueError(f"a fetch response is cut off within {size} bytes of records")
    return (*head, aborted, replica, records), at + max(size, 0)
