"""Measure the CPU and the alerts of several workers for the same events."""

import asyncio
import hashlib
import time
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaProducer

from streamproc.client import Alerts
from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.tools.bench.jobs.load import BATCH_BYTES
from streamproc.tools.bench.jobs.worker_group import PARTITIONS, worker_group
from streamproc.tools.bench.process import answer, settings
from streamproc.tools.bench.workload import Workload, events

FIRST_SHARE: Final = 5  # a fifth comes first: all models seen, all code compiled
PATIENCE_SECONDS: Final = 300.0
Batches = list[tuple[int, Any]]


async def measure(options: dict[str, Any]) -> dict[str, Any]:
    """Let workers settle, give them a first part, then measure them on the rest."""
    config = Config.model_validate(options["config"])
    await ensure_topics(config)
    workload = Workload(*options["workload"])
    first = workload.events // FIRST_SHARE
    async with open_producer(config, max_batch_size=BATCH_BYTES) as producer:
        # Made before anything is measured, so that what follows is as fast as the broker.
        early, late = _batches(producer, workload, first)
        with worker_group(options, options["workers"]) as workers:
            await _send(producer, config, early)
            await asyncio.to_thread(workers.handled, first, PATIENCE_SECONDS)
            cpu, began = workers.cpu_seconds(), time.perf_counter()
            await _send(producer, config, late)
            await asyncio.to_thread(workers.handled, workload.events, PATIENCE_SECONDS)
            cpu, spent = workers.cpu_seconds() - cpu, time.perf_counter() - began
    measured = workload.events - first
    alerts = await _alerts(config)
    return {
        "cpu_seconds_per_100k": 1e5 * cpu / measured,
        "events_per_second": measured / spent,
        "alerts": len(alerts),
        "alerts_digest": hashlib.sha256(msgspec.json.encode(alerts)).hexdigest(),
    }


def _batches(producer: AIOKafkaProducer, workload: Workload, first: int) -> tuple[Batches, Batches]:
    numbered = enumerate(events(workload))
    early = [(number, event) for number, event in _take(numbered, first)]
    return list(_built(producer, early, workload)), list(_built(producer, numbered, workload))


def _take(numbered: Iterator[Any], count: int) -> Iterator[Any]:
    return (next(numbered) for _ in range(count))


def _built(producer: AIOKafkaProducer, numbered: Any, workload: Workload) -> Iterator[Any]:
    stamp = int(time.time() * 1000)
    builders: dict[int, Any] = {}
    for number, event in numbered:
        part = number % workload.models % PARTITIONS
        builder = builders.setdefault(part, producer.create_batch())
        if builder.append(key=event.key, value=event.value, timestamp=stamp) is None:
            yield part, builder
            builder = builders[part] = producer.create_batch()
            builder.append(key=event.key, value=event.value, timestamp=stamp)
    yield from builders.items()


async def _send(producer: AIOKafkaProducer, config: Config, batches: Batches) -> None:
    topic = config.topics.full_name("predictions")
    sent = [await producer.send_batch(batch, topic, partition=part) for part, batch in batches]
    await asyncio.gather(*sent)


async def _alerts(config: Config) -> list[list[Any]]:
    """Return the alerts without duplicates and without fields that depend on topic names."""
    async with Alerts(config=config, follow=False) as alerts:
        found = {
            alert.alert_id: [
                alert.source.partition, alert.source.offset, alert.model_id, alert.series,
                alert.status, alert.detector, alert.statistic, alert.message,
            ]
            async for alert in alerts
        }  # fmt: skip
    return sorted(found.values())


if __name__ == "__main__":
    options = settings()
    answer(options, asyncio.run(measure(options)))
