"""Private names of aiokafka are in one module, and a version without one is refused by name."""

from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState, TopicPartitionState
from aiokafka.protocol.fetch import FetchRequest
from library_names import each_name, without

from streamproc.kafka import compat
from streamproc.kafka.errors import ClientLibraryError
from streamproc.kafka.library import require


@pytest.mark.parametrize(("owner", "name"), each_name(compat.NEEDED))
def test_a_version_without_a_name_is_refused(owner: Any, name: str) -> None:
    """The error names what is missing and where, and the versions to install."""
    where = f"no '{name}' in {owner.__qualname__}"
    with pytest.raises(ClientLibraryError, match=rf"{where}.*aiokafka>=0\.14,<0\.15"):
        require("aiokafka", ">=0.14,<0.15", [(without(owner), (name,))])


@pytest.mark.parametrize("name", ["client_of", "client_rack", "coordinator_of", "fetcher_of"])
async def test_parts_of_a_consumer_are_found(name: str) -> None:
    """Each part is there on the consumer of the installed version."""
    consumer = AIOKafkaConsumer()
    consumer._fetcher = "fetcher"
    expected = {"client_of": consumer._client, "fetcher_of": "fetcher"}
    assert getattr(compat, name)(consumer) is expected.get(name)


async def test_a_consumer_is_open_without_a_subscription_until_it_starts() -> None:
    """State, limits and subscription are those of the consumer."""
    consumer = AIOKafkaConsumer("t", max_poll_records=7)
    assert not compat.is_closed(consumer)
    assert compat.max_poll_records(consumer) == 7
    assert compat.subscription_of(consumer).topics == {"t"}
    compat.limit_fetches(consumer, 50, 1000)
    assert (consumer._fetch_max_wait_ms, consumer._fetch_max_bytes) == (50, 1000)
    compat.mark_polled(consumer, 12.0)
    assert consumer._subscription._last_fetch_ended == 12.0
    await consumer.stop()


async def test_requests_are_intercepted_in_order() -> None:
    """The function that was set last sees a request first."""
    consumer = AIOKafkaConsumer()
    seen: list[str] = []

    async def send(node_id: int, request: str) -> str:
        seen.append(f"sent {request} to {node_id}")
        return "response"

    def noting(name: str) -> Any:
        def wrap(send: compat.Send) -> compat.Send:
            def sending(*args: Any) -> Any:
                seen.append(name)
                return send(*args)

            return sending

        return wrap

    client: Any = consumer._client
    client.send = send
    compat.intercept_requests(consumer, noting("first"))
    compat.intercept_requests(consumer, noting("second"))
    assert await client.send(3, "fetch") == "response"
    assert seen == ["second", "first", "sent fetch to 3"]
    assert compat.connection_to(client, 3) is None


async def test_what_waits_for_records_is_notified() -> None:
    """A fetcher's records, limits and waiters are those that it uses."""
    consumer = AIOKafkaConsumer()
    fetcher = Fetcher(consumer._client, SubscriptionState())
    waiter = compat.next_fetch(fetcher)
    compat.notify_readers(fetcher)
    assert waiter.done()
    assert compat.fetched_records(fetcher) == OrderedDict()
    assert compat.in_flight(fetcher) == set()
    assert compat.prefetch_backoff(fetcher) > 0.0
    assert not compat.is_closed(fetcher)
    fetcher._wait_consume_future = waiter
    assert compat.waits_for_readers(fetcher)
    compat.ignore_readers(fetcher)
    assert not compat.waits_for_readers(fetcher)
    await fetcher.close()


def test_a_fetch_is_held_for_at_least_as_long() -> None:
    """A longer time that the consumer asks for stays."""
    request = FetchRequest(100, 1, 1000, 1, [])
    for at_least, expected in ((250, 250), (50, 250)):
        compat.hold_fetch(request, at_least)
        assert compat.max_wait_ms(request) == expected
    assert compat.request_options(request) == (250, 1, 1000, 1)


async def test_the_position_of_a_partition_is_read() -> None:
    """Position and pause are those of the partition."""
    state = TopicPartitionState(SimpleNamespace())
    assert compat.position_of(state) is None
    assert not compat.is_paused(state)
    state.pause()
    assert compat.is_paused(state)


async def test_a_producer_that_is_not_idempotent_is_not_changed() -> None:
    """Only an idempotent producer has sequence numbers to give back."""
    producer = AIOKafkaProducer()
    pop = producer._message_accumulator._pop_batch
    compat.intercept_batches(producer, lambda *_: pytest.fail("it was changed"))
    assert producer._message_accumulator._pop_batch == pop
