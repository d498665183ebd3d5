"""Measure how long records wait in a rebalance, by their dead letters."""

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer, open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.tools.bench.jobs.worker_group import PARTITIONS, WorkerGroup, worker_group
from streamproc.tools.bench.process import answer, settings

STEADY: Final = 2  # workers that stay
TICK_SECONDS: Final = 0.1  # between two records of a partition
SETTLE_SECONDS: Final = 5.0
Ages = dict[int, list[tuple[float, float]]]


async def measure(options: dict[str, Any]) -> dict[str, Any]:
    """Let a third worker join and leave; give how long each partition stood still each time."""
    config = Config.model_validate(options["config"])
    await ensure_topics(config)
    ages: Ages = defaultdict(list)
    pauses: dict[str, list[float]] = {"join": [], "leave": []}
    topic = config.topics.full_name("dead_letters")
    async with open_producer(config) as producer, open_consumer(config, topic) as consumer:
        await consumer.seek_to_end()
        tasks = [asyncio.create_task(_feed(producer, config))]
        tasks.append(asyncio.create_task(_listen(consumer, ages)))
        with worker_group(options, STEADY) as workers:
            await asyncio.sleep(SETTLE_SECONDS)
            for _ in range(options["times"]):
                await _turn(workers, ages, pauses)
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
    return {"pauses": pauses}


async def _turn(workers: WorkerGroup, ages: Ages, pauses: dict[str, list[float]]) -> None:
    began = time.time()
    third = workers.start()
    await asyncio.to_thread(workers.balance)
    await asyncio.sleep(SETTLE_SECONDS)
    pauses["join"] += _longest(ages, began)
    began = time.time()
    await asyncio.to_thread(workers.stop, third)
    await asyncio.to_thread(workers.balance)
    await asyncio.sleep(SETTLE_SECONDS)
    pauses["leave"] += _longest(ages, began)


def _longest(ages: Ages, since: float) -> list[float]:
    return [
        max((age for made, age in found if made >= since - SETTLE_SECONDS), default=0.0)
        for found in ages.values()
    ]


async def _feed(producer: AIOKafkaProducer, config: Config) -> None:
    topic = config.topics.full_name("predictions")
    while True:
        for partition in range(PARTITIONS):
            await producer.send(topic, b"no event", partition=partition)
        await asyncio.sleep(TICK_SECONDS)


async def _listen(consumer: AIOKafkaConsumer, ages: Ages) -> None:
    async for record in consumer:
        headers = dict(record.headers)
        made = int(headers["timestamp"]) / 1000
        ages[int(headers["partition"])].append((made, time.time() - made))


if __name__ == "__main__":
    options = settings()
    answer(options, asyncio.run(measure(options)))
