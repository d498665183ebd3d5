"""Measure one, two and four workers on twelve partitions, and the cost of rebalances."""

from typing import Final

import numpy as np

from streamproc.tools.bench.jobs.worker_group import PARTITIONS
from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite

WORKERS: Final = (1, 2, 4)
MODELS: Final = 24
FEATURES: Final = 10
TIMES: Final = 3  # that a worker joins and leaves, a round
CPU: Final = "cpu_seconds_per_100k"


def plan(lab: BenchRun) -> list[Job]:
    """Give the same events to each number of workers; then let one come and go."""
    jobs = []
    for turn in range(lab.rounds):
        for workers in WORKERS:
            options = {
                "config": _config(lab, f"{workers}-{turn}"),
                "workload": [lab.events, MODELS, FEATURES, lab.seed],
                "workers": workers,
            }
            jobs.append(Job(f"{workers} workers", "jobs.scale", options, f"workers/{workers}"))
        options = {"config": _config(lab, f"rebalance-{turn}"), "times": TIMES}
        jobs.append(Job("a worker comes and goes", "jobs.rebalance", options, "rebalance"))
    return jobs


def _config(lab: BenchRun, name: str) -> dict[str, object]:
    config = lab.config(name)
    return config | {"topics": {**config["topics"], "partitions": PARTITIONS}}


def rows(results: Results) -> list[Row]:
    """Compare several workers with one, round by round."""
    table = []
    one = results["workers/1"]
    for workers in WORKERS:
        found = results[f"workers/{workers}"]
        name = f"{workers} worker{'s' if workers > 1 else ''}"
        table += [
            Row(f"{name}, CPU of all", "s per 100k", tuple(each[CPU] for each in found)),
            Row(f"{name}, speed", "events/s", tuple(each["events_per_second"] for each in found)),
        ]
        if workers > 1:
            pairs = list(zip(found, one, strict=True))
            ratios = tuple(each[CPU] / alone[CPU] for each, alone in pairs)
            same = tuple(
                100.0 * (each["alerts_digest"] == alone["alerts_digest"]) for each, alone in pairs
            )
            table += [
                Row(f"{name}, CPU ÷ one worker's", "×", ratios, 1.1),
                Row(f"{name}, rounds with one worker's alerts", "%", same, 100.0, "more"),
            ]
    table.append(Row("alerts told", "alerts", tuple(float(each["alerts"]) for each in one)))
    for what, text in (("join", "a worker joins"), ("leave", "a worker leaves")):
        for level in (50, 99):
            values = tuple(
                float(np.percentile(each["pauses"][what], level)) for each in results["rebalance"]
            )
            table.append(Row(f"{text}: a partition's pause, p{level}", "s", values))
    return table


SCALE = Suite("scale", f"Several workers, {PARTITIONS} partitions", plan, rows, needs_cluster=True)
