"""Measure CPU and latency of one system at several rates of live events, and its idle CPU."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer, open_producer
from streamproc.tools.bench.jobs.load_generator import (
    BATCH_BYTES,
    TICK_SECONDS,
    Template,
    send_batch,
    templates_of,
)
from streamproc.tools.bench.jobs.worker_process import cpu_seconds, running
from streamproc.tools.bench.process import Job, answer, settings, start

WORKER: Final = "worker"
START_SECONDS: Final = 10.0  # a peer does not tell when it has joined its group
SETTLE_SECONDS: Final = 3.0  # at each rate, before its measurement
IDLE_SECONDS: Final = 6.0
PROBES_A_SECOND: Final = 20
PROBE: Final = b"not an event"
DRAIN_SECONDS: Final = 2.0
ENDLESS: Final = 10**12  # events after which a peer stops


class Answer(msgspec.Struct):
    """What counts of an alert or a prediction: the time of its event's making."""

    ts: datetime | float


_DECODE: Final = msgspec.json.Decoder(Answer).decode


class Load:
    """Send events at a rate, with their creation time."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, templates: list[Template]) -> None:
        self._producer, self._topic, self._templates = producer, topic, templates
        self._sent = 0

    async def run(self, rate: int, seconds: float, *, probes: bool = False) -> None:
        """Send for some seconds; with `probes` undecodable records, too."""
        began, sent, probed = time.perf_counter(), 0, 0
        while sent < int(rate * seconds):
            passed = time.perf_counter() - began
            due = min(int(rate * seconds), int(passed * rate))
            if due > sent:
                places = range(self._sent + sent, self._sent + due)
                pool = self._templates
                batch = [pool[place % len(pool)] for place in places]
                await send_batch(self._producer, self._topic, batch)
                sent = due
            if probes and int(passed * PROBES_A_SECOND) > probed:
                probed += 1
                now = int(time.time() * 1000)
                await self._producer.send(
                    self._topic, PROBE, partition=probed % 4, timestamp_ms=now
                )
            await asyncio.sleep(TICK_SECONDS)
        self._sent += sent


@contextmanager
def system(options: dict[str, Any]) -> Iterator[int]:
    """Run the worker or a peer until the block ends; give its process."""
    if options["system"] == WORKER:
        with running(options, WORKER) as worker:
            yield worker.pid
        return
    given = {**options, "events": ENDLESS, "skip": ENDLESS}
    job = Job("live", f"peers.{options['system']}", given, "peer")
    child = start(job, Path(options["folder"]) / "peer")
    try:
        time.sleep(START_SECONDS)
        yield child.pid
    finally:
        child.kill()


@asynccontextmanager
async def clients(
    options: dict[str, Any],
) -> AsyncIterator[tuple[Load, AIOKafkaConsumer]]:
    """Open the source of events, and the reader of what the system makes of them."""
    config = Config.model_validate(options["config"])
    ours = options["system"] == WORKER
    answers = config.topics.full_name("dead_letters" if ours else "alerts")
    async with (
        open_producer(config, linger_ms=0, max_batch_size=BATCH_BYTES) as producer,
        open_consumer(config, answers) as consumer,
    ):
        topic = config.topics.full_name("predictions")
        await producer.partitions_for(topic)
        await consumer.seek_to_end()
        yield Load(producer, topic, templates_of(options["seed"])), consumer


async def measure(options: dict[str, Any], pid: int) -> dict[str, float]:
    """Measure idle CPU, then CPU and latency at each rate."""
    figures: dict[str, float] = {}
    seconds = options["seconds"]
    async with clients(options) as (load, consumer):
        await load.run(100, SETTLE_SECONDS)
        await asyncio.sleep(SETTLE_SECONDS)
        figures["idle_cpu"] = await share(pid, asyncio.sleep(IDLE_SECONDS))
        for rate in options["rates"]:
            await load.run(rate, SETTLE_SECONDS)
            figures[f"{rate}_cpu"] = await share(pid, load.run(rate, seconds))
            time_of = _made_of_letter if options["system"] == WORKER else made_of
            reading = asyncio.create_task(ages(consumer, seconds + DRAIN_SECONDS, time_of))
            await load.run(rate, seconds, probes=options["system"] == WORKER)
            found = await reading
            figures[f"{rate}_counted"] = len(found)
            if found:
                p50, p99 = np.percentile(found, [50, 99]).tolist()
                figures |= {f"{rate}_p50": p50, f"{rate}_p99": p99}
    return figures


async def share(pid: int, load: Coroutine[Any, Any, Any]) -> float:
    """Return the CPU time of a process as a percentage of a core while a load runs."""
    cpu, began = cpu_seconds(pid), time.perf_counter()
    await load
    return 100 * (cpu_seconds(pid) - cpu) / (time.perf_counter() - began)


async def ages(
    consumer: AIOKafkaConsumer, seconds: float, made_of: Callable[[Any], float]
) -> list[float]:
    """Return the milliseconds from the making of each event to its answer's arrival.

    Parameters
    ----------
    consumer
        Reads the answers.
    seconds
        How long to read; answers to earlier events do not count.
    made_of
        Returns when the event of an answer was made, in seconds since 1970.
    """
    found: list[float] = []
    began = time.time()
    while (left := began + seconds - time.time()) > 0:
        batches = await consumer.getmany(timeout_ms=int(left * 1000) + 1)
        now = time.time()
        for record in (each for records in batches.values() for each in records):
            made = made_of(record)
            if made >= began:
                found.append(1000 * (now - made))
    return found


def _made_of_letter(record: Any) -> float:
    return int(dict(record.headers)["timestamp"]) / 1000


def made_of(record: Any) -> float:
    """Return the time in a record's value, in seconds since 1970."""
    ts = _DECODE(record.value).ts
    return ts.timestamp() if isinstance(ts, datetime) else ts


def main() -> None:
    """Run one system and measure it."""
    options = settings()
    with system(options) as pid:
        answer(options, asyncio.run(measure(options, pid)))


if __name__ == "__main__":
    main()
