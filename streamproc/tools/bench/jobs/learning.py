"""Measure a worker with online models, from events and labels to learned models."""

import time
from typing import Any

from streamproc.tools.bench.jobs.worker_process import Running, running
from streamproc.tools.bench.process import PATIENCE_SECONDS, BenchError, answer, settings

# A look at the metrics takes 10 ms of the CPU that is measured.
LOOK_SECONDS = 1.0
RECORDS_AN_EVENT = 2  # it is asked, then its label comes


def learned(options: dict[str, Any]) -> dict[str, float]:
    """Measure from the first tenth to the last record."""
    total = options["events"] * RECORDS_AN_EVENT
    with running(options, "worker") as worker:
        first = _until(worker, total // 10)
        last = _until(worker, total)
        updates = worker.counted("learn_updates_total")
    records, seconds, cpu = (b - a for a, b in zip(first, last, strict=True))
    events = records / RECORDS_AN_EVENT
    return {
        "events": options["events"],
        "measured": events,
        "events_per_second": events / seconds,
        "cpu_seconds_per_100k": 1e5 * cpu / events,
        "updates": updates,
    }


def _until(worker: Running, records: int) -> tuple[float, float, float]:
    """Wait until this many outcomes are learned; return their number, the time and the CPU."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = worker.counted("learn_records_total"), time.perf_counter(), worker.cpu_seconds()
        if found[0] >= records:
            return found
        time.sleep(LOOK_SECONDS)
    raise BenchError(f"{found[0]:.0f} of {records} outcomes were learned")


if __name__ == "__main__":
    options = settings()
    answer(options, learned(options))
