"""Measure the state of many series: recovery and snapshots of a worker."""

import asyncio
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from streamproc.client.control import send_command
from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.kafka.clients import open_consumer, open_producer
from streamproc.tools.bench.jobs.core import Core
from streamproc.tools.bench.jobs.load import put
from streamproc.tools.bench.jobs.worker_process import Running, running
from streamproc.tools.bench.process import PATIENCE_SECONDS, BenchError, answer, settings
from streamproc.tools.bench.workload import PARTITIONS, Workload, events
from streamproc.worker.metrics import Metrics
from streamproc.worker.snapshots.monitor_codec import MonitorCodec
from streamproc.worker.snapshots.snapshots import Snapshots
from streamproc.worker.snapshots.store import SnapshotStore

SECRET: Final = "STREAMPROC_BENCH_SECRET"  # noqa: S105  the name of a variable
POLL_SECONDS: Final = 0.1
COUNTED: Final = (
    "snapshots_total",
    "snapshot_cpu_seconds_total",
    "snapshot_bytes_total",
    "snapshot_state_bytes_total",
)

Figures = dict[str, float]


def main() -> None:
    """Leave the state of many series to a worker, give it events, have it all written down."""
    options = settings()
    os.environ[SECRET] = os.urandom(32).hex()
    config = Config.model_validate(options["config"])
    asyncio.run(_leave(options, config))
    began = time.perf_counter()
    with running(options, "worker") as worker:
        wanted = len(Topic) * PARTITIONS
        _until(lambda: worker.counted("recoveries_total") >= wanted, "recovery")
        recovered = {
            "recovered_seconds": time.perf_counter() - began,
            "recovered_cpu_seconds": worker.cpu_seconds(),
            "reading_seconds": _reading(Path(options["folder"]) / "worker.log"),
        }
        answer(options, {**recovered, **_steady(worker, options), **_written(worker, config)})


async def _leave(options: dict[str, Any], config: Config) -> None:
    """Write down the state of models past their warm-up, as their last owner would have."""
    workload = Workload(*options["seen"])
    await put({**options, "workload": options["seen"]})
    core = Core()
    for event in events(workload):
        core.take(event)
    core.flush()
    core.age(options["age"], workload.seed)
    name = config.topics.full_name("predictions")
    async with open_consumer(config, name) as consumer:
        ends = await consumer.end_offsets([TopicPartition(name, n) for n in range(PARTITIONS)])
    async with open_producer(config) as producer:
        store = SnapshotStore(config, producer)
        snapshots = Snapshots(config, store, MonitorCodec(config), Metrics(CollectorRegistry()))
        for number, shard in enumerate(core.shards):
            keeper = snapshots.keeper((name, number), [])
            await snapshots.save(keeper, shard, ends[TopicPartition(name, number)])


def _reading(log: Path) -> float:
    """Return how long the worker read state, as it says."""
    found = re.findall(r"recovered (\d+) partitions from snapshots, ([\d.]+) s", log.read_text())
    if [int(count) for count, _ in found] != [PARTITIONS]:
        raise BenchError(f"the worker did not take over {PARTITIONS} partitions")
    return float(found[0][1])


class Mark(NamedTuple):
    """How far a worker is, and what it has used until then."""

    events: float
    at: float
    cpu: float
    counts: Figures


def _mark(worker: Running) -> Mark:
    counts = {name: worker.counted(name) for name in COUNTED}
    return Mark(worker.counted("events_total"), time.perf_counter(), worker.cpu_seconds(), counts)


def _steady(worker: Running, options: dict[str, Any]) -> Figures:
    """Give the cost of events of all models, and of the snapshots meanwhile."""
    before = _mark(worker)
    sent = asyncio.run(put(options))
    _until(lambda: worker.counted("events_total") >= before.events + sent, f"{sent} events")
    after = _mark(worker)
    _until(lambda: worker.counted("series") > 0, "series")  # a worker counts them now and then
    spent = {name: after.counts[name] - before.counts[name] for name in COUNTED}
    return {
        "events": sent,
        "series": worker.counted("series"),
        "seconds": after.at - before.at,
        "cpu_seconds": after.cpu - before.cpu,
        "cpu_seconds_per_100k": 1e5 * (after.cpu - before.cpu) / sent,
        "snapshots": spent["snapshots_total"],
        "snapshots_cpu_seconds": spent["snapshot_cpu_seconds_total"],
        "snapshots_bytes": spent["snapshot_bytes_total"],
    }


def _written(worker: Running, config: Config) -> Figures:
    """Give the cost of one snapshot of every partition, as a signed command has it written."""
    before = _mark(worker).counts
    asyncio.run(send_command("save", config=config))
    wanted = before["snapshots_total"] + PARTITIONS
    _until(lambda: worker.counted("snapshots_total") >= wanted, "snapshots")
    spent = {name: value - before[name] for name, value in _mark(worker).counts.items()}
    return {
        "save_cpu_seconds": spent["snapshot_cpu_seconds_total"],
        "save_bytes": spent["snapshot_bytes_total"],
        "state_bytes": spent["snapshot_state_bytes_total"],
    }


def _until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS / 2
    while not true():
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {PATIENCE_SECONDS / 2:.0f} s")
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
