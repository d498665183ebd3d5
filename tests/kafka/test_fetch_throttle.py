import asyncio
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.fetch import FetchRequest
from worker.running import idle, own_config, worker_of

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.kafka import fetch_throttle as fetches
from streamproc.kafka.clients import open_admin, open_consumer, open_producer
from streamproc.kafka.fetch_throttle import throttle_fetches

WAIT_MS = 50


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the seconds that were waited for."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the seconds pass."""
        self.now += seconds


class Client:
    """A client of a broker that takes some seconds to give what is in a list, then nothing."""

    def __init__(self, clock: Clock, takes: float, *gives: bytes) -> None:
        self._clock, self._takes, self._gives = clock, takes, list(gives)

    async def send(self, _node: int, _request: Any) -> Any:
        """Answer a fetch of one partition."""
        await self._clock.sleep(self._takes)
        records = self._gives.pop(0) if self._gives else b""
        return SimpleNamespace(topics=[("t", [(0, 0, 9, 9, [], records)])])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put a clock that can be read in the place of the real one."""
    clock = Clock()
    monkeypatch.setattr(fetches, "time", clock)
    monkeypatch.setattr(fetches, "asyncio", clock)
    return clock


async def pauses(clock: Clock, client: Client, fetches: int) -> list[int]:
    """Fetch some times; return the milliseconds that each one took."""
    throttle_fetches(SimpleNamespace(_client=client))  # type: ignore[arg-type]
    took = []
    for _ in range(fetches):
        began = clock.now
        await client.send(1, FetchRequest(WAIT_MS, 1, 1 << 20, 0, []))
        took.append(round((clock.now - began) * 1000))
    return took


async def test_a_broker_that_does_not_wait_is_asked_as_often_as_one_that_does(clock: Clock) -> None:
    """Empty answers are waited for longer and longer, up to the time that the broker was given."""
    client = Client(clock, 0.0)
    assert await pauses(clock, client, 8) == [2, 4, 8, 16, 32, 50, 50, 50]


async def test_what_comes_is_given_at_once_and_ends_the_long_pauses(clock: Clock) -> None:
    """Records are never held back, and after them the first pause is a short one again."""
    client = Client(clock, 0.0, b"", b"", b"records", b"more")
    assert await pauses(clock, client, 6) == [2, 4, 0, 0, 2, 4]


async def test_a_broker_that_waits_is_not_waited_for_again(clock: Clock) -> None:
    """Where the broker took as long as it was given, nothing is added."""
    client = Client(clock, WAIT_MS / 1000)
    assert await pauses(clock, client, 3) == [WAIT_MS] * 3


async def test_an_idle_consumer_asks_a_few_times_a_second(
    bootstrap: str,
) -> None:
    """A consumer with nothing to read sends no more fetches than its waits allow."""
    config = Config(broker=f"kafka://{bootstrap}")
    topic = f"t-{uuid.uuid4().hex}"
    async with open_admin(config) as admin, open_producer(config) as producer:
        await admin.create_topics([NewTopic(topic, 1, 1)])
        await producer.send_and_wait(topic, b"one", partition=0)
    sent = 0
    async with open_consumer(config, fetch_max_wait_ms=100) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        assert (await consumer.getone()).value == b"one"
        send = consumer._client._get_conn

        async def counted(*arguments: Any, **options: Any) -> Any:
            nonlocal sent
            sent += 1
            return await send(*arguments, **options)

        consumer._client._get_conn = counted
        assert not await consumer.getmany(timeout_ms=1_000)
    assert 0 < sent <= 10 + 7  # ten waits, and the short ones before them


async def test_an_idle_worker_asks_a_few_times_a_second(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of a worker's consumers asks a broker that does not wait as fast as it can."""
    fetched = 0
    send = AIOKafkaClient.send

    async def counted(client: Any, node: Any, request: Any, **options: Any) -> Any:
        nonlocal fetched
        fetched += isinstance(request, FetchRequest)
        return await send(client, node, request, **options)

    monkeypatch.setattr(AIOKafkaClient, "send", counted)
    async with worker_of(own_config(embedded_broker.bootstrap)) as (worker, _):
        await idle(worker)
        before = fetched
        await asyncio.sleep(1)  # what is counted is how often, so time has to pass
        assert 0 < fetched - before < 150  # one consumer alone would ask 600 times
