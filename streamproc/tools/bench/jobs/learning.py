"""A worker with online models, from the events and labels on their topics to what it learned."""

import time
from typing import Any

from streamproc.tools.bench.jobs.worker_process import Running, running
from streamproc.tools.bench.process import PATIENCE_SECONDS, BenchError, answer, settings

LOOK_SECONDS = 0.2
RECORDS_AN_EVENT = 2  # it is asked, then its label comes


def learned(told: dict[str, Any]) -> dict[str, float]:
    """Measure from the first tenth to the last record."""
    whole = told["events"] * RECORDS_AN_EVENT
    with running(told, "worker") as worker:
        first = _until(worker, whole // 10)
        last = _until(worker, whole)
        updates = worker.counted("learn_updates_total")
    records, seconds, cpu = (b - a for a, b in zip(first, last, strict=True))
    events = records / RECORDS_AN_EVENT
    return {
        "events": told["events"],
        "measured": events,
        "events_per_second": events / seconds,
        "cpu_seconds_per_100k": 1e5 * cpu / events,
        "updates": updates,
    }


def _until(worker: Running, records: int) -> tuple[float, float, float]:
    """Wait until so many outcomes were learned; give how many, when, and the CPU until then."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = worker.counted("learn_records_total"), time.perf_counter(), worker.cpu_seconds()
        if found[0] >= records:
            return found
        time.sleep(LOOK_SECONDS)
    raise BenchError(f"{found[0]:.0f} of {records} outcomes were learned")


if __name__ == "__main__":
    told = settings()
    answer(told, learned(told))
