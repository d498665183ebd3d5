"""Joins of one partition that crash where a test wants them to, and what counts of their work."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from broker_topics import records
from label_logs import Logs, Pair
from prometheus_client import CollectorRegistry
from worker.running import PATIENCE, own_config, publish
from worker.snapshots.snapshots_running import Countdown, Crash

from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.performance.outcome_log import OutcomeLog, OutcomeRow
from streamproc.worker.join.metrics import JoinMetrics
from streamproc.worker.join.store import Store
from streamproc.worker.join.task import Joiner
from streamproc.worker.metrics import Metrics
from streamproc.worker.publisher import AlertPublisher

POINTS = ("before_publish", "in_publish", "after_publish", "before_commit", "after_commit")


class MortalJoiner(Joiner):
    """Crashes at a kill point, and commits after each portion."""

    kill: Countdown
    portion = 500

    async def _publish(self, *given: Any) -> Any:
        self.kill.passes("before_publish")
        published = await super()._publish(*given)
        self.kill.passes("after_publish")
        return published

    async def _write(self, entries: Any) -> None:
        if len(entries) > 1 and self.kill.point == "in_publish":
            half = len(entries) // 2
            await super()._write(entries[:half])
            self.kill.passes("in_publish")
            entries = entries[half:]
        await super()._write(entries)

    async def _commit(self) -> None:
        self.kill.passes("before_commit")
        await super()._commit()
        self.kill.passes("after_commit")

    async def _commit_when_due(self) -> None:
        if self._changed:
            await self._commit()
        await super()._commit_when_due()


class HastyJoiner(MortalJoiner):
    """What no join may be: its store commits before what came of it is published."""

    async def _publish(self, joined: Any, given: Any) -> Any:
        for log, record in given:
            self._store.place.positions[log] = record.offset + 1
        await self._commit()
        return await super()._publish(joined, given)


def joins_config(bootstrap: str, folder: Path, **more: Any) -> Config:
    """Return a config with one partition and a store of the test's own."""
    labels = {"store": str(folder), **more.pop("labels", {})}
    return own_config(bootstrap, topics={"partitions": 1}, labels=labels, **more)


async def fill(config: Config, logs: Logs) -> None:
    """Publish events and labels, a part of these each time."""
    await ensure_topics(config)
    parts = 4
    for part in range(parts):
        await publish(config, logs.events[part::parts])
        await publish(
            config, logs.labels[part * len(logs.labels) // parts :][: _share(logs, parts, part)]
        )


def _share(logs: Logs, parts: int, part: int) -> int:
    size = len(logs.labels)
    return (part + 1) * size // parts - part * size // parts


async def live(
    config: Config,
    path: Path,
    kill: Countdown | None = None,
    kind: type[MortalJoiner] = MortalJoiner,
    generation: int = 0,
) -> bool:
    """Join until there is nothing left, or until it crashes; return whether it did."""
    async with open_producer(config) as producer:
        store = Store(path, 2**20)
        joiner = kind(
            config, 0, store, (producer, AlertPublisher(config, producer)),
            JoinMetrics(Metrics(CollectorRegistry())), lambda _: False,
        )  # fmt: skip
        joiner.kill = kill or Countdown()
        task = asyncio.create_task(joiner.run(generation))
        try:
            async with asyncio.timeout(PATIENCE):
                while joiner.behind and not task.done():  # noqa: ASYNC110  nobody tells
                    await asyncio.sleep(0.01)
            if task.done():
                task.result()
        except Crash:
            return True
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            store.close()
    return False


async def counted(config: Config) -> list[OutcomeRow]:
    """Return the outcomes that count, by the rule of all readers; each is there once."""
    found = await records(config, "outcomes")
    logs = [[r for r in found if r.partition == number] for number in {r.partition for r in found}]
    rows = [counts.row for log in logs for counts in OutcomeLog().read(log)]
    outcomes = [row for row in rows if isinstance(row, OutcomeRow)]
    assert len({row.outcome_id for row in outcomes}) == len(outcomes)
    return outcomes


async def pairs_of(config: Config) -> Counter[Pair]:
    """Count the pairs that count."""
    return Counter(
        (row.status, str(row.event_id), row.revision, row.label)
        for row in await counted(config)
        if row.status in {"labelled", "revised"}
    )
