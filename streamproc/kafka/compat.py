"""Wrap the private names of aiokafka that reading batches depends on.

aiokafka has no public way to replace its parser, or to get the last stable offset from another
thread. The internals that are needed are checked on import.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol, cast

import aiokafka
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import TopicPartitionState
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecord, DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from streamproc.kafka.errors import ClientLibraryError

__all__ = [
    "ConsumerRecord",
    "DefaultRecord",
    "DefaultRecordBatch",
    "FetchRequest",
    "FetchResult",
    "Fetched",
    "FetchedPartition",
    "LegacyRecordBatch",
    "fetched_from",
    "fetched_partitions",
    "intercept_fetches",
    "read_committed",
    "reads_committed",
    "replace_data",
    "replace_records",
    "stable_offset",
]

#: A consumer's fetched records, by partition.
Fetched = OrderedDict[Any, Any]

# Functions of aiokafka that must use the attributes named here.
_NEEDED: Final = (
    (AIOKafkaConsumer.__init__, ("_client", "_client_rack", "_isolation_level", "_subscription")),
    (AIOKafkaConsumer.start, ("_fetcher",)),
    (Fetcher.__init__, ("_records", "_isolation_level", "_prefetch_backoff")),
    (Fetcher.__init__, ("_fetch_waiters", "_in_flight", "_wait_consume_future")),
    (FetchResult.__init__, ("_partition_records", "_topic_partition")),
    (FetchResult.check_assignment, ("next_fetch_offset",)),
    (FetchResult._update_position, ("next_fetch_offset",)),  # noqa: SLF001
    (PartitionRecords.__init__, ("next_fetch_offset",)),
    (TopicPartitionState.__init__, ("highwater", "lso", "_position", "_paused")),
    (FetchRequest.__init__, ("_topics", "_isolation_level")),
)


def _check() -> None:
    for code, names in _NEEDED:
        known = {*code.__code__.co_names, *code.__code__.co_varnames}
        missing = sorted(set(names) - known)
        if missing:
            raise ClientLibraryError(
                f"aiokafka {aiokafka.__version__} has no {missing[0]!r} in {code.__qualname__}:"
                " install a version that streamproc allows (aiokafka>=0.14,<0.15)"
            )


_check()


class FetchedPartition(Protocol):
    """Fetched records of a partition, as a consumer reads them."""

    next_fetch_offset: int

    def __iter__(self) -> Iterator[Any]: ...

    def __next__(self) -> Any: ...


def read_committed(consumer: AIOKafkaConsumer) -> None:
    """Make a consumer that is not started yet skip records of aborted transactions."""
    consumer._isolation_level = "read_committed"  # noqa: SLF001


def reads_committed(consumer: AIOKafkaConsumer) -> bool:
    """Return whether a consumer skips records of aborted transactions."""
    return bool(consumer._isolation_level == "read_committed")  # noqa: SLF001


def intercept_fetches(
    consumer: AIOKafkaConsumer, fetched: Fetched, look: Callable[[Any, FetchRequest, Any], None]
) -> None:
    """Call `look` with each fetch response of a consumer before it is parsed.

    Parameters
    ----------
    consumer
        A consumer that is not started yet.
    fetched
        Replaces the consumer's dictionary of fetched records.
    look
        Called with the node, the request and its response, which it may change.
    """
    client = consumer._client  # noqa: SLF001
    send = client.send

    async def send_and_look(node_id: Any, request: Any, **options: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return await send(node_id, request, **options)
        consumer._fetcher._records = fetched  # noqa: SLF001  empty before the first fetch
        response = await send(node_id, request, **options)
        look(node_id, request, response)
        return response

    client.send = send_and_look


def fetched_from(result: FetchResult) -> int:
    """Return the offset of the first record of a fetch result."""
    return int(result._partition_records.next_fetch_offset)  # noqa: SLF001


def replace_records(result: FetchResult, records: FetchedPartition) -> None:
    """Replace the records of a fetch result, and read many of them in one call.

    A result is read in parts, and is void once the consumer has another position.
    """
    result._partition_records = records  # noqa: SLF001
    result.getall = partial(_take, result)


def _take(result: FetchResult, max_records: int | None = None) -> list[Any]:
    if not result.check_assignment(result._topic_partition) or not result.has_more():  # noqa: SLF001
        return []
    found = list(islice(result._partition_records, max_records))  # noqa: SLF001
    result._update_position()  # noqa: SLF001
    if max_records is None or len(found) < max_records:
        result._partition_records = None  # noqa: SLF001
    return found


def fetched_partitions(response: Any) -> Iterator[tuple[str, int, int, Any, bytes]]:
    """Yield topic, partition, high watermark, aborted transactions and batches of a response."""
    version = response.API_VERSION
    for topic, partitions in response.topics:
        for partition, error, highwater, *fields in partitions:
            if not error and fields[-1]:
                aborted = None if version < 4 else fields[2] if version >= 11 else fields[-2]
                yield topic, partition, highwater, aborted, fields[-1]


def replace_data(response: Any, data: Callable[[bytes], bytes]) -> None:
    """Replace the batches of each partition in a response."""
    response.topics = [
        (topic, [(*head, data(batches)) for *head, batches in partitions])
        for topic, partitions in response.topics
    ]


def stable_offset(state: Any) -> int | None:
    """Return the last stable offset of a partition; None if unknown.

    It is the first offset of an open transaction, or the end of the log.
    """
    highwater, stable = state.highwater, state.lso
    if highwater is None or stable is None or not 0 <= stable <= highwater:
        return cast("int | None", highwater)
    return int(stable)
