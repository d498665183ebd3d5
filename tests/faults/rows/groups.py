"""Two groups with different configs on one cluster, as in an upgrade; one stops, one is killed."""

import signal
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from broker_topics import records
from faults.ending import finish
from faults.matrix import Failed, Site
from faults.traffic import Sent, events, send, sent
from faults.verdicts import regained, same
from worker.running import WorkerProcess

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.performance.outcome_log import OutcomeLog, OutcomeRow

ORDER = 20
FAULT = (
    "two groups on one cluster, with other detectors and horizons; one of them is stopped, or"
    " killed, and comes back"
)
PASSES = (
    "each joins all labels, each pair once, and watches everything by its own config; neither"
    " fences the other"
)
MODELS = 8
# What is published is joined within seconds; a join that is fenced waits for good.
JOIN_SECONDS = 180.0


async def run(site: Site) -> str:
    """End the first group's worker in each way, with labels before, between and after."""
    return "; ".join([await _two(site, number) for number in (signal.SIGTERM, signal.SIGKILL)])


async def _two(site: Site, number: signal.Signals) -> str:
    old = site.content(models=[{"id": "*", "task": "regression"}])
    adwin = [{"on": "*", "detectors": ["adwin"], "follow": False}]
    new = old | {
        "group": f"t{uuid.uuid4().hex[:12]}",
        "models": [{"id": "*", "task": "regression", "watch": adwin}],
        "labels": old.get("labels", {}) | {"horizon": "3d"},
    }
    config = load(old)
    count = MODELS * site.size(75, 750)
    log = _labelled(site.draw.randrange(2**32), count // MODELS * 4)
    total = 0
    async with WorkerProcess(site.folder, new) as second:
        async with WorkerProcess(site.folder, old) as first:
            for workers in ((second,), (first, second)):
                total += await _send(config, log, count)
                for worker in workers:
                    await _joined(worker, total)
            first.send(number)
            same("exit code", 0 if number == signal.SIGTERM else -number, await first.exit_code(60))
        total += await _send(config, log, count)
        await _joined(second, total)
        async with WorkerProcess(site.folder, old) as first:
            total += await _send(config, log, count)
            await _joined(second, total)
            await first.has_counted("outcomes_total", above=count, within=JOIN_SECONDS)
            same("exit code", 0, await first.stop())
        same("exit code", 0, await second.stop())
    for content in (old, new):
        await finish(site, content)
        await _each_once(load(content), total)
        await regained(load(content), least=0)
    return f"{number.name}: {total} labels, each joined once by each group"


def _labelled(seed: int, rows: int) -> Iterator[tuple[Sent, Sent]]:
    for event in events(seed, MODELS, rows, period=60):
        label = {name: event[name] for name in ("model_id", "event_id", "ts")}
        value = msgspec.json.encode(label | {"label": event["prediction"] + 0.1})
        yield sent(event), Sent(value, event["model_id"].encode(), stream="labels")


async def _send(config: Config, log: Iterator[tuple[Sent, Sent]], count: int) -> int:
    pairs = [next(log) for _ in range(count)]
    await send(config, [event for event, _ in pairs])
    await send(config, [label for _, label in pairs])
    return count


async def _joined(worker: WorkerProcess, total: int) -> None:
    await worker.has_counted("outcomes_total", above=total - 1, within=JOIN_SECONDS)


async def _each_once(config: Config, total: int) -> None:
    found: dict[int, list[Any]] = {}
    for record in await records(config, "outcomes"):
        found.setdefault(record.partition, []).append(record)
    pairs = Counter(
        (row.model_id, row.event_id)
        for log in found.values()
        for row in (counted.row for counted in OutcomeLog(group=config.group).read(log))
        if isinstance(row, OutcomeRow) and row.status == "labelled"
    )
    if len(pairs) != total or max(pairs.values()) > 1:
        raise Failed(f"group {config.group}: {len(pairs)} of {total} labels joined")
