"""A publisher that keeps the newest events, and counts what became of each."""

import asyncio
from typing import Any

import pytest
from broker_topics import events, own_topics

from streamproc.broker import EmbeddedBroker
from streamproc.client import Publisher
from streamproc.client.sync import Publisher as SyncPublisher
from streamproc.config.config import Config
from streamproc.kafka.errors import DeliveryError


@pytest.fixture
def config(embedded_broker: EmbeddedBroker) -> Config:
    """Topics of the test's own."""
    return own_topics(embedded_broker.bootstrap)


def outcomes(publisher: Publisher | SyncPublisher) -> tuple[int, int, int]:
    """Return what became of the events."""
    return publisher.sent, publisher.dropped, publisher.refused


async def numbers(config: Config) -> list[float]:
    """Return what is on the topic, by its numbers."""
    return [each["features"]["x"] for each in await events(config, "features")]


async def test_the_oldest_events_are_dropped(config: Config) -> None:
    """While nothing is confirmed the newest events stay, in order, and no call waits."""
    async with Publisher(config=config, max_pending=8, on_full="drop_oldest") as publisher:
        await publisher.features("m", {"x": -1})  # makes the topic
        await publisher.flush()
        for number in range(100):  # the loop does not turn meanwhile: all of them wait
            await publisher.features("m", {"x": number})
    assert await numbers(config) == [-1, *range(92, 100)]
    assert outcomes(publisher) == (9, 92, 0)


async def test_what_the_client_has_is_not_withdrawn(config: Config) -> None:
    """Events that were handed over are sent; those behind them are dropped, oldest first."""
    async with Publisher(config=config, max_pending=8, on_full="drop_oldest") as publisher:
        await publisher.features("m", {"x": -1})
        await publisher.flush()
        produce, handed, release = publisher._produce, asyncio.Event(), asyncio.Event()

        async def slow(outgoing: Any) -> Any:
            handed.set()
            await release.wait()
            return await produce(outgoing)

        publisher._produce = slow  # type: ignore[method-assign]
        await publisher.features("m", {"x": 0})
        await handed.wait()
        for number in range(1, 20):
            await publisher.features("m", {"x": number})
        release.set()
    assert await numbers(config) == [-1, 0, *range(13, 20)]
    assert outcomes(publisher) == (9, 12, 0)


async def too_large(publisher: Publisher) -> None:
    """Send an event that no topic takes; the error comes now or with the next call."""
    await publisher.features("m", {"x": "a" * 2_000_000})
    await publisher.flush()


@pytest.mark.parametrize("on_full", ["block", "raise", "drop", "drop_oldest"])
async def test_every_event_is_counted(config: Config, on_full: Any) -> None:
    """What is confirmed was sent; what is too large was refused, with an error that says so."""
    async with Publisher(config=config, on_full=on_full) as publisher:
        for number in range(5):
            await publisher.features("m", {"x": number})
        with pytest.raises(DeliveryError, match=r"do not exceed its message\.max\.bytes"):
            await too_large(publisher)
        await publisher.flush()
        assert outcomes(publisher) == (5, 0, 1)


async def test_what_waits_at_an_error_is_counted_as_dropped(config: Config) -> None:
    """An exception of the caller ends the block without waiting; no event is uncounted."""
    publisher = Publisher(config=config, on_full="drop_oldest")

    async def fail() -> None:
        async with publisher:
            await publisher.features("m", {"x": 1})
            await publisher.flush()
            await publisher.features("m", {"x": 2})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert outcomes(publisher) == (1, 1, 0)


def test_a_synchronous_publisher_counts_too(config: Config) -> None:
    """The counters of the one are those of the other."""
    with SyncPublisher(config=config, on_full="drop_oldest") as publisher:
        for number in range(1000):
            publisher.features("m", {"x": number})
        publisher.flush()
        assert outcomes(publisher) == (1000, 0, 0)
