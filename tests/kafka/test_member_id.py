"""A member of a group stays who it is."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest
from worker.running import PATIENCE, own_config, until, worker_of

from streamproc.broker import EmbeddedBroker
from streamproc.client import Publisher
from streamproc.config.config import Config
from streamproc.kafka.clients import open_admin, open_consumer
from streamproc.kafka.member_id import keep_member_id
from streamproc.worker import app

OLD, AGAIN = IllegalGenerationError.errno, RebalanceInProgressError.errno
HEARTBEAT = HeartbeatRequest("g", 3, "me")
SYNC = SyncGroupRequest("g", 3, "me", None, [])
JOIN = JoinGroupRequest("g", 6000, 6000, "me", None, "consumer", [])
COMMIT = OffsetCommitRequest("g", 3, "me", -1, [])


async def told(request: Any, response: Any) -> Any:
    """Return what aiokafka is told when a broker gives a response."""

    async def send(_node: int, _request: Any, **_options: Any) -> Any:
        return response

    client = SimpleNamespace(send=send)
    keep_member_id(SimpleNamespace(_client=client))  # type: ignore[arg-type]
    return await client.send(1, request)


@pytest.mark.parametrize("request_", [HEARTBEAT, SYNC])
async def test_a_member_whose_generation_is_over_is_told_to_join_again(request_: Any) -> None:
    """Joining again, aiokafka keeps the member's id."""
    response = await told(request_, SimpleNamespace(error_code=OLD))
    assert response.error_code == AGAIN


async def test_each_partition_of_a_refused_commit_says_that_the_member_has_to_join_again() -> None:
    """What was committed stays so."""
    refused = SimpleNamespace(topics=[("a", [(0, OLD), (1, 0)]), ("b", [(0, OLD)])])
    response = await told(COMMIT, refused)
    assert response.topics == [("a", [(0, AGAIN), (1, 0)]), ("b", [(0, AGAIN)])]


@pytest.mark.parametrize("request_", [HEARTBEAT, SYNC, JOIN])
async def test_a_member_that_the_group_does_not_know_is_told_so(request_: Any) -> None:
    """Joining again, it needs another id."""
    unknown = UnknownMemberIdError.errno
    response = await told(request_, SimpleNamespace(error_code=unknown))
    assert response.error_code == unknown


async def test_a_member_whose_commit_another_ones_join_refuses_is_not_waited_for(
    embedded_broker: EmbeddedBroker,
) -> None:
    """It joins as who it is, and both get their partitions."""
    config = own_config(embedded_broker.bootstrap)
    topic = config.topics.full_name("predictions")
    async with open_admin(config) as admin:
        await admin.create_topics([NewTopic(topic, 2, 1)])
    async with asyncio.timeout(PATIENCE), member(config, topic) as first:
        (one, _) = await assigned(first, 2)
        async with member(config, topic) as second:
            joining = asyncio.create_task(assigned(second, 1))
            await commit_until_refused(first, one)
            assert await assigned(first, 1) != await joining


async def test_a_worker_that_has_read_is_joined_by_another_one(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its commit, which hears of the other one first, makes nobody wait for who it was."""
    monkeypatch.setattr(app, "HEARTBEAT_SECONDS", 20.0)
    monkeypatch.setattr(app, "SESSION_SECONDS", 60.0)
    config = own_config(embedded_broker.bootstrap)
    async with (
        asyncio.timeout(PATIENCE),
        worker_of(config) as (first, _),
        publishing(config),
        worker_of(config) as (second, _),
    ):
        await until(lambda: first.unready() is None and second.unready() is None)


@asynccontextmanager
async def publishing(config: Config) -> AsyncIterator[None]:
    """Publish events while the block runs, so that there is always something to commit."""

    async def publish() -> None:
        async with Publisher(config=config) as publisher:
            for number in itertools.count():
                await publisher.prediction(f"m{number % 20}", {}, 0.5)
                await asyncio.sleep(0.01)

    task = asyncio.create_task(publish())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def commit_until_refused(consumer: AIOKafkaConsumer, home: TopicPartition) -> None:
    """Commit until another member's join makes the broker refuse it."""
    with contextlib.suppress(CommitFailedError):
        while True:
            await consumer.commit({home: 0})


@asynccontextmanager
async def member(config: Config, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Join a group as one that learns of other members by its commits alone."""
    ours: dict[str, Any] = {"group_id": config.group, "session_timeout_ms": 300_000}
    async with open_consumer(config, heartbeat_interval_ms=90_000, **ours) as consumer:
        consumer.subscribe([topic])
        yield consumer


async def assigned(consumer: AIOKafkaConsumer, count: int) -> set[TopicPartition]:
    """Poll until so many partitions are a member's."""
    while len(consumer.assignment()) != count:
        await consumer.getmany(timeout_ms=20)
    return set(consumer.assignment())
