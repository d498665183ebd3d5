"""What the state of many series costs: written, and taken over from a worker that was killed."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

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


def _steady(worker: Running, events: int, skip: int) -> Counts:
    """Give the cost of the events past the first ones, and of the snapshots meanwhile."""
    marks = []
    for count in (skip, events):
        _until(lambda count=count: worker.counted("events_total") >= count, f"{count} events")  # type: ignore[misc]
        marks.append((time.perf_counter(), worker.cpu_seconds(), _counts(worker), _events(worker)))
    (began, cpu_before, before, first), (ended, cpu_after, after, last) = marks
    return {
        "events": last,
        "cpu_seconds_per_100k": 1e5 * (cpu_after - cpu_before) / (last - first),
        "events_per_second": (last - first) / (ended - began),
        "series": worker.counted("series"),
        "snapshots": after["snapshots_total"] - before["snapshots_total"],
        "snapshots_cpu_seconds": (
            after["snapshot_cpu_seconds_total"] - before["snapshot_cpu_seconds_total"]
        ),
        "cpu_seconds": cpu_after - cpu_before,
    }


def _written(worker: Running, config: Config) -> Counts:
    """Give the cost of one snapshot of every partition, as a signed command has it written."""
    before = _counts(worker)
    asyncio.run(send_command("save", config=config))
    wanted = before["snapshots_total"] + PARTITIONS
    _until(lambda: worker.counted("snapshots_total") >= wanted, "snapshots")
    after = _counts(worker)
    return {
        "save_cpu_seconds": (
            after["snapshot_cpu_seconds_total"] - before["snapshot_cpu_seconds_total"]
        ),
        "save_bytes": after["snapshot_bytes_total"] - before["snapshot_bytes_total"],
        "state_bytes": after["snapshot_state_bytes_total"] - before["snapshot_state_bytes_total"],
    }


def _counts(worker: Running) -> Counts:
    return {name: worker.counted(name) for name in COUNTED}


def _events(worker: Running) -> float:
    return worker.counted("events_total")


def _until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS / 2
    while not true():
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {PATIENCE_SECONDS / 2:.0f} s")
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main()
