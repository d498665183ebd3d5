"""What Apache Kafka refuses of a producer, and that the producer goes on."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidTimestampError, MessageSizeTooLargeError
from alert_factory import alert
from apache.kafka import ApacheKafka
from broker_topics import records
from worker.running import PATIENCE, own_config

from streamproc.config.config import Config
from streamproc.kafka.clients import open_admin, open_producer
from streamproc.kafka.errors import SnapshotWriteError
from streamproc.kafka.topics import ensure_topics
from streamproc.worker.batch_writer import Batches
from streamproc.worker.join.outcome_writer import OutcomeWriter
from streamproc.worker.publisher import AlertPublisher
from streamproc.worker.snapshots.records import Key
from streamproc.worker.snapshots.store import SnapshotStore

Write = Callable[[Config, Any, list[bytes]], Awaitable[object]]


async def alerts(config: Config, producer: Any, values: list[bytes]) -> object:
    """Publish alerts with these texts as messages."""
    return await AlertPublisher(config, producer).publish(
        [alert(f"a{at}", message=value.decode()) for at, value in enumerate(values)], []
    )


async def updates(config: Config, producer: Any, values: list[bytes]) -> object:
    """Publish model updates."""
    batches = Batches(producer, config.topics.full_name("model_updates"), 0)
    await batches.write([(b"m", value) for value in values])
    return batches.lost


async def outcomes(config: Config, producer: Any, values: list[bytes]) -> object:
    """Publish outcomes."""
    writer = OutcomeWriter(config, producer, 0)
    writer.next = (await writer.bounds())[1]
    return await writer.write([(b"m", value) for value in values])


async def snapshots(config: Config, producer: Any, values: list[bytes]) -> object:
    """Write a snapshot of these sections."""
    key = Key("g", "predictions", 0, 1, "w", 0, 0)
    return await SnapshotStore(config, producer).write(key, values, 7, {})


KINDS = {
    "alerts": alerts, "model_updates": updates, "outcomes": outcomes, "snapshots": snapshots,
}  # fmt: skip


async def limit(config: Config, kind: Any, **settings: str) -> None:
    """Change settings of a topic, and wait until its broker refuses what they do not allow."""
    name = config.topics.full_name(kind)
    resource = ConfigResource(ConfigResourceType.TOPIC, name, configs=settings)
    async with open_admin(config) as admin:
        await admin.alter_configs([resource])
    refused = MessageSizeTooLargeError, InvalidTimestampError
    hour_ago = int(time.time() - 3600) * 1000
    async with open_producer(config) as producer, asyncio.timeout(PATIENCE):
        with suppress(*refused):
            while True:
                await producer.send_and_wait(
                    name, b"x" * 3000, key=b"x", partition=0, timestamp_ms=hour_ago
                )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_topic_that_refuses_our_clock_has_every_record(
    apache_kafka: ApacheKafka, kind: Any
) -> None:
    """Where every timestamp of this process is refused, all records are written, in order."""
    config = own_config(apache_kafka.bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    await limit(config, kind, **{"message.timestamp.before.max.ms": "0"})
    values = [b"%d" % at * 100 for at in range(5)]
    async with open_producer(config, linger_ms=20) as producer:
        await KINDS[kind](config, producer, values)
        await KINDS[kind](config, producer, [value + b"!" for value in values])
    found = [record.value or b"" for record in await records(config, kind)]
    places = [
        [at for at, value in enumerate(found) if text in value]
        for text in (*values, *(value + b"!" for value in values))
    ]
    assert all(places)
    assert kind == "snapshots" or [each[-1] for each in places[5:]] == sorted(
        each[-1] for each in places[5:]
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_limit_lowered_while_running_loses_only_what_is_too_large(
    apache_kafka: ApacheKafka, kind: Any
) -> None:
    """What still fits is written after a refusal, and what does not is reported as lost."""
    config = own_config(apache_kafka.bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    async with open_producer(config) as producer:
        await KINDS[kind](config, producer, [b"a" * 5000])
        await limit(config, kind, **{"max.message.bytes": "2000"})
        lost: Any = ()
        if kind == "snapshots":
            with pytest.raises(SnapshotWriteError):
                await snapshots(config, producer, [b"b" * 5000])
        else:
            lost = await KINDS[kind](config, producer, [b"b" * 5000, b"c" * 500])
            assert len(lost) == 1
        await KINDS[kind](config, producer, [b"d" * 500] * 10)
    found = [record.value or b"" for record in await records(config, kind)]
    fits = [b"d" * 500] if kind == "snapshots" else [b"c" * 500, b"d" * 500]
    assert all(any(text in value for value in found) for text in fits)
    assert not any(b"b" * 5000 in value for value in found)
