"""Outcomes on their topic, online models that learn from them, and crashes where a test wants."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from broker_topics import records
from prometheus_client import CollectorRegistry
from worker.running import PATIENCE, own_config
from worker.snapshots.snapshots_running import Countdown, MortalStore

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer, open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.online.partition_models import Learned, PartitionModels
from streamproc.schemas.model_updates import ModelUpdate, OnlinePrediction
from streamproc.worker.online.metrics import OnlineMetrics
from streamproc.worker.online.runner import OnlineRunner, Owned
from streamproc.worker.online.state import PartitionModelsCodec
from streamproc.worker.publisher import AlertPublisher
from streamproc.worker.snapshots.snapshots import Snapshots

MODEL = ["preprocessing.StandardScaler", "linear_model.LogisticRegression"]
START = datetime(2026, 1, 1, tzinfo=UTC)


def config_of(bootstrap: str, model: Any = MODEL, **more: Any) -> Config:
    """Return a config with one online model, one partition, and a snapshot after each slice."""
    online = {"model": model, "interval": "10s", **more.pop("online", {})}
    base: dict[str, Any] = {
        "topics": {"partitions": 1},
        "limits": {"slice_records": 50},
        "snapshots": {"interval": "0s"},
        "models": [{"id": "*", "task": "binary", "online": online}],
    }
    return own_config(bootstrap, **(base | more))


def outcomes(rows: int, delay: int = 20, first: int = 0) -> Iterator[dict[str, Any]]:
    """Give outcomes of a model whose label is whether `a` is above `b`, asked and then labelled."""
    seq = 0
    for row in range(rows + delay):
        for number, status in ((row, "asked"), (row - delay, "labelled")):
            if not 0 <= number < rows:
                continue
            a, b = (number * 37 % 101) / 101, (number * 53 % 89) / 89
            event: dict[str, Any] = {
                "outcome_id": f"{number}/{status}",
                "model_id": "m",
                "event_id": str(number),
                "ts": _time(row),
                "features": {"a": a, "b": b},
                "epoch": 1,
                "seq": seq,
                "status": status,
                "revision": int(status == "labelled"),
            }
            if status == "labelled":
                event |= {"label": a > b, "label_ts": _time(row), "delay": delay}
            seq += 1
            if seq > first:
                yield event


def _time(row: int) -> str:
    return (START + timedelta(seconds=row)).isoformat()


async def fill(config: Config, events: Sequence[dict[str, Any]]) -> None:
    """Write outcomes to their topic, all to one partition."""
    await ensure_topics(config)
    async with open_producer(config) as producer:
        for event in events:
            value = msgspec.json.encode(event)
            await producer.send(config.topics.full_name("outcomes"), value, key=b"m", partition=0)
        await producer.flush()


class MortalLine(OnlineRunner):
    """Crashes before or after the cluster has what is published."""

    kill: Countdown
    rested: asyncio.Event

    async def _publish_idle(self, number: int) -> None:
        before = self._held[number].served
        await super()._publish_idle(number)
        if self._held[number].served > max(before, 0.0):
            self.rested.set()

    async def _publish(self, number: int, learned: Learned) -> Learned:
        self.kill.passes("before_publish")
        taken = await super()._publish(number, learned)
        self.kill.passes("after_publish")
        return taken


async def live(
    config: Config, kill: Countdown | None = None, quiet: float = 0.0
) -> CollectorRegistry:
    """Learn until nothing is left to learn, or until it crashes at a kill point.

    With `quiet` so many seconds then pass at once, and what is told because of them is waited for.
    """
    now = 0.0
    metrics = OnlineMetrics(CollectorRegistry())
    async with AsyncExitStack() as stack:
        producer = await stack.enter_async_context(open_producer(config))
        consumer = await stack.enter_async_context(open_consumer(config))
        outbox, store = AlertPublisher(config, producer), MortalStore(config, producer)
        snapshots = Snapshots(config, store, PartitionModelsCodec(config), metrics, cost=0.0)
        line = MortalLine(
            config, consumer, producer, outbox, snapshots, metrics, monotonic=lambda: now
        )
        line.kill = store.kill = kill or Countdown()
        line.rested = asyncio.Event()
        line.own(Owned(frozenset({0}), 1))
        running = asyncio.create_task(line.run())
        async with asyncio.timeout(PATIENCE):
            while not running.done() and await line.behind():  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0.02)
            if quiet:
                now = quiet
                await line.rested.wait()
            line.stop()
            await running
    return metrics.registry


async def offline(config: Config) -> tuple[list[OnlinePrediction], list[ModelUpdate], bytes]:
    """Return answers, updates and state of the pure learners over what is on the topic."""
    log = await records(config, "outcomes")
    learners = PartitionModels(config, config.topics.full_name("outcomes"), 0)
    learned = learners.process(log, datetime(2026, 1, 5, tzinfo=UTC))
    return [each.event() for each in learned.answers], learned.updates, learners.state()


async def published(config: Config) -> tuple[list[OnlinePrediction], list[ModelUpdate]]:
    """Return the answers and updates on their topics, each once; what comes twice is equal."""
    answers: dict[int, OnlinePrediction] = {}
    for record in await records(config, "online_predictions"):
        answer = OnlinePrediction.from_json(record.value)
        assert answers.setdefault(answer.source.offset, answer) == answer
    updates: dict[str, ModelUpdate] = {}
    for record in await records(config, "model_updates"):
        update = ModelUpdate.from_json(record.value)
        assert updates.setdefault(update.update_id, update) == update
    return list(answers.values()), list(updates.values())


async def kept(config: Config) -> bytes:
    """Return the state that the newest snapshot holds."""
    topic = config.topics.full_name("outcomes")
    async with open_producer(config) as producer:
        store = MortalStore(config, producer)
        found, _ = await store.read([(topic, 0)], PartitionModelsCodec.kind)
        [newest, *_] = found[topic, 0].found()
        data = found[topic, 0].assemble(newest)
    return PartitionModelsCodec(config).decode(data, (topic, 0)).state.state()
