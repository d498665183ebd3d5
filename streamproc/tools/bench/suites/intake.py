"""Measure what foreign records and records of Arrow cost."""

from typing import Final

from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite

FEATURES: Final = (10, 1)
GOAL_MAPPED: Final = 1.0
GOAL_ARROW: Final = 1e6
EVENTS_SHARE: Final = 3  # of the events of the fast systems
_NAMES: Final = {
    "paths": "an object of 10 features by paths",
    "kserve": "KServe's requests of 10 features and responses",
    "debezium": "Debezium's changes",
}


def plan(lab: BenchRun) -> list[Job]:
    """Measure everything once a round."""
    settings: dict[str, object] = {
        "events": max(1000, lab.events // EVENTS_SHARE),
        "seed": lab.seed,
    }
    settings |= {"features": FEATURES}
    return [Job("mapping and Arrow", "jobs.intake", settings, "intake") for _ in range(lab.rounds)]


def rows(results: Results) -> list[Row]:
    """Give the cost of each shape, and how many events of Arrow a second takes."""
    rounds = results["intake"]
    mapped = [
        Row(
            f"{name}, mapped",
            "CPU s a 100k records",
            tuple(figures[key] for figures in rounds),
            GOAL_MAPPED,
        )
        for key, name in _NAMES.items()
    ]
    read = [
        Row(
            f"{name}, {features} feature{'s' * (features > 1)} and a prediction, to alerts",
            "events a CPU s",
            tuple(figures[f"{key}/{features}"] for figures in rounds),
            goal,
            "more",
        )
        for features in FEATURES
        for key, name, goal in (("arrow", "Arrow", GOAL_ARROW), ("json", "the same as JSON", None))
    ]
    return [*mapped, *read]


INTAKE = Suite(
    "intake",
    "Foreign records to events, and records of Arrow to alerts, without Kafka",
    plan,
    rows,
    needs_broker=False,
)
