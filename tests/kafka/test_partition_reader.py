"""What a fetch brought, good or bad, becomes records."""

import struct
from typing import Any

import pytest
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from wire_format import (
    CODECS,
    CONTROL,
    TIME,
    TRANSACTIONAL,
    Put,
    batch,
    body,
    fetch,
    framed,
    marker,
    varint,
)
from wire_format import checked as with_checksum

from streamproc.kafka.log_batches import Fetch
from streamproc.kafka.partition_reader import PartitionReader
from streamproc.schemas.records import Reason, UnreadableRecord

LIMIT = 1 << 20
CODED = [name for name in CODECS if name != "none"]


def read(found: Fetch, **options: Any) -> tuple[list[Any], list[UnreadableRecord], int]:
    """Return what can be read of a fetch, what cannot, and where the next one begins."""
    reader = PartitionReader(found, LIMIT, **options)
    records = list(reader)
    offsets = [record.offset for record in records]
    assert offsets == sorted(set(offsets))
    bad = [record for record in records if isinstance(record, UnreadableRecord)]
    good = [record for record in records if not isinstance(record, UnreadableRecord)]
    return good, bad, reader.next_fetch_offset


def values(records: list[Any]) -> list[bytes]:
    """Return the values of some records."""
    return [record.value for record in records]


def three(first: int = 0) -> list[Put]:
    """Make three records."""
    return [Put(b"v%d" % number, b"k", [(b"name", b"\xff")]) for number in range(first, first + 3)]


@pytest.mark.parametrize("codec", CODECS)
def test_batches_of_every_codec_are_read(codec: str) -> None:
    """Records come with all of their fields, in order, from batch after batch."""
    good, bad, following = read(fetch(batch(three(), 10, codec) + batch(three(3), 13, codec), 10))
    assert bad == []
    assert following == 16
    assert values(good) == [b"v%d" % number for number in range(6)]
    assert [record.offset for record in good] == list(range(10, 16))
    assert [record.timestamp - TIME for record in good] == [0, 1, 2, 0, 1, 2]
    assert {(record.key, tuple(record.headers)) for record in good} == {
        (b"k", (("name", b"\xff"),))
    }


@pytest.mark.parametrize("codec", CODED)
def test_a_batch_that_unpacks_to_too_much_is_one_unreadable_record(codec: str) -> None:
    """It names all of its offsets and is not unpacked; what is around it is read."""
    bomb = batch([Put(bytes(2 * LIMIT)), *three()], 3, codec)
    assert len(bomb) < LIMIT // 4
    good, bad, following = read(fetch(batch(three()) + bomb + batch(three(3), 7)))
    assert values(good) == [b"v%d" % number for number in range(6)]
    assert [(record.offset, record.reason) for record in bad] == [(6, Reason.TOO_LARGE)]
    assert "offsets 3 to 6" in bad[0].detail
    assert following == 10


@pytest.mark.parametrize("codec", CODECS)
def test_a_header_name_that_is_not_utf8_costs_its_record_alone(codec: str) -> None:
    """The record keeps its key, its value and its headers for the dead letter."""
    puts = three()
    puts[1] = Put(b"value", b"key", [(b"fine", b"1"), (b"\xff\xfe", b"2")])
    good, bad, following = read(fetch(batch(puts, 5, codec), 5))
    assert values(good) == [b"v0", b"v2"]
    assert following == 8
    [record] = bad
    assert (record.offset, record.reason) == (6, Reason.NOT_UTF8)
    assert (record.key, record.original, record.value) == (b"key", b"value", None)
    assert list(record.headers) == []
    assert list(record.original_headers) == [("fine", b"1"), ("\\xff\\xfe", b"2")]
    assert record.timestamp == TIME + 1


def test_a_record_that_is_malformed_costs_itself() -> None:
    """Its length says where the next one begins."""
    bodies = [body(Put(b"v%d" % number), number) for number in range(3)]
    bodies[1] = b"\0" + varint(1) + varint(1) + varint(500) + b"cut off"
    payload = b"".join(map(framed, bodies))
    good, bad, _ = read(fetch(batch(three(), payload=payload)))
    assert values(good) == [b"v0", b"v2"]
    assert [(record.offset, record.reason) for record in bad] == [(1, Reason.CORRUPT)]


@pytest.mark.parametrize("length", [-5, 10_000])
def test_a_wrong_length_costs_the_rest_of_its_batch(length: int) -> None:
    """What comes before it is read, and so is the next batch."""
    payload = framed(body(Put(b"v0"), 0)) + varint(length) + b"rest"
    data = batch(three(), payload=payload) + batch(three(3), 3)
    good, bad, following = read(fetch(data))
    assert values(good) == [b"v0", b"v3", b"v4", b"v5"]
    assert [(record.offset, record.reason) for record in bad] == [(2, Reason.CORRUPT)]
    assert "from offset 1 to 2" in bad[0].detail
    assert following == 6


