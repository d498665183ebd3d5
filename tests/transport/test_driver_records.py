from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from streamproc.transport.driver.records import keep_as_made


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


def fetched(tp: TopicPartition) -> FetchResult:
    """Make what the client holds of a partition after a fetch: three records and a header."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 16)
    for offset in range(3):
        builder.append(
            offset, timestamp=1000 + offset, key=b"k", value=b"v", headers=[("name", b"x")]
        )
    records = MemoryRecords(bytes(builder.build()))
    read = PartitionRecords(tp, records, [], 0, None, None, check_crcs=True, isolation_level=0)
    return FetchResult(tp, assignment=Assigned(), partition_records=read, backoff=0)


def consumer_with(**held: Any) -> Any:
    """Make a consumer that has fetched something already."""
    records = OrderedDict((TopicPartition(topic, 0), found) for topic, found in held.items())
    return SimpleNamespace(_fetcher=SimpleNamespace(_records=records))


def test_records_of_sliced_topics_come_as_parsed_and_others_as_ever() -> None:
    """Fetched before or after: only what is read in slices is spared the client's dress."""
    sliced, plain = TopicPartition("sliced", 0), TopicPartition("plain", 0)
    consumer = consumer_with(sliced=fetched(sliced), plain=fetched(plain))
    for _ in range(2):
        keep_as_made(consumer, {"sliced"})
        held = consumer._fetcher._records
        made, dressed = held[sliced].getall(), held[plain].getall()
        assert [type(record) is ConsumerRecord for record in made + dressed] == 3 * [False] + 3 * [
            True
        ]
        for one, other in zip(made, dressed, strict=True):
            for name in ("offset", "timestamp", "timestamp_type", "key", "value"):
                assert getattr(one, name) == getattr(other, name)
            assert tuple(one.headers) == other.headers
        assert not held[sliced].has_more()
        held[sliced], held[plain] = fetched(sliced), fetched(plain)


def test_a_fetch_is_read_in_portions() -> None:
    """A poll may take some of what was fetched; the next one goes on behind it, to the end."""
    tp = TopicPartition("sliced", 0)
    held = consumer_with(sliced=fetched(tp))
    keep_as_made(held, {"sliced"})
    result = held._fetcher._records[tp]
    assigned = result._assignment

    assert [record.offset for record in result.getall(2)] == [0, 1]
    assert (assigned.position, result.has_more()) == (2, True)
    assert [record.offset for record in result.getall(2)] == [2]
    assert (assigned.position, result.has_more()) == (3, False)


def test_what_was_fetched_before_a_seek_is_not_read() -> None:
    """Records from where a partition is not any more are dropped."""
    tp = TopicPartition("sliced", 0)
    held = consumer_with(sliced=fetched(tp))
    keep_as_made(held, {"sliced"})
    result = held._fetcher._records[tp]
    result._assignment.consumed_to(7)

    assert result.getall(2) == []
    assert result._assignment.position == 7
