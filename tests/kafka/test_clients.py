"""Kafka clients that are opened and closed."""

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from worker.running import PATIENCE, own_config

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer, open_producer


@pytest.mark.parametrize(
    ("client", "opened"), [(AIOKafkaConsumer, open_consumer), (AIOKafkaProducer, open_producer)]
)
async def test_who_is_cancelled_while_a_client_closes_ends(
    client: type[Any], opened: Any, embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that stops while one of its tasks closes a client does not wait for ever."""
    closing, over = asyncio.Event(), asyncio.Event()
    stop = client.stop

    async def told(self: Any) -> None:
        closing.set()
        await stop(self)
        over.set()

    monkeypatch.setattr(client, "stop", told)
    task = asyncio.create_task(_open_and_close(opened, own_config(embedded_broker.bootstrap)))
    async with asyncio.timeout(PATIENCE):
        await closing.wait()
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()
    assert over.is_set()


async def _open_and_close(opened: Any, config: Config) -> None:
    async with opened(config):
        pass
