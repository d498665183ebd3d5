"""Topics of a test's own on a shared broker, and what is on them."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.config.topics import TopicKind
from streamproc.kafka.clients import open_consumer, open_producer


def own_topics(bootstrap: str, **topics: Any) -> Config:
    """Return a config for topics that no other test uses."""
    prefix = f"t{uuid.uuid4().hex}."
    return load({"broker": f"kafka://{bootstrap}", "topics": {"prefix": prefix, **topics}})


async def records(config: Config, stream: TopicKind) -> list[ConsumerRecord]:
    """Return all records of a topic that exists, each partition's in their order."""
    async with open_consumer(config, config.topics.full_name(stream)) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[ConsumerRecord] = []
        while len(found) < sum(ends.values()):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += batch
    return found


async def events(config: Config, stream: TopicKind) -> list[dict[str, Any]]:
    """Return the JSON values of all records of a topic."""
    return [msgspec.json.decode(record.value) for record in await records(config, stream)]


async def write(
    config: Config,
    stream: TopicKind,
    *values: bytes,
    key: bytes = b"fraud",
    headers: Sequence[tuple[str, bytes]] = (),
) -> None:
    """Write raw records to a topic that exists."""
    topic = config.topics.full_name(stream)
    async with open_producer(config) as producer:
        sent = [await producer.send(topic, value, key, headers=list(headers)) for value in values]
        await asyncio.gather(*sent)