@pytest.mark.parametrize("count", [1, 7, -1])
def test_a_wrong_number_of_records_is_noticed(count: int) -> None:
    """A batch that holds more or fewer records than it says gives those that are there."""
    good, bad, following = read(fetch(batch(three(), count=count) + batch(three(3), 3)))
    assert values(good)[-3:] == [b"v3", b"v4", b"v5"]
    assert following == 6
    assert len(good) + len(bad) >= 4


@pytest.mark.parametrize("place", [20, 22, 40, 70])
def test_a_batch_whose_checksum_is_wrong_is_skipped(place: int) -> None:
    """Whichever byte of it is not what was written; the batches around it are read."""
    damaged = bytearray(batch(three(), 3))
    damaged[place] ^= 0xFF
    good, bad, following = read(fetch(batch(three()) + bytes(damaged) + batch(three(6), 6)))
    assert values(good) == [b"v0", b"v1", b"v2", b"v6", b"v7", b"v8"]
    assert [record.reason for record in bad] == [Reason.CORRUPT]
    assert "checksum" in bad[0].detail
    assert 3 <= bad[0].offset <= 5
    assert following == 9


@pytest.mark.parametrize("delta", [-7, 2**31 - 1])
def test_a_damaged_header_does_not_lead_out_of_the_log(delta: int) -> None:
    """A consumer behind the end of the log would be sent to its beginning."""
    damaged = bytearray(batch(three(), 3))
    struct.pack_into(">i", damaged, 23, delta)
    _, bad, following = read(fetch(bytes(damaged), 3, highwater=6))
    assert [record.offset for record in bad] == [3]
    assert following == 4


@pytest.mark.parametrize("offset", [0, 1, 3, 4])
@pytest.mark.parametrize("highwater", [0, 1, 3, 4, 5, 6])
def test_records_beyond_the_high_watermark_of_their_response_are_read(
    offset: int, highwater: int
) -> None:
    """Kafka 4.3.1 takes it before it reads them (`Partition.readRecords`), so some are newer."""
    first = offset - offset % 3
    data = b"".join(batch(three(base), base) for base in range(first, 9, 3))
    good, bad, following = read(fetch(data, offset, highwater=highwater))
    assert (values(good), bad) == ([b"v%d" % each for each in range(offset, 9)], [])
    assert following == 9


def test_a_wrong_first_offset_beyond_the_high_watermark_is_noticed() -> None:
    """The checksum does not cover it, and it would lead out of the log."""
    damaged = bytearray(batch(three(6), 6))
    struct.pack_into(">q", damaged, 0, 1 << 40)
    good, bad, following = read(fetch(batch(three(3), 3) + bytes(damaged), 3, highwater=3))
    assert values(good) == [b"v3", b"v4", b"v5"]
    assert [record.offset for record in bad] == [6]
    assert following == 7


@pytest.mark.parametrize("highwater", [3, 5])
def test_a_wrong_last_offset_beyond_the_high_watermark_is_noticed(highwater: int) -> None:
    """Even under a right checksum it counts only as far as there are records."""
    damaged = bytearray(batch(three(3), 3))
    struct.pack_into(">i", damaged, 23, 1 << 20)
    good, bad, following = read(fetch(with_checksum(bytes(damaged)), 3, highwater=highwater))
    assert (good, [record.offset for record in bad], following) == ([], [3], 4)


def test_a_format_that_is_not_known_is_skipped() -> None:
    """Its magic is named."""
    strange = bytearray(batch(three(), 3))
    strange[16] = 9
    good, bad, following = read(fetch(batch(three()) + bytes(strange) + batch(three(6), 6)))
    assert len(good) == 6
    assert "magic 9" in bad[0].detail
    assert following == 9


def test_a_codec_that_is_not_known_is_skipped() -> None:
    """Its number is named, and all of its offsets."""
    data = bytearray(batch(three(), 3))
    data[22] |= 6
    good, bad, following = read(fetch(with_checksum(bytes(data)) + batch(three(6), 6), 3))
    assert len(good) == 3
    assert [(record.offset, record.reason) for record in bad] == [(5, Reason.UNSUPPORTED_CODEC)]
    assert "codec 6" in bad[0].detail
    assert following == 9


@pytest.mark.parametrize("codec", CODED)
def test_compressed_data_that_is_damaged_is_skipped(codec: str) -> None:
    """A checksum that holds does not say that a producer has packed anything."""
    data = bytearray(batch(three()))
    data[22] |= CODECS[codec][0]
    good, bad, following = read(fetch(with_checksum(bytes(data)) + batch(three(3), 3)))
    assert values(good) == [b"v3", b"v4", b"v5"]
    assert [(record.offset, record.reason) for record in bad] == [(2, Reason.CORRUPT)]
    assert following == 6


