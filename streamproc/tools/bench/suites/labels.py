"""Measure events that wait for labels in the store of one worker."""

from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite


def plan(lab: BenchRun) -> list[Job]:
    """Fill a store with as many events as are asked for, once a round."""
    return [
        Job(
            f"{lab.events:,} events that wait",
            "jobs.labels",
            {"pending": lab.events, "seed": lab.seed + turn},
            "labels",
        )
        for turn in range(lab.rounds)
    ]


def rows(results: Results) -> list[Row]:
    """Lay out time, memory and disk."""
    rounds = results["labels"]

    def row(what: str, unit: str, key: str) -> Row:
        return Row(what, unit, tuple(figures[key] for figures in rounds))

    return [
        row("events that wait", "events", "pending"),
        row("an event into the store, CPU", "us", "fill_us"),
        row("an event, and the label of one a moment ago to its outcome, CPU", "us", "soon_us"),
        row("an event, and the label of another one to its outcome, CPU", "us", "join_us"),
        row("peak memory of the process", "MB", "peak_rss_mb"),
        row("store on the disk", "MB", "disk_mb"),
    ]


LABELS = Suite("labels", "Events that wait for their labels", plan, rows, needs_broker=False)
