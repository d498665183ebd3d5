"""Wrap all private names of aiokafka that this project uses; they are checked on import.

aiokafka has no public way to replace its parser, to see requests and responses, to get the last
stable offset from another thread, or to correct a producer's sequence numbers.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import Any, Final, Protocol, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.subscription_state import SubscriptionState, TopicPartitionState
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecord, DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch

from streamproc.kafka.library import Needed, require

__all__ = [
    "NEEDED",
    "ConsumerRecord",
    "DefaultRecord",
    "DefaultRecordBatch",
    "FetchRequest",
    "FetchResult",
    "Fetched",
    "FetchedPartition",
    "LegacyRecordBatch",
    "Send",
    "client_of",
    "client_rack",
    "connection_to",
    "coordinator_of",
    "fetched_from",
    "fetched_partitions",
    "fetched_records",
    "fetcher_of",
    "hold_fetch",
    "ignore_readers",
    "in_flight",
    "intercept_batches",
    "intercept_fetches",
    "intercept_requests",
    "is_closed",
    "is_paused",
    "limit_fetches",
    "mark_polled",
    "max_poll_records",
    "max_wait_ms",
    "next_fetch",
    "notify_readers",
    "position_of",
    "prefetch_backoff",
    "read_committed",
    "reads_committed",
    "replace_data",
    "replace_records",
    "request_options",
    "stable_offset",
    "subscription_of",
    "waits_for_readers",
]

#: A consumer's fetched records, by partition.
Fetched = OrderedDict[Any, Any]

Send = Callable[..., Awaitable[Any]]

NEEDED: Final[tuple[Needed, ...]] = (
    (AIOKafkaConsumer.__init__, ("_client", "_client_rack", "_isolation_level", "_subscription")),
    (AIOKafkaConsumer.__init__, ("_closed", "_coordinator", "_max_poll_records")),
    (AIOKafkaConsumer.__init__, ("_fetch_max_bytes", "_fetch_max_wait_ms")),
    (AIOKafkaConsumer.start, ("_fetcher",)),
    (AIOKafkaClient, ("send",)),
    (AIOKafkaClient.__init__, ("_conns", "cluster")),
    (Fetcher, ("_create_fetch_waiter", "_notify")),
    (Fetcher.__init__, ("_closed", "_isolation_level", "_prefetch_backoff", "_records")),
    (Fetcher.__init__, ("_fetch_waiters", "_in_flight", "_wait_consume_future")),
    (FetchResult.__init__, ("_partition_records", "_topic_partition")),
    (FetchResult.check_assignment, ("next_fetch_offset",)),
    (FetchResult._update_position, ("next_fetch_offset",)),  # noqa: SLF001
    (PartitionRecords.__init__, ("next_fetch_offset",)),
    (SubscriptionState, ("subscription",)),
    (SubscriptionState.__init__, ("_last_fetch_ended",)),
    (TopicPartitionState.__init__, ("highwater", "lso", "_position", "_paused")),
    (FetchRequest.__init__, ("_isolation_level", "_max_bytes", "_max_wait_ms", "_min_bytes")),
    (FetchRequest.__init__, ("_topics",)),
    (AIOKafkaProducer.__init__, ("_message_accumulator", "_txn_manager")),
    (MessageAccumulator, ("_pop_batch",)),
    (MessageAccumulator.__init__, ("_batches",)),
    (TransactionManager.__init__, ("_sequence_numbers",)),
)
"""Classes and functions of aiokafka, and the names that each must have or use."""

require("aiokafka", ">=0.14,<0.15", NEEDED)

# Getters of one attribute, as fast as the attribute itself nearly: some are called for each fetch.
Getter = Callable[[Any], Any]
client_of: Final[Getter] = attrgetter("_client")
client_rack: Final[Getter] = attrgetter("_client_rack")
coordinator_of: Final[Getter] = attrgetter("_coordinator")
fetcher_of: Final[Getter] = attrgetter("_fetcher")
is_closed: Final[Getter] = attrgetter("_closed")  # of a consumer or a fetcher
max_poll_records: Final[Getter] = attrgetter("_max_poll_records")
subscription_of: Final[Getter] = attrgetter("_subscription.subscription")

fetched_records: Final[Getter] = attrgetter("_records")
in_flight: Final[Getter] = attrgetter("_in_flight")
prefetch_backoff: Final[Getter] = attrgetter("_prefetch_backoff")

max_wait_ms: Final[Getter] = attrgetter("_max_wait_ms")
request_options: Final[Getter] = attrgetter(
    "_max_wait_ms", "_min_bytes", "_max_bytes", "_isolation_level"
)

# Of the state of a partition: its properties are slow, for each partition of each fetch.
position_of: Final[Getter] = attrgetter("_position")
is_paused: Final[Getter] = attrgetter("_paused")


def intercept_requests(consumer: AIOKafkaConsumer, wrap: Callable[[Send], Send]) -> None:
    """Replace the function that sends the requests of a consumer by one that calls it."""
    client = consumer._client  # noqa: SLF001
    client.send = wrap(client.send)


def connection_to(client: Any, node_id: Any) -> Any:
    """Return a client's connection to a broker; None if there is none."""
    return client._conns.get((node_id, ConnectionGroup.DEFAULT))  # noqa: SLF001