@pytest.mark.parametrize("cut", [3, 12, 40, 65])
def test_what_is_cut_off_at_the_end_comes_with_the_next_fetch(cut: int) -> None:
    """Brokers cut a fetch where its bytes end; only a fetch of nothing else is damaged."""
    whole = batch(three())
    good, bad, following = read(fetch(whole + batch(three(3), 3)[:cut]))
    assert (len(good), bad, following) == (3, [], 3)
    good, bad, following = read(fetch(batch(three(3), 3)[:cut], 3))
    assert good == []
    assert [record.reason for record in bad] == [Reason.CORRUPT]
    assert 4 <= following <= 6


def test_a_frame_without_a_length_ends_a_fetch() -> None:
    """It can neither be read nor stepped over, so the next fetch begins behind it."""
    good, bad, following = read(fetch(batch(three()) + bytes(80)))
    assert (len(good), bad, following) == (3, [], 3)
    good, bad, following = read(fetch(bytes(80), 3))
    assert [record.offset for record in bad] == [3]
    assert following == 4


def test_records_before_the_offset_that_was_asked_for_are_left_out() -> None:
    """A fetch from the middle of a batch brings all of it."""
    puts = three()
    puts[0] = Put(b"value", b"key", [(b"\xff", b"")])
    good, bad, following = read(fetch(batch(puts), 1))
    assert (values(good), bad, following) == ([b"v1", b"v2"], [], 3)


def test_aborted_records_are_skipped_and_others_between_them_are_not() -> None:
    """A producer's records count again after the marker of its transaction."""
    data = (
        batch([Put(b"aborted")], 0, attributes=TRANSACTIONAL, producer=7)
        + batch([Put(b"committed")], 1, attributes=TRANSACTIONAL, producer=8)
        + batch([Put(b"plain")], 2)
        + batch([Put(b"aborted too")], 3, attributes=TRANSACTIONAL, producer=7)
        + marker(4, 7, commit=False)
        + batch([Put(b"again")], 5, attributes=TRANSACTIONAL, producer=7)
        + marker(6, 7, commit=True)
        + marker(7, 8, commit=True)
    )
    good, bad, following = read(fetch(data, aborted=[(7, 0)]))
    assert values(good) == [b"committed", b"plain", b"again"]
    assert (bad, following) == ([], 8)
    good, _, _ = read(fetch(data, aborted=[(7, 0)]), committed=False)
    assert len(good) == 5


def test_a_marker_that_cannot_be_parsed_still_ends_its_transaction() -> None:
    """It is unreadable at its offset; the producer's next records count."""
    odd = batch([Put(b"", b"")], 1, attributes=TRANSACTIONAL | CONTROL, producer=7)
    data = (
        batch([Put(b"aborted")], 0, attributes=TRANSACTIONAL, producer=7)
        + odd
        + batch([Put(b"again")], 2, attributes=TRANSACTIONAL, producer=7)
    )
    good, bad, following = read(fetch(data, aborted=[(7, 0)]))
    assert values(good) == [b"again"]
    assert [(record.offset, record.reason) for record in bad] == [(1, Reason.CORRUPT)]
    assert following == 3


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [0, 1, 2])
def test_the_formats_before_kafka_0_11_are_read(magic: int, codec: int) -> None:
    """Old log files may still hold them; a bomb among them is not unpacked."""
    small = LegacyRecordBatchBuilder(magic, codec, 1 << 16)
    large = LegacyRecordBatchBuilder(magic, codec, 1 << 30)
    for offset in range(2):
        small.append(offset, timestamp=TIME, key=b"k", value=b"v" * 500)
    large.append(0, timestamp=TIME, key=b"k", value=bytes(2 * LIMIT))
    data = bytearray(small.build())
    if codec:  # a broker gives the batch the offset of its last record
        struct.pack_into(">q", data, 0, 1)
    good, bad, _ = read(fetch(bytes(data), highwater=5))
    assert (values(good), bad) == ([b"v" * 500] * 2, [])
    if codec:
        _, bad, _ = read(fetch(bytes(large.build()), highwater=5))
        assert [record.reason for record in bad] == [Reason.TOO_LARGE]


def test_what_is_given_is_converted_and_what_is_unreadable_is_not() -> None:
    """A consumer gives its own kind of records."""
    puts = three()
    puts[1] = Put(b"value", b"key", [(b"\xff", b"")])
    found = list(PartitionReader(fetch(batch(puts)), LIMIT, lambda record: record.value))
    assert [each if isinstance(each, bytes) else each.offset for each in found] == [b"v0", 1, b"v2"]
