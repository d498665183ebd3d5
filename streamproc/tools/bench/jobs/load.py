"""Write a workload to a topic."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaProducer

from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.tools.bench.process import answer, settings
from streamproc.tools.bench.workload import PARTITIONS, Event, Workload, events

BATCH_BYTES = 2**18


async def put(options: dict[str, Any]) -> int:
    """Write a workload to its topic, in batches; return how many events."""
    config = Config.model_validate(options["config"])
    await ensure_topics(config)
    workload = Workload(*options["workload"])
    topic = config.topics.full_name("predictions")
    async with open_producer(config, max_batch_size=BATCH_BYTES) as producer:
        await _put_all(producer, topic, events(workload))
    return workload.events


async def _put_all(producer: AIOKafkaProducer, topic: str, found: Iterator[Event]) -> None:
    builders = [producer.create_batch() for _ in range(PARTITIONS)]
    stamp = int(time.time() * 1000)  # brokers drop records whose time is long past
    for event in found:
        part = event.partition
        fits = builders[part].append(key=event.key, value=event.value, timestamp=stamp)
        if fits is None:
            await (await producer.send_batch(builders[part], topic, partition=part))
            builders[part] = producer.create_batch()
            builders[part].append(key=event.key, value=event.value, timestamp=stamp)
    for part, builder in enumerate(builders):
        if builder.record_count():
            await (await producer.send_batch(builder, topic, partition=part))


if __name__ == "__main__":
    options = settings()
    answer(options, {"events": asyncio.run(put(options))})
