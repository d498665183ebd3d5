"""What the state of many series costs: written, and taken over from a worker that was killed."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from streamproc.bench.jobs.running import Running, running
from streamproc.bench.process import PATIENCE_SECONDS, BenchError, answer, settings
from streamproc.bench.workload import PARTITIONS
from streamproc.client.control import send_command
from streamproc.contract.config import Config
from streamproc.core.shape import Topic
from streamproc.transport.app import SESSION_SECONDS

SECRET: Final = "STREAMPROC_BENCH_SECRET"  # noqa: S105  the name of a variable
POLL_SECONDS: Final = 0.1
COUNTED: Final = (
    "snapshots_total",
    "snapshot_cpu_seconds_total",
    "snapshot_bytes_total",
    "snapshot_state_bytes_total",
)

Counts = dict[str, float]


def main() -> None:
    """Let a worker handle everything, write it down and be killed; then start another one."""
    told = settings()
    os.environ[SECRET] = os.urandom(32).hex()
    with running(told, "first") as worker:
        steady = _steady(worker, told["events"], told["skip"])
        written = _written(worker, Config.model_validate(told["config"]))
        os.kill(worker.pid, signal.SIGKILL)
    time.sleep(SESSION_SECONDS + 2)  # until its group has noticed, which is not measured here
    began = time.perf_counter()
    with running(told, "second") as worker:
        wanted = len(Topic) * Config.model_validate(told["config"]).topics.partitions
        _until(lambda: worker.counted("recoveries_total") >= wanted, "recovery")
        recovered = {
            "recovered_seconds": time.perf_counter() - began,
            "recovered_cpu_seconds": worker.cpu_seconds(),
        }
    said = (Path(told["folder"]) / "second.log").read_text()
    [reading] = re.findall(r"(\d+) partitions go on from a snapshot, ([\d.]+) s", said)
    if int(reading[0]) < PARTITIONS:
        raise BenchError(f"only {reading[0]} partitions had a snapshot")
    answer(told, {**steady, **written, **recovered, "reading_seconds": float(reading[1])})


class Mark(NamedTuple):
    """How far a worker is, and what it has used until then."""

    events: float
    at: float
    cpu: float
    counts: Counts


def _mark(worker: Running) -> Mark:
    counts = {name: worker.counted(name) for name in COUNTED}
    return Mark(worker.counted("events_total"), time.perf_counter(), worker.cpu_seconds(), counts)


def _steady(worker: Running, events: int, skip: int) -> Counts:
    """Give the cost of the events past the first ones, and of the snapshots meanwhile."""
    before = _mark(worker)
    _until(lambda: worker.counted("events_total") >= skip, f"{skip} events")
    passed = _mark(worker)
    if passed.events < events:  # few of them may all be handled between two looks
        before = passed
    _until(lambda: worker.counted("events_total") >= events, f"{events} events")
    after = _mark(worker)
    measured, cpu = max(1.0, after.events - before.events), after.cpu - before.cpu
    spent = {name: after.counts[name] - before.counts[name] for name in COUNTED}
    return {
        "events": after.events,
        "measured": measured,
        "series": worker.counted("series"),
        "cpu_seconds": cpu,
        "cpu_seconds_per_100k": 1e5 * cpu / measured,
        "events_per_second": measured / (after.at - before.at),
        "snapshots": spent["snapshots_total"],
        "snapshots_cpu_seconds": spent["snapshot_cpu_seconds_total"],
    }


def _written(worker: Running, config: Config) -> Counts:
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
