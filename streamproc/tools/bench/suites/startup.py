"""Measure the time from a worker's start until it is ready."""

from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite


def plan(lab: BenchRun) -> list[Job]:
    """Start it once for the caches, then once a round."""
    settings = [{"config": lab.config("all", f"start-{turn}")} for turn in range(lab.rounds + 1)]
    labels = ["first", *["warm"] * lab.rounds]
    return [
        Job("worker until ready", "jobs.startup", each, label)
        for each, label in zip(settings, labels, strict=True)
    ]


def rows(results: Results) -> list[Row]:
    """Give the first start and those after it."""
    first = tuple(figures["seconds"] for figures in results["first"])
    warm = tuple(figures["seconds"] for figures in results["warm"])
    return [
        Row("the first start, topics created", "s", first),
        Row("start to ready, compiled code cached", "s", warm, 5.0),
    ]


STARTUP = Suite("startup", "From a worker's start until it is ready", plan, rows)
