"""Compare a worker that learns from live labels with a loop of confluent-kafka and River."""

from typing import Any, Final

from streamproc.tools.bench.jobs.live_learning import FEATURES, MODELS
from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite
from streamproc.tools.bench.suites.learning import LINEAR
from streamproc.tools.bench.suites.live import figure_rows, ratio_row
from streamproc.tools.bench.suites.peers import CONFLUENT, WORKER, missing

RATES: Final = (100, 1_000, 5_000)
GOAL: Final = 2.0
SYSTEMS: Final = {WORKER: "worker", CONFLUENT: "learning_loop"}
# At the default of 300,000 events: 20 s at each rate.
EVENTS_A_SECOND_OF_LOAD: Final = 15_000


def plan(lab: BenchRun) -> list[Job]:
    """Let each system meet all rates, in turns."""
    jobs = []
    systems = [system for system in SYSTEMS if not (system == CONFLUENT and missing())]
    online = {"id": "*", "task": "binary", "watch": [], "online": {"model": LINEAR}}
    for turn in range(lab.rounds):
        for system in systems:
            config = lab.config(f"live-learning-{SYSTEMS[system]}-{turn}", models=[online])
            empty = {"config": config, "workload": [0]}
            jobs.append(Job("topics", "jobs.load_labelled", empty, "load"))
            prefix = config["topics"]["prefix"]
            settings: dict[str, Any] = {
                "config": config,
                "bootstrap": lab.bootstrap,
                "topic": f"{prefix}features",
                "labels": f"{prefix}labels",
                "answers": f"{prefix}online-predictions",
                "group": config["group"],
                "system": SYSTEMS[system],
                "rates": list(RATES),
                "seconds": lab.events / EVENTS_A_SECOND_OF_LOAD,
                "seed": lab.seed,
            }
            jobs.append(Job(f"{system}: live labels", "jobs.live_learning", settings, system))
    return jobs


def rows(results: Results) -> list[Row]:
    """Lay out CPU and latency, rate by rate."""
    found = [system for system in SYSTEMS if system in results]
    table = []
    for rate in RATES:
        for system in found:
            what = f"{rate:,} labelled events/s, {system}"
            for key, name in (("cpu", "CPU"), ("p50", "p50"), ("p99", "p99")):
                table += figure_rows(results, system, f"{rate}_{key}", f"{what}, {name}")
        if CONFLUENT in found:
            table.append(ratio_row(results, WORKER, rate, "CPU of worker ÷ loop's", GOAL))
    return table


LIVE_LEARNING = Suite(
    "live-learning",
    f"Predictions and labels of {MODELS} online models of {FEATURES} features, live",
    plan,
    rows,
    missing=missing,
)
