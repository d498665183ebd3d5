"""Consumers read their fetches through our own parser, in the client's own portions."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords
from wire_format import Put, batch

from streamproc.kafka import codecs
from streamproc.kafka.compat import Fetched, read_committed, reads_committed
from streamproc.kafka.errors import ClientLibraryError
from streamproc.kafka.fetched_records import read_leniently
from streamproc.schemas.records import UnreadableRecord

SLICED, PLAIN = TopicPartition("sliced", 0), TopicPartition("plain", 0)


class Assigned:
    """An assignment of one partition that may be read."""

    active = True

    def __init__(self) -> None:
        self.paused, self.position = False, 0

    def state_value(self, _: TopicPartition) -> "Assigned":
        """Give the state of the partition: this."""
        return self

    def consumed_to(self, position: int) -> None:
        """Note how far it was read."""
        self.position = position


class Consumer:
    """The parts of a consumer that fetch, and a broker that answers with one topic's data."""

    def __init__(self) -> None:
        self._client, self._fetcher = self, SimpleNamespace(_records=Fetched())
        self._isolation_level = "read_committed"
        self.answer: Any = None

    async def send(self, _node_id: Any, _request: Any) -> Any:
        """Answer a request."""
        return self.answer

    async def respond(self, tp: TopicPartition, data: bytes, node: int) -> Any:
        """Return the response of a node to a fetch from offset 0."""
        self.answer = SimpleNamespace(
            API_VERSION=11, topics=[(tp.topic, [(tp.partition, 0, 100, 100, 0, [], -1, data)])]
        )
        request = FetchRequest(1, 1, 1, 1, [(tp.topic, [(tp.partition, 0, 1000)])])
        return await self.send(node, request)

    async def fetch(self, tp: TopicPartition, data: bytes, node: int = 1) -> FetchResult:
        """Do what aiokafka does with an answer; return what it keeps of it."""
        response = await self.respond(tp, data, node)
        records = MemoryRecords(response.topics[0][1][0][-1])
        assert records.has_next()
        read = PartitionRecords(tp, records, [], 0, None, None, check_crcs=True, isolation_level=1)
        result = FetchResult(tp, assignment=Assigned(), partition_records=read, backoff=0)
        self._fetcher._records[tp] = result
        return result


@pytest.fixture
def consumer() -> Consumer:
    """Make a consumer whose sliced topic is read as parsed."""
    made: Any = Consumer()
    read_leniently(made, lambda: 1 << 20, {"sliced"})
    return made


DATA = batch([Put(b"v", b"k", [(b"name", b"x")])] * 3)


async def test_a_new_leader_is_read_and_not_what_a_former_one_answered(
    consumer: Consumer,
) -> None:
    """An answer that the client has dropped is not used for a later one of the same offset."""
    for former, leader in ((1, 2), (2, 1)):
        await consumer.respond(SLICED, batch([Put(b"former")]), former)
        result = await consumer.fetch(SLICED, batch([Put(b"new")]), leader)
        assert [record.value for record in result.getall()] == [b"new"]


async def test_records_of_sliced_topics_come_as_parsed_and_others_as_ever(
    consumer: Consumer,
) -> None:
    """Only what is read in slices is spared the client's own kind of record."""
    for _ in range(2):
        parsed = (await consumer.fetch(SLICED, DATA)).getall()
        own = (await consumer.fetch(PLAIN, DATA)).getall()
        assert {type(record) is ConsumerRecord for record in parsed} == {False}
        assert {type(record) for record in own} == {ConsumerRecord}
        for one, other in zip(parsed, own, strict=True):
            for name in ("offset", "timestamp", "timestamp_type", "key", "value"):
                assert getattr(one, name) == getattr(other, name)
            assert tuple(one.headers) == other.headers
        assert (own[0].topic, own[0].serialized_value_size) == ("plain", 1)


async def test_a_fetch_is_read_in_portions(consumer: Consumer) -> None:
    """A poll may take some of what was fetched; the next one goes on behind it, to the end."""
    result = await consumer.fetch(SLICED, DATA)
    assigned = result._assignment
    assert [record.offset for record in result.getall(2)] == [0, 1]
    assert (assigned.position, result.has_more()) == (2, True)
    assert [record.offset for record in result.getall(2)] == [2]
    assert (assigned.position, result.has_more()) == (3, False)


async def test_what_was_fetched_before_a_seek_is_not_read(consumer: Consumer) -> None:
    """Records from where a partition is not any more are dropped."""
    result = await consumer.fetch(SLICED, DATA)
    result._assignment.consumed_to(7)
    assert result.getall(2) == []
    assert result._assignment.position == 7


async def test_records_one_by_one_pass_what_cannot_be_read(consumer: Consumer) -> None:
    """`getone` gives what cannot be read in its place, too."""
    data = batch([Put(b"a"), Put(b"b", b"k", [(b"\xff", b"")]), Put(b"c")])
    result = await consumer.fetch(PLAIN, data)
    found = [result.getone() for _ in range(3)]
    assert [type(record) is UnreadableRecord for record in found] == [False, True, False]
    assert result._assignment.position == 3


async def test_a_fetch_that_holds_no_whole_batch_is_passed(consumer: Consumer) -> None:
    """The client itself would raise, and raise again at each offset."""
    result = await consumer.fetch(SLICED, DATA[:50])
    [record] = result.getall()
    assert isinstance(record, UnreadableRecord)
    assert result._assignment.position == 1


def test_a_codec_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens a client hears what to install, before anything is read."""
    monkeypatch.setattr(codecs, "find_spec", lambda _: None)
    made: Any = Consumer()
    with pytest.raises(ClientLibraryError, match="pip install cramjam"):
        read_leniently(made, lambda: 1)


async def test_a_client_is_told_to_read_what_is_committed() -> None:
    """Faust offers no setting for it."""
    made = AIOKafkaConsumer()
    assert not reads_committed(made)
    read_committed(made)
    assert reads_committed(made)
