"""Measure a thousand online models in one worker, and the cost of one event."""

from typing import Any, Final

from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite

MODELS: Final = 1000
FEATURES: Final = 10
GOAL: Final = 20_000.0

LINEAR: Final = ["preprocessing.StandardScaler", "linear_model.LogisticRegression"]
# The same model, with an optimiser that is not compiled: as River has it.
RIVER: Final = [LINEAR[0], {LINEAR[1]: {"optimizer": {"optim.Adam": {}}}}]


def plan(lab: BenchRun) -> list[Job]:
    """Load the topics once; then the pure learners and the whole worker, in turns."""
    models = min(MODELS, lab.events // 20)
    workload = [lab.events, models, FEATURES, lab.seed]
    few = [lab.events // 10, models, FEATURES, lab.seed]
    load: dict[str, Any] = {"config": _config(lab, LINEAR, "load"), "workload": workload}
    jobs = [Job("topics of events and labels", "jobs.load_labelled", load, "load")]
    for turn in range(lab.rounds):
        options: dict[str, Any]
        for label, model, size in (("linear", LINEAR, workload), ("river", RIVER, few)):
            options = {"config": _config(lab, model, "core"), "workload": size}
            jobs.append(Job(f"pure learners, {label}", "jobs.learn_core", options, label))
        options = {"config": _config(lab, LINEAR, f"worker-{turn}"), "events": lab.events}
        jobs.append(
            Job(f"worker with {models:,} online models", "jobs.learning", options, "worker")
        )
    return jobs


def rows(results: Results) -> list[Row]:
    """Lay out the whole worker, then its pure part."""

    def row(label: str, what: str, unit: str, key: str, *goal: Any) -> Row:
        return Row(what, unit, tuple(each[key] for each in results[label]), *goal)

    name = f"worker, {MODELS:,} models"
    return [
        row("worker", f"{name}: labelled events", "events/s", "events_per_second", GOAL, "more"),
        row("worker", f"{name}: CPU, both processes", "s per 100k", "cpu_seconds_per_100k"),
        row("linear", "pure learners: scaler + logistic, a labelled event", "µs", "microseconds"),
        row("river", "the same with Adam, in River", "µs", "microseconds"),
    ]


def _config(lab: BenchRun, model: list[Any], group: str) -> dict[str, Any]:
    online = {"id": "*", "task": "binary", "watch": [], "online": {"model": model}}
    return lab.config("labelled", group, models=[online])


LEARNING = Suite("learning", f"{MODELS:,} online models of {FEATURES} features", plan, rows)
