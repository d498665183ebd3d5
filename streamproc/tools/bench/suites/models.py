"""Compare ten thousand models in one worker with ten."""

from typing import Final

from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import SKIPPED_SHARE, BenchRun, Results, Suite

FEW: Final = 10
MANY: Final = 10_000
FEATURES: Final = 20
AGE: Final = 300  # values of each series before the pure core is timed: past its warm-up


def plan(lab: BenchRun) -> list[Job]:
    """Load a topic for each number of models; then core and worker, in turns."""
    jobs = []
    for models in _numbers(lab.events):
        workload = [lab.events, models, FEATURES, lab.seed]
        load = {"config": lab.config(str(models)), "workload": workload}
        jobs.append(Job(f"a topic of {models:,} models", "jobs.load", load, "load"))
    for turn in range(lab.rounds):
        for system in ("core", "worker"):
            for number, models in enumerate(_numbers(lab.events)):
                label = f"{system}/{('few', 'many')[number]}"
                jobs.append(_job(lab, system, models, turn, label))
    return jobs


def _numbers(events: int) -> tuple[int, int]:
    return FEW, min(MANY, events // SKIPPED_SHARE)


def _job(lab: BenchRun, system: str, models: int, turn: int, label: str) -> Job:
    settings = {
        "config": lab.config(str(models), f"{system}-{turn}"),
        "workload": [lab.events, models, FEATURES, lab.seed],
        "events": lab.events,
        "skip": lab.events // SKIPPED_SHARE,  # all models have been seen then
        "age": AGE,
    }
    module = {"core": "jobs.core", "worker": "peers.worker"}[system]
    return Job(f"{system}: {models:,} models", module, settings, label)


def rows(results: Results) -> list[Row]:
    """Compare many models with few, round by round."""
    table = []
    for system in ("core", "worker"):
        what = {"core": "pure core, series past their warm-up", "worker": "worker, new series"}
        few, many = (
            tuple(figures["cpu_seconds_per_100k"] for figures in results[f"{system}/{size}"])
            for size in ("few", "many")
        )
        small, large = (
            tuple(figures["peak_rss_mb"] for figures in results[f"{system}/{size}"])
            for size in ("few", "many")
        )
        ratios = tuple(100 * a / b for a, b in zip(few, many, strict=True) if b)
        table += [
            Row(f"{what[system]}: few models, CPU", "s per 100k", few),
            Row(f"{what[system]}: many models, CPU", "s per 100k", many),
            Row(f"{what[system]}: speed with many", "% of few", ratios, 70.0, "more"),
            Row(f"{what[system]}: few, peak memory", "MB", small, 300.0),
            Row(f"{what[system]}: many, peak memory", "MB", large, 1000.0),
        ]
    return table


MODELS = Suite("models", f"{MANY:,} models of {FEATURES} features, next to {FEW}", plan, rows)
