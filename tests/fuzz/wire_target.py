"""Bytes of Kafka's log, as a broker may send them."""

import struct
from typing import Final

from wire_format import CODECS, TRANSACTIONAL, Put, batch, checked, fetch, marker

from streamproc.kafka.partition_reader import PartitionReader
from streamproc.schemas.records import UnreadableRecord

OFFSET: Final = 10
HIGHWATER: Final = 1000
_LIMIT: Final = 2**16
_PUTS: Final = (
    Put(b'{"model_id": "m"}', b"m", [(b"content-type", b"application/json"), (b"\xff", None)]),
    Put(None, None),
    Put(b"x" * 300, b"\xff\xfe", [(b"n%d" % number, b"v") for number in range(9)]),
)


def batches(data: bytes) -> None:
    """Read what a fetch brought: as it is, and as if every checksum held."""
    for raw in (data, _with_checksums(data)):
        reader = PartitionReader(fetch(raw, OFFSET, HIGHWATER, [(7, 0)]), _LIMIT)
        at, beyond = OFFSET - 1, 0
        for record in reader:
            assert record.offset > at
            at = record.offset
            beyond += at >= HIGHWATER
            assert reader.next_fetch_offset == at + 1
            for name, _ in record.headers:
                name.encode()
            if isinstance(record, UnreadableRecord):
                assert "\n" not in str(record)
                record.detail.encode()
                for name, _ in record.original_headers:
                    name.encode()
        # A consumer that stays where it is fetches the same for ever; one behind the end of the
        # log is sent back to its beginning. Beyond the high watermark each offset has a record.
        assert OFFSET < reader.next_fetch_offset <= HIGHWATER + beyond


def batches_seeds() -> list[bytes]:
    """Return batches of every codec, and a transaction."""
    return [
        *(batch(_PUTS, OFFSET, codec) + batch(_PUTS[:1], OFFSET + 3) for codec in CODECS),
        batch(_PUTS, OFFSET, attributes=TRANSACTIONAL, producer=7)
        + marker(OFFSET + 3, 7, commit=False)
        + batch(_PUTS, OFFSET + 4, attributes=TRANSACTIONAL, producer=7),
    ]


def _with_checksums(data: bytes) -> bytes:
    out, at = b"", 0
    while len(data) - at > 61:
        (length,) = struct.unpack_from(">i", data, at + 8)
        end = at + 12 + length
        if not 49 <= length <= len(data) - at - 12:
            break
        out += checked(data[at:end])
        at = end
    return out + data[at:]
