"""`begin: latest` skips what was there before the first start, and nothing that comes later."""

import json
from typing import Any

import pytest
from aiokafka.admin import NewPartitions
from broker_topics import records
from prometheus_client import CollectorRegistry
from worker.running import settings, total, until
from worker.test_intake import intake, rows, send_unkeyed

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.clients import open_admin, open_producer
from streamproc.worker.intake import reader as module
from streamproc.worker.intake.reader import IntakeReader, reading
from streamproc.worker.metrics import Metrics


async def send(config: Config, topic: str, given: list[dict[str, Any]], partition: int) -> None:
    """Write rows to one partition of a topic that exists."""
    async with open_producer(config) as producer:
        for row in given:
            await producer.send(topic, json.dumps(row).encode(), partition=partition)
        await producer.flush()


async def ids(config: Config) -> set[str]:
    """Return the ids of all events that were published."""
    return {json.loads(each.value)["event_id"] for each in await records(config, "predictions")}


def counted(reader: IntakeReader, registry: CollectorRegistry, topic: str, count: int) -> bool:
    """Whether this number of events of a topic was published; an error ends the test."""
    assert reader.failure is None
    return total(registry, "intake_events_total", topic=topic) == count


async def test_only_what_comes_later_is_read(
    bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what comes between two runs, and what is in partitions and topics that are added."""
    monkeypatch.setattr(module, "DISCOVERY_SECONDS", 0.5)
    given = settings(bootstrap)
    topic, late = f"{given['group']}-scores", f"{given['group']}-later"
    given["intake"] = [
        intake(topic)[0] | {"begin": "latest"},
        intake(late)[0] | {"begin": "latest"},
    ]
    config = load(given)
    batches = [rows(250)[first : first + 50] for first in range(0, 250, 50)]
    await send_unkeyed(config, topic, batches[0])
    first, second = CollectorRegistry(), CollectorRegistry()
    async with reading(config, Metrics(first)) as reader:
        await until(lambda: reader.unready() is None and reader.idle_seconds() > 0)
        assert reader.failure is None
        await send(config, topic, batches[1], 1)
        await until(lambda: counted(reader, first, topic, 50))
        await send_unkeyed(config, late, batches[2])
        await until(lambda: counted(reader, first, late, 50))
    await send(config, topic, batches[3], 2)  # a partition of which nothing was ever read
    async with open_admin(config) as admin:
        await admin.create_partitions({topic: NewPartitions(6)})
    await send(config, topic, batches[4], 5)
    async with reading(config, Metrics(second)) as reader:
        await until(lambda: counted(reader, second, topic, 100))
    expected = {row["id"] for batch in batches[1:] for row in batch}
    assert await ids(config) == expected
