"""Events for workers under fault: series that change again and again, and what is sent of them."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec

from streamproc.config.config import Config
from streamproc.config.topics import TopicKind
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics

START = 1_767_225_600  # 2026-01-01
LARGE_BYTES = 16 * 2**20
SEND_SECONDS = 180.0  # longer than any outage that a row makes


class LoadError(RuntimeError):
    """The producer of the load makes no progress."""


class Sent(NamedTuple):
    """A record to be sent."""

    value: bytes | None
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    stream: TopicKind = "predictions"
    timestamp: int | None = None


def events(seed: int, models: int, count: int, period: int = 350) -> Iterator[dict[str, Any]]:
    """Give events of models in turn, each with a feature that moves by 4 σ every `period`."""
    draw = random.Random(seed)
    for index in range(count):
        for model in range(models):
            moved = 4.0 * ((index + 37 * model) // period % 2)
            yield {
                "model_id": f"model-{model}",
                "event_id": f"{index}",
                "ts": START + index,
                "features": {"amount": draw.gauss(moved, 1), "age": draw.random()},
                "prediction": draw.random(),
            }


def sent(event: dict[str, Any]) -> Sent:
    """Make the record of an event."""
    return Sent(msgspec.json.encode(event), event["model_id"].encode())


async def send(config: Config, what: Iterable[Sent]) -> int:
    """Send records as fast as it goes, and wait until the cluster has them; return how many."""
    await ensure_topics(config)
    count = 0
    async with open_producer(config, max_request_size=LARGE_BYTES) as producer:
        for each in what:
            await producer.send(
                config.topics.full_name(each.stream),
                each.value,
                each.key,
                headers=list(each.headers),
                timestamp_ms=each.timestamp,
            )
            count += 1
        await producer.flush()
    return count


@asynccontextmanager
async def load(
    config: Config, what: Iterable[Sent], rate: float
) -> AsyncIterator[Callable[[], None]]:
    """Send records at a rate, a second, while the block runs; what is left follows at its end.

    Gives a function that ends the sending: what is left is not sent. A producer that makes no
    progress for `SEND_SECONDS` ends the block with its reason.
    """
    await ensure_topics(config)
    hurry, enough = asyncio.Event(), asyncio.Event()

    async def pump() -> None:
        loop = asyncio.get_running_loop()
        began, count = loop.time(), 0
        # aiokafka gives up records that wait for a broker for longer than a request may take.
        async with open_producer(config, request_timeout_ms=int(SEND_SECONDS * 1000)) as producer:
            for each in what:
                topic = config.topics.full_name(each.stream)
                async with _progress(f"sending record {count} to {topic}"):
                    await producer.send(topic, each.value, each.key, timestamp_ms=each.timestamp)
                count += 1
                # There is no event to wait for but time.
                while not hurry.is_set() and count > rate * (loop.time() - began):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                if enough.is_set():
                    break
            async with _progress(f"flushing {count} records"):
                await producer.flush()

    body = asyncio.current_task()
    pumping = asyncio.create_task(pump())

    def end_body(pump_task: asyncio.Task[None]) -> None:
        if not pump_task.cancelled() and pump_task.exception() and body is not None:
            body.cancel()

    pumping.add_done_callback(end_body)
    try:
        yield enough.set
        hurry.set()
        await pumping
    except asyncio.CancelledError:
        if body is not None and pumping.done() and not pumping.cancelled():
            body.uncancel()
            pumping.result()
        raise
    finally:
        pumping.remove_done_callback(end_body)
        pumping.cancel()


@asynccontextmanager
async def _progress(step: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            yield
    except TimeoutError as error:
        raise LoadError(f"no progress for {SEND_SECONDS:.0f} s while {step}") from error
