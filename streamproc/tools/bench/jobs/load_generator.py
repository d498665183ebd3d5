"""Send events at a constant rate, each with its creation time."""

import asyncio
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer

from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.tools.bench.process import answer, settings
from streamproc.tools.bench.workload import PARTITIONS, Event, Workload, events

TICK_SECONDS = 0.002
BATCH_BYTES = 2**18
POOL = 5000  # events that are reused with a new ts


class Template(NamedTuple):
    """An event around its `ts`."""

    partition: int
    key: bytes
    before: bytes
    after: bytes


async def make(options: dict[str, Any]) -> dict[str, float]:
    """Send at the rate for the duration; return the actual number of events and the delay."""
    config = Config.model_validate(options["config"])
    topic = config.topics.full_name("predictions")
    templates = templates_of(options["seed"])
    rate, seconds = options["rate"], options["seconds"]
    total = int(rate * seconds)
    made, latest = 0, 0.0
    async with open_producer(config, linger_ms=0, max_batch_size=BATCH_BYTES) as producer:
        await producer.partitions_for(topic)
        await asyncio.to_thread(_await_sink, Path(options["folder"]).parent / "sink" / "listening")
        began = time.perf_counter()
        while made < total:
            due = min(total, int((time.perf_counter() - began) * rate))
            if due > made:
                latest = max(latest, time.perf_counter() - began - made / rate)
                batch = [templates[i % POOL] for i in range(made, due)]
                await send_batch(producer, topic, batch)
                made = due
            await asyncio.sleep(TICK_SECONDS)
        took = time.perf_counter() - began
    return {"made": made, "made_per_second": made / took, "latest_ms": latest * 1000}


def templates_of(seed: int) -> list[Template]:
    """Return the events that are sent again and again."""
    return [_template(event) for event in events(Workload(POOL, seed=seed))]


def _template(event: Event) -> Template:
    ts = b"%r" % msgspec.json.decode(event.value)["ts"]
    before, _, after = event.value.partition(ts)
    return Template(event.partition, event.key, before, after)


async def send_batch(producer: AIOKafkaProducer, topic: str, batch: list[Template]) -> None:
    """Send events that are made now."""
    builders = [producer.create_batch() for _ in range(PARTITIONS)]
    for partition, key, before, after in batch:
        now = time.time()
        value = b"%b%.6f%b" % (before, now, after)
        builders[partition].append(key=key, value=value, timestamp=int(now * 1000))
    for partition, builder in enumerate(builders):
        if builder.record_count():
            await producer.send_batch(builder, topic, partition=partition)


def _await_sink(sign: Path) -> None:
    while not sign.exists():
        time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    options = settings()
    answer(options, asyncio.run(make(options)))
