"""What a publisher does when its queue is full, or when it is not open."""

from typing import Any

import pytest
from broker_topics import own_topics

from streamproc.broker import EmbeddedBroker
from streamproc.client import Publisher
from streamproc.client.sync import Publisher as SyncPublisher
from streamproc.kafka.errors import ClientNotOpenError, QueueFullError


async def filled(publisher: Publisher) -> None:
    """Send as many events as the queue takes; none is confirmed before the loop turns."""
    for _ in range(3):
        await publisher.features("m", {"x": 1})


@pytest.mark.parametrize("on_full", ["raise", "block"])
async def test_a_full_queue_raises(embedded_broker: EmbeddedBroker, on_full: Any) -> None:
    """At once, or after the time that a call may wait, and the publisher goes on."""
    config = own_topics(embedded_broker.bootstrap)
    async with Publisher(config=config, max_pending=3, on_full=on_full, timeout=5) as publisher:
        await filled(publisher)
        publisher._pending += 3
        publisher._timeout = 0.05
        with pytest.raises(QueueFullError, match="queue is full"):
            await publisher.features("m", {"x": 1})
        publisher._pending -= 3


async def test_a_full_queue_drops_and_counts(embedded_broker: EmbeddedBroker) -> None:
    """With `drop` no call waits, and what was left out is counted."""
    config = own_topics(embedded_broker.bootstrap)
    async with Publisher(config=config, max_pending=3, on_full="drop") as publisher:
        await filled(publisher)
        publisher._pending += 3
        await publisher.features("m", {"x": 1})
        publisher._pending -= 3
        assert publisher.dropped == 1


def test_a_publisher_without_with_raises_at_once() -> None:
    """A call outside of the block is an error, not a wait for ever."""
    with pytest.raises(ClientNotOpenError, match="with block"):
        SyncPublisher("kafka://127.0.0.1:1").features("m", {"x": 1})


async def test_an_asynchronous_publisher_without_with_raises_at_once() -> None:
    """A call outside of the block is an error that says what to do."""
    with pytest.raises(ClientNotOpenError, match="async with"):
        await Publisher("kafka://127.0.0.1:1").features("m", {"x": 1})
