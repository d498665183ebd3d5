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
        held[sliced], held[plain] = fetched(sliced), fetched(plain)
