"""A crash between any two steps of a slice loses no alert, and these tests would notice."""

import asyncio
from typing import Any

import msgspec
import pytest
from broker_topics import records
from prometheus_client import CollectorRegistry
from typing_extensions import override
from worker.running import committed, idle, own_config, read_alerts
from worker.scenarios import expected, payloads, story

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.worker.metrics import Metrics
from streamproc.worker.pipeline import Pipeline
from streamproc.worker.publisher import AlertPublisher
from streamproc.worker.worker import Worker


class Crash(Exception):  # noqa: N818  the end of a process, not an error of ours
    """What ends a worker at a kill point."""


class CrashBefore(AlertPublisher):
    """Ends the worker before anything is published."""

    @override
    async def publish(self, alerts: Any, dead_letters: Any) -> frozenset[str]:
        raise Crash


class CrashAfter(AlertPublisher):
    """Ends the worker when the cluster has everything, and before the slice is acknowledged."""

    @override
    async def publish(self, alerts: Any, dead_letters: Any) -> frozenset[str]:
        await super().publish(alerts, dead_letters)
        raise Crash


class HastyWorker(Worker):
    """What no worker may be: it acknowledges a slice, and then publishes what came of it."""

    async def _take(self, part: Any, acknowledge: Any) -> None:
        await acknowledge()
        await super()._take(part, _nothing)


async def _nothing() -> None:
    return


async def _live(config: Config, kind: type[Worker], outbox: type[AlertPublisher]) -> Worker:
    """Run a worker until it crashes or has nothing to do."""
    async with open_producer(config) as producer:
        metrics = Metrics(CollectorRegistry())
        line = Pipeline(config, outbox(config, producer), metrics)
        worker = kind(config, line, metrics)
        await worker.start()
        try:
            await idle(worker)
        finally:
            await worker.stop()
    return worker


async def _crash_and_restart(
    bootstrap: str, kind: type[Worker], outbox: type[AlertPublisher]
) -> tuple[Config, dict[str, Any]]:
    """Crash a worker at its first slice, run another; return what had to be found."""
    config = own_config(bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    # The whole story is in the first slice, so that its state is not lost with the worker.
    async with open_producer(config) as producer:
        events = list(story(models=2))
        for first in range(0, len(events), 26):
            value = msgspec.json.encode(events[first : first + 26])
            await producer.send(config.topics.full_name("predictions"), value)
        await producer.flush()
    crashed = await _live(config, kind, outbox)
    assert isinstance(crashed.failure, Crash)
    again = await _live(config, kind, AlertPublisher)
    assert again.failure is None
    assert await committed(config, "predictions") == {0: 200}
    return config, expected(config, await records(config, "predictions"))


@pytest.mark.parametrize("outbox", [CrashBefore, CrashAfter])
async def test_no_crash_loses_an_alert(
    outbox: type[AlertPublisher], embedded_broker: EmbeddedBroker
) -> None:
    """Killed before or after publishing: a restart makes all alerts, those again by their ids."""
    config, wanted = await _crash_and_restart(embedded_broker.bootstrap, Worker, outbox)
    assert wanted
    assert payloads(await read_alerts(config)) == wanted
    times = 2 if outbox is CrashAfter else 1
    assert len(await records(config, "alerts")) == times * len(wanted)


async def test_acknowledging_first_would_be_noticed(embedded_broker: EmbeddedBroker) -> None:
    """A worker that acknowledges before it publishes loses alerts in this very harness."""
    config, wanted = await _crash_and_restart(embedded_broker.bootstrap, HastyWorker, CrashBefore)
    assert wanted
    assert payloads(await read_alerts(config)) == {}


async def test_a_failure_stops_the_commits(embedded_broker: EmbeddedBroker) -> None:
    """After a slice that failed nothing is taken, and nothing of it or behind it is committed."""
    config = own_config(embedded_broker.bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    async with open_producer(config) as producer:
        await asyncio.gather(
            *[
                await producer.send(config.topics.full_name("predictions"), b"no event")
                for _ in range(1000)
            ]
        )
    worker = await _live(config, Worker, CrashAfter)
    assert isinstance(worker.failure, Crash)
    assert worker.unhealthy() == "failed: "
    assert await committed(config, "predictions") == {0: 0}
    assert len(await records(config, "dead_letters")) == 250  # one slice
