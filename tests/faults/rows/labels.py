"""Labels come in any order, late, and again."""

import asyncio
import re
import signal
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from broker_topics import records
from faults.ending import all_done, finish
from faults.matrix import Failed, Site
from faults.verdicts import same
from label_logs import BEGIN, DAY, Logs, hard_logs, join, outcomes, pairs
from worker.join.joining import counted, fill, pairs_of
from worker.online.online_workers import MODEL, kept, offline, published
from worker.procfs import resident
from worker.running import WorkerProcess, publish

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.join.entry import InputLog
from streamproc.online.partition_models import PartitionModels

ORDER = 9.5
FAULT = (
    "labels out of order, before their prediction, past the horizon, three times; with SIGKILLs in"
    " between"
)
PASSES = (
    "joined multiset equal; late ones counted, never learned; pending ≤ `labels.max_pending`, and"
    " RSS grows by no more than `labels.memory` above that of a worker in which one may wait"
)
KILLS, MEMORY = 3, 16 * 2**20


async def run(site: Site) -> str:
    """Kill workers that join and learn, then label what is too old, then let too much wait."""
    cap = site.size(5000, 200_000)
    content = _said(site, cap)
    config = load(content)
    logs, late = _logs(site)
    await fill(config, logs)
    for _ in range(KILLS):
        async with WorkerProcess(site.folder, content) as worker:
            await _joined_some(worker, site.draw.randrange(300))
            worker.send(signal.SIGKILL)
            await worker.exit_code()
    async with WorkerProcess(site.folder, content) as worker:
        await all_done(worker)
        same("pairs", logs.pairs, await pairs_of(config))
        await publish(config, late)
        await all_done(worker)
        told = [str(row.event_id) for row in await counted(config) if row.status == "late"]
        same("late", sorted(label["event_id"] for label in late[1:]), sorted(told))
        metrics = await worker.has_counted("outcomes_total")
        same("late ones counted", len(told), _late(metrics))
        same("exit code", 0, await worker.stop())
    await finish(site, content)
    await _same_pairs(config, logs)
    steps = await _nothing_late_is_learned(config)
    _, without = await _flooded(site, logs, 1, 3 * cap)
    most, with_it = await _flooded(site, logs, cap, 3 * cap)
    grown = with_it - without
    if most > cap or grown > MEMORY:
        raise Failed(f"{most:.0f} wait, the cap is {cap}; {_told(with_it, without)}")
    return (
        f"{KILLS} kills; {logs.pairs.total()} pairs, each once; {len(told)} late, {steps} steps of"
        f" the model as without them; at most {most:.0f} of {3 * cap} wait;"
        f" {_told(with_it, without)}"
    )


async def _joined_some(worker: WorkerProcess, above: int) -> None:
    """Wait until a worker has joined more than a number, or has nothing left to join."""
    waits = [
        asyncio.create_task(worker.has_counted("outcomes_total", above=above)),
        asyncio.create_task(all_done(worker)),
    ]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


def _said(site: Site, cap: int) -> dict[str, Any]:
    online = {"model": MODEL, "interval": "10m"}
    return site.content(
        topics={"partitions": 1},
        models=[{"id": "m", "task": "binary", "online": online}, {"id": "flood", "watch": []}],
        labels={"store": str(site.folder / f"labels-{cap}"), "max_pending": cap, "memory": "16MiB"},
    )


def _told(with_it: int, without: int) -> str:
    return f"RSS {with_it / 2**20:+.1f} MiB, {without / 2**20:+.1f} of them where one may wait"


def _logs(site: Site) -> tuple[Logs, list[dict[str, Any]]]:
    """Draw logs with features, and labels of what has none that come when it is too late."""
    logs = hard_logs(site.size(1000, 10_000), site.draw.randrange(2**32), binary=True)
    for event in logs.events:
        event["features"] = {"a": site.draw.random(), "b": site.draw.random()}
    labelled = {label["event_id"] for label in logs.labels}
    past = BEGIN + 11 * DAY  # more than the horizon after each event, less than two after the first
    late = [
        {"model_id": "m", "event_id": event["event_id"], "ts": past, "label": True}
        for event in logs.events
        if event["event_id"] not in labelled
    ]
    return logs, [{"model_id": "m", "event_id": "nobody's", "ts": past, "label": True}, *late]


def _late(metrics: str) -> int:
    found = re.search(r'^streamproc_outcomes_total{status="late"} (\S+)$', metrics, re.MULTILINE)
    return int(float(found[1])) if found else 0


async def _flooded(site: Site, logs: Logs, cap: int, count: int) -> tuple[float, int]:
    """Let more come than may wait; return how much did at most, and by how much memory grew."""
    content = _said(site, cap)
    config = load(content)
    await fill(config, logs)
    async with WorkerProcess(site.folder, content) as worker:
        await worker.has_counted("outcomes_total")
        await all_done(worker)
        found = await _flood(worker, config, count)
        same("exit code", 0, await worker.stop())
    return found


async def _flood(worker: WorkerProcess, config: Config, count: int) -> tuple[float, int]:
    before, most = resident(worker.pid), 0.0
    sending = asyncio.create_task(
        publish(
            config,
            (
                {"model_id": "flood", "event_id": str(i), "ts": BEGIN + i, "prediction": 0.5}
                for i in range(count)
            ),
        )
    )
    await worker.has_counted("labels_given_up_total")
    while not sending.done():
        most = max(most, await worker.counted("labels_pending"))
    await sending
    await all_done(worker)
    return max(most, await worker.counted("labels_pending")), resident(worker.pid) - before


async def _same_pairs(config: Config, logs: Logs) -> None:
    """Hold what was told against the pure join of one log after the other."""
    log: list[tuple[InputLog, Any]] = []
    for name, stream in ((InputLog.PREDICTIONS, "predictions"), (InputLog.LABELS, "labels")):
        log += [(name, record) for record in await records(config, stream)]  # type: ignore[arg-type]
    pure = [join().process(log)]
    same("pairs of the pure join", logs.pairs, pairs(pure))
    statuses = Counter(each["status"] for each in outcomes(pure))
    told = Counter(row.status for row in await counted(config) if row.status != "asked")
    same("late ones of the pure join", statuses["late"], told["late"])


async def _nothing_late_is_learned(config: Config) -> int:
    """Hold what was learned against the log with and without what came late."""
    answers, updates, state = await offline(config)
    same("answers and steps", (answers, updates), await published(config))
    same("state", state, await kept(config))
    log: Sequence[Any] = await records(config, "outcomes")
    rest = [each for each in log if each.value is None or b'"status":"late"' not in each.value]
    if len(rest) == len(log):
        raise Failed("nothing was late")
    learners = PartitionModels(config, config.topics.full_name("outcomes"), 0)
    learned = learners.process(rest, datetime(2026, 1, 5, tzinfo=UTC))
    same("steps without what was late", updates, learned.updates)
    return len(updates)
