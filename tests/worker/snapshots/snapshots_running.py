"""Workers that keep their state, and crash where a test wants them to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pytest
from broker_topics import records
from prometheus_client import CollectorRegistry
from worker.running import idle, own_config, read_alerts
from worker.scenarios import expected, payloads, story

from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.alerts import AlertEvent
from streamproc.worker import worker as worker_module
from streamproc.worker.log_marks import RecordMark
from streamproc.worker.metrics import Metrics
from streamproc.worker.pipeline import Pipeline
from streamproc.worker.publisher import AlertPublisher
from streamproc.worker.snapshots.monitor_codec import MonitorCodec
from streamproc.worker.snapshots.records import Key
from streamproc.worker.snapshots.snapshots import Snapshots
from streamproc.worker.snapshots.store import SnapshotStore, Written
from streamproc.worker.worker import Worker

RECORDS = 2000


class Crash(Exception):  # noqa: N818  the end of a process, not an error of ours
    """What ends a worker at a kill point."""


class Countdown:
    """Crashes a worker at the n-th time that it comes by a kill point.

    Attributes
    ----------
    point
        Which one: before_publish, before_alert, after_publish, in_snapshot, after_snapshot.
    """

    def __init__(self, point: str | None = None, times: int = 1) -> None:
        self.point = point
        self._left = times

    def passes(self, point: str) -> None:
        """Come by a kill point."""
        if point == self.point:
            self._left -= 1
            if self._left <= 0:
                raise Crash


class MortalOutbox(AlertPublisher):
    """Crashes before or after the cluster has what is published."""

    kill: Countdown

    async def publish(self, alerts: Any, dead_letters: Any) -> frozenset[str]:
        """Publish, or crash."""
        self.kill.passes("before_publish")
        if alerts:
            self.kill.passes("before_alert")
        lost = await super().publish(alerts, dead_letters)
        self.kill.passes("after_publish")
        return lost


class MortalStore(SnapshotStore):
    """Crashes when all but the manifest of a snapshot is written, or after it."""

    kill: Countdown

    async def _send(self, some: Iterable[tuple[Key, bytes | None]]) -> None:
        key, value = some[0] if isinstance(some, list) and some else (None, None)
        if key is not None and key.part < 0 and value is not None:
            self.kill.passes("in_snapshot")
        await super()._send(some)

    async def write(
        self,
        key: Key,
        sections: Sequence[bytes],
        following: int,
        held: Mapping[Key, int | None],
        mark: RecordMark | None = None,
    ) -> Written:
        """Write a snapshot, or crash."""
        written = await super().write(key, sections, following, held, mark)
        self.kill.passes("after_snapshot")
        return written


def config_of(bootstrap: str, interval: str = "0s", **more: Any) -> Config:
    """Return a config with one partition, small slices and a snapshot after each of them."""
    return own_config(
        bootstrap,
        topics={"partitions": 1},
        limits={"slice_records": 50},
        snapshots={"interval": interval},
        **more,
    )


async def live(
    config: Config,
    kill: Countdown | None = None,
    kind: type[Worker] = Worker,
    line: type[Pipeline] = Pipeline,
) -> tuple[Worker, CollectorRegistry]:
    """Run a worker until it crashes or has nothing to do."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    with pytest.MonkeyPatch.context() as patched:
        # All records are there already: what is left to do is known with the first fetch.
        patched.setattr(worker_module, "HOUSEKEEPING_SECONDS", 0.1)
        worker = await _lived(config, kill or Countdown(), kind, line, metrics)
    return worker, registry


async def _lived(
    config: Config, kill: Countdown, kind: type[Worker], line: type[Pipeline], metrics: Metrics
) -> Worker:
    async with open_producer(config) as producer:
        outbox, store = MortalOutbox(config, producer), MortalStore(config, producer)
        outbox.kill = store.kill = kill
        snapshots = Snapshots(config, store, MonitorCodec(config), metrics, cost=0.0)
        worker = kind(config, line(config, outbox, metrics, snapshots=snapshots), metrics)
        await worker.start()
        try:
            await idle(worker)
        finally:
            await worker.stop()
    return worker


async def fill(config: Config, first: int = 0, last: int = RECORDS) -> None:
    """Publish a part of a story of two models, one of which changes in the middle."""
    await ensure_topics(config)
    async with open_producer(config) as producer:
        for event in list(story(models=2, events=RECORDS // 2, shift=RECORDS // 4))[first:last]:
            value = msgspec.json.encode(event)
            await producer.send(config.topics.full_name("predictions"), value)
        await producer.flush()


async def found(config: Config) -> dict[str, Any]:
    """Return what is on the topic of alerts by id; alerts of one id must be the same."""
    by_id: dict[str, Any] = {}
    for record in await records(config, "alerts"):
        alert = AlertEvent.from_json(record.value)
        [(name, payload)] = payloads([alert]).items()
        assert by_id.setdefault(name, payload) == payload
    assert payloads(await read_alerts(config)) == by_id
    return by_id


async def oracle(config: Config) -> Mapping[str, Any]:
    """Return what `Monitor` says of the records on the topic of predictions."""
    return expected(config, await records(config, "predictions"))