def hold_fetch(request: FetchRequest, at_least_ms: int) -> None:
    """Let the broker hold a fetch for at least some milliseconds."""
    request._max_wait_ms = max(request._max_wait_ms, at_least_ms)  # noqa: SLF001


def limit_fetches(consumer: AIOKafkaConsumer, wait_ms: int, max_bytes: int) -> None:
    """Set what a consumer that is not started yet asks for in each fetch."""
    consumer._fetch_max_wait_ms = wait_ms  # noqa: SLF001
    consumer._fetch_max_bytes = max_bytes  # noqa: SLF001


def notify_readers(fetcher: Fetcher) -> None:
    """Wake what waits for fetched records."""
    for waiter in fetcher._fetch_waiters:  # noqa: SLF001
        fetcher._notify(waiter)  # noqa: SLF001


def next_fetch(fetcher: Fetcher) -> Any:
    """Return a future that is done when records were fetched."""
    return fetcher._create_fetch_waiter()  # noqa: SLF001


def waits_for_readers(fetcher: Fetcher) -> bool:
    """Whether the fetch loop wakes as soon as records are read."""
    return fetcher._wait_consume_future is not None  # noqa: SLF001


def ignore_readers(fetcher: Fetcher) -> None:
    """Let the fetch loop sleep while records are read."""
    fetcher._wait_consume_future = None  # noqa: SLF001


def mark_polled(consumer: AIOKafkaConsumer, now: float) -> None:
    """Mark a consumer as polled at a monotonic time, so that it stays in its group."""
    consumer._subscription._last_fetch_ended = now  # noqa: SLF001


def intercept_batches(
    producer: AIOKafkaProducer, look: Callable[[Any, Callable[[], None]], None]
) -> None:
    """Call `look` with each batch of an idempotent producer before it is sent the first time.

    Parameters
    ----------
    producer
        A started producer; one that is not idempotent is not changed.
    look
        Called with the batch and a function that gives its sequence numbers back.
    """
    manager: Any = producer._txn_manager  # noqa: SLF001
    if manager is None:
        return
    accumulator: Any = producer._message_accumulator  # noqa: SLF001
    pop = accumulator._pop_batch  # noqa: SLF001

    def pop_batch(tp: Any) -> Any:
        first = accumulator._batches[tp][0].retry_count == 0  # noqa: SLF001
        batch = pop(tp)
        if first:
            look(batch, partial(_give_back, manager, batch))
        return batch

    accumulator._pop_batch = pop_batch  # noqa: SLF001


def _give_back(manager: Any, batch: Any) -> None:
    manager._sequence_numbers[batch.tp] -= batch.record_count  # noqa: SLF001


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

    def wrap(send: Send) -> Send:
        async def send_and_look(node_id: Any, request: Any, **options: Any) -> Any:
            if not isinstance(request, FetchRequest):
                return await send(node_id, request, **options)
            consumer._fetcher._records = fetched  # noqa: SLF001  empty before the first fetch
            response = await send(node_id, request, **options)
            look(node_id, request, response)
            return response

        return send_and_look

    intercept_requests(consumer, wrap)


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
