"""State of 200,000 series: written, taken over, and what it takes from the worker's speed."""

from typing import Final

from streamproc.bench.jobs.state import SECRET
from streamproc.bench.lab import Lab, Part, Results
from streamproc.bench.process import Job
from streamproc.bench.report import Row

FEATURES: Final = 146
VALUES: Final = 220  # of each series; 200,000 series with the usual number of events
WARM: Final = 200 / 220  # of them
# Three times as often as usual, so that some are written while the rest is read.
INTERVALS: Final = {"often": "10s", "never": "1d"}


def plan(lab: Lab) -> list[Job]:
    """Load a topic; then the same events with snapshots and without, in turns."""
    workload = [lab.events, max(1, lab.events // VALUES), FEATURES, lab.seed]
    load = {"config": lab.config("state"), "workload": workload}
    jobs = [Job("a topic of many series", "jobs.load", load, "load")]
    for turn in range(lab.rounds):
        for label, interval in INTERVALS.items():
            config = lab.config(
                "state",
                f"{label}-{turn}",
                snapshots={"interval": interval},
                control={"secret_env": SECRET},
            )
            told = {"config": config, "events": lab.events, "skip": int(WARM * lab.events)}
            jobs.append(Job(f"snapshots {label}", "jobs.state", told, label))
    return jobs


def rows(results: Results) -> list[Row]:
    """Give the cost of one snapshot of all, of recovery, and of snapshots all the time."""
    often, never = results["often"], results["never"]

    def all_of(name: str, scale: float = 1.0) -> tuple[float, ...]:
        return tuple(figures[name] * scale for figures in never)

    speeds = tuple(
        100 * (on["cpu_seconds_per_100k"] / off["cpu_seconds_per_100k"] - 1)
        for on, off in zip(often, never, strict=True)
    )
    share = tuple(
        100 * figures["snapshots_cpu_seconds"] / figures["cpu_seconds"] for figures in often
    )
    return [
        Row("series", "series", all_of("series")),
        Row("one snapshot of all, CPU", "s", all_of("save_cpu_seconds"), 2.0),
        Row("one snapshot of all, size", "MB", all_of("state_bytes", 1e-6)),
        Row("every 30 s, of one core", "%", all_of("save_cpu_seconds", 100 / 30), 5.0),
        Row("every 10 s: of the worker's CPU at full speed", "%", share),
        Row("every 10 s: CPU an event, more than without", "%", speeds),
        Row("start to all partitions recovered", "s", all_of("recovered_seconds"), 10.0),
        Row("of it reading the state", "s", all_of("reading_seconds")),
        Row("start to all partitions recovered, CPU", "s", all_of("recovered_cpu_seconds")),
    ]


STATE = Part("state", "State of 200,000 series, two detectors each", plan, rows, needs_cluster=True)
