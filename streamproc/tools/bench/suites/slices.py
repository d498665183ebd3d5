"""Measure the cost of an event in the core by the size of its slice."""

from typing import Final

from streamproc.tools.bench.jobs.slices import SIZES
from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite

GOALS: Final = {3: 60.0, 30: 8.0}
EVENTS_SHARE: Final = 20  # of the events of the fast systems: a slice of one costs as much as many


def plan(lab: BenchRun) -> list[Job]:
    """Measure all sizes in one process, round by round."""
    settings = {"events": max(5000, lab.events // EVENTS_SHARE), "seed": lab.seed}
    return [Job("slices of all sizes", "jobs.slices", settings, "core") for _ in range(lab.rounds)]


def rows(results: Results) -> list[Row]:
    """Give the cost of an event for each size."""
    return [
        Row(
            f"slices of {size:,}",
            "µs an event",
            tuple(figures[str(size)] for figures in results["core"]),
            GOALS.get(size),
        )
        for size in SIZES
    ]


SLICES = Suite(
    "slices",
    "The core's cost of an event by the size of its slice, default detectors",
    plan,
    rows,
    needs_broker=False,
)
