"""Measure a system that learns from live labels: its CPU, and the latency of its predictions."""

import asyncio
import time
from collections import deque
from typing import Any, Final

import msgspec
import numpy as np
from aiokafka import AIOKafkaProducer

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer, open_producer
from streamproc.tools.bench.jobs.live import (
    DRAIN_SECONDS,
    SETTLE_SECONDS,
    ages,
    made_of,
    share,
    system,
)
from streamproc.tools.bench.jobs.load_generator import BATCH_BYTES, TICK_SECONDS
from streamproc.tools.bench.labelled_workload import FEATURES_TOPIC, LABELS_TOPIC, drawn
from streamproc.tools.bench.process import answer, settings
from streamproc.tools.bench.workload import PARTITIONS

MODELS: Final = 10
FEATURES: Final = 10
LABEL_SECONDS: Final = 1.0  # from an event to its label
POOL: Final = 4096  # rows of features that are used again


def topics(config: Config) -> dict[str, str]:
    """Return the names of the topics of events and of labels."""
    return {
        FEATURES_TOPIC: config.topics.full_name(FEATURES_TOPIC),
        LABELS_TOPIC: config.topics.full_name(LABELS_TOPIC),
    }


class LabelledLoad:
    """Send events at a rate, each with its creation time, and their labels a second later."""

    def __init__(self, producer: AIOKafkaProducer, config: Config, seed: int) -> None:
        self._producer = producer
        self._names = topics(config)
        rows = drawn(np.random.default_rng(seed), POOL, FEATURES)
        self._features = [msgspec.json.encode(features) for features, _ in rows]
        self._labels = [b"true" if label else b"false" for _, label in rows]
        self._made: deque[tuple[float, int]] = deque()  # events without a label
        self._next = 0

    async def run(self, rate: int, seconds: float) -> None:
        """Send for some seconds."""
        began, sent, total = time.time(), 0, int(rate * seconds)
        while sent < total:
            now = time.time()
            due = min(total, int((now - began) * rate))
            await self._send(FEATURES_TOPIC, range(self._next, self._next + due - sent), now)
            self._made += [(now, number) for number in range(self._next, self._next + due - sent)]
            self._next += due - sent
            sent = due
            labelled = []
            while self._made and self._made[0][0] <= now - LABEL_SECONDS:
                labelled.append(self._made.popleft()[1])
            await self._send(LABELS_TOPIC, labelled, now)
            await asyncio.sleep(TICK_SECONDS)

    async def _send(self, kind: str, numbers: Any, now: float) -> None:
        builders: dict[int, Any] = {}
        for number in numbers:
            model = number % MODELS
            partition, at = model % PARTITIONS, number % POOL
            if partition not in builders:
                builders[partition] = self._producer.create_batch()
            field = b'"features":%b' % self._features[at]
            if kind == LABELS_TOPIC:
                field = b'"label":%b' % self._labels[at]
            value = b'{"model_id":"m%d","event_id":"%d","ts":%.6f,%b}' % (model, number, now, field)
            builders[partition].append(key=b"m%d" % model, value=value, timestamp=int(now * 1000))
        for partition, builder in builders.items():
            await self._producer.send_batch(builder, self._names[kind], partition=partition)


async def measure(options: dict[str, Any], pid: int) -> dict[str, float]:
    """Measure CPU and latency at each rate, and how many events were answered."""
    config = Config.model_validate(options["config"])
    figures: dict[str, float] = {}
    seconds = options["seconds"]
    async with (
        open_producer(config, linger_ms=0, max_batch_size=BATCH_BYTES) as producer,
        open_consumer(config, config.topics.full_name("online_predictions")) as consumer,
    ):
        for name in topics(config).values():
            await producer.partitions_for(name)
        await consumer.seek_to_end()
        load = LabelledLoad(producer, config, options["seed"])
        for rate in options["rates"]:
            await load.run(rate, SETTLE_SECONDS)
            reading = asyncio.create_task(ages(consumer, seconds + DRAIN_SECONDS, made_of))
            figures[f"{rate}_cpu"] = await share(pid, load.run(rate, seconds))
            found = await reading
            figures[f"{rate}_answered"] = len(found) / int(rate * seconds)
            if found:
                p50, p99 = np.percentile(found, [50, 99]).tolist()
                figures |= {f"{rate}_p50": p50, f"{rate}_p99": p99}
    return figures


def main() -> None:
    """Run one system and measure it."""
    options = settings()
    with system(options) as pid:
        answer(options, asyncio.run(measure(options, pid)))


if __name__ == "__main__":
    main()
