"""Measure the state of 200,000 series: recovery, snapshots and their effect on speed."""

from typing import Final

from streamproc.tools.bench.jobs.state import SECRET
from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite

FEATURES: Final = 10
MODELS: Final = 18_180  # with the prediction of each, 200,000 series
AGE: Final = 250  # values of each series: past its warm-up
EVENTS_EACH: Final = 10  # of a model at least, however few events there are
# Three times as often as usual, so that some are written while events come.
INTERVALS: Final = {"never": "1d", "often": "10s"}


def plan(lab: BenchRun) -> list[Job]:
    """Give the same events to workers that write snapshots and to some that do not, in turns."""
    models = min(MODELS, lab.events // EVENTS_EACH)
    jobs = []
    for turn in range(lab.rounds):
        for label, interval in INTERVALS.items():
            options = {
                "config": lab.config(
                    f"state-{label}-{turn}",
                    snapshots={"interval": interval},
                    control={"secret_env": SECRET},
                ),
                "seen": [models, models, FEATURES, lab.seed],
                "age": AGE,
                "workload": [lab.events, models, FEATURES, lab.seed + 1],
            }
            jobs.append(Job(f"snapshots {label}", "jobs.state", options, label))
    return jobs


def rows(results: Results) -> list[Row]:
    """Give the cost of recovery, of one snapshot of all, and of snapshots all the time."""
    often, never = results["often"], results["never"]

    def both(name: str, scale: float = 1.0) -> tuple[float, ...]:
        return tuple(figures[name] * scale for figures in (*never, *often))

    saved = tuple(figures["save_cpu_seconds"] for figures in never)
    share = tuple(
        100 * figures["snapshots_cpu_seconds"] / figures["cpu_seconds"] for figures in often
    )
    ratio = tuple(
        on["cpu_seconds_per_100k"] / off["cpu_seconds_per_100k"]
        for on, off in zip(often, never, strict=True)
    )
    return [
        Row("series", "series", both("series")),
        Row("start to all partitions recovered", "s", both("recovered_seconds"), 10.0),
        Row("of it reading the state", "s", both("reading_seconds")),
        Row("start to all partitions recovered, CPU", "s", both("recovered_cpu_seconds")),
        Row("one snapshot of all, CPU", "s", saved, 2.0),
        Row("one snapshot of all, size", "MB", both("state_bytes", 1e-6)),
        Row("one of all every 30 s, of one core", "%", tuple(s / 0.3 for s in saved), 5.0),
        Row("every 10 s under load, of the worker's CPU", "%", share),
        Row("every 10 s under load, CPU an event ÷ that without", "×", ratio),
    ]


STATE = Suite(
    "state", "State of 200,000 series, two detectors each", plan, rows, needs_cluster=True
)
