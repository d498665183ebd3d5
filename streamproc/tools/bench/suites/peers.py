"""Compare the worker with plain Faust and confluent-kafka, both with River's detectors."""

from importlib.util import find_spec
from typing import Any, Final

from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import SKIPPED_SHARE, BenchRun, Results, Suite

WORKER, CONFLUENT, FAUST = "streamproc worker", "confluent-kafka + River", "plain Faust + River"
MODULES: Final = {WORKER: "worker", CONFLUENT: "confluent_loop", FAUST: "plain_faust"}
FAUST_SHARE: Final = 10  # it takes a tenth of the events, and twice the time
CPU: Final = "cpu_seconds_per_100k"
# What the peers have of River; the worker's default is another.
SAME: Final[dict[str, Any]] = {
    "models": [{"id": "*", "watch": [{"on": "*", "detectors": ["adwin", "page_hinkley"]}]}]
}


def missing() -> tuple[str, ...]:
    """Name the peers that are not installed."""
    if find_spec("confluent_kafka") is None:
        return (f"{CONFLUENT}: confluent-kafka is not installed; the extra `bench` has it",)
    return ()


def plan(lab: BenchRun) -> list[Job]:
    """Load two topics, then let each system read its one, in turns."""
    sizes = {"all": lab.events, "few": max(1, lab.events // FAUST_SHARE)}
    jobs = [
        Job(
            f"{size:,} events for a topic",
            "jobs.load",
            {"config": lab.config(name), "workload": [size, 10, 10, lab.seed]},
            f"load/{name}",
        )
        for name, size in sizes.items()
    ]
    systems = [system for system in MODULES if not (system == CONFLUENT and missing())]
    for turn in range(lab.rounds):
        for system in systems:
            name = "few" if system == FAUST else "all"
            jobs.append(_job(lab, system, name, sizes[name], turn))
    return jobs


def _job(lab: BenchRun, system: str, name: str, events: int, turn: int) -> Job:
    config = lab.config(name, f"{MODULES[system]}-{turn}", **SAME)
    prefix = config["topics"]["prefix"]
    settings = {
        "config": config,
        "bootstrap": lab.bootstrap,
        "topic": f"{prefix}predictions",
        "alerts": f"{prefix}alerts",
        "group": config["group"],
        "events": events,
        "skip": events // SKIPPED_SHARE,
    }
    return Job(f"{system}: {events:,} events", f"peers.{MODULES[system]}", settings, system)


def rows(results: Results) -> list[Row]:
    """Compare, round by round."""
    found = [system for system in (WORKER, CONFLUENT, FAUST) if system in results]
    table = []
    for system in found:
        ours = system == WORKER
        table += [
            Row(f"{system}, CPU", "s per 100k", _all(results, system, CPU), 1.0 if ours else None),
            Row(f"{system}, speed", "events/s", _all(results, system, "events_per_second")),
            Row(
                f"{system}, peak memory",
                "MB",
                _all(results, system, "peak_rss_mb"),
                300.0 if ours else None,
            ),
        ]
    for system, goal in ((FAUST, 25.0), (CONFLUENT, 2.0)):
        if system in results:
            ratios = tuple(
                theirs / ours
                for theirs, ours in zip(
                    _all(results, system, CPU), _all(results, WORKER, CPU), strict=True
                )
                if ours
            )
            table.append(Row(f"CPU of {system} ÷ worker's", "×", ratios, goal, "more"))
    return table


def _all(results: Results, system: str, figure: str) -> tuple[float, ...]:
    return tuple(figures[figure] for figures in results[system])


PEERS = Suite(
    "peers",
    "An event's cost: 10 features and a prediction, 10 models, alerts published",
    plan,
    rows,
    missing=missing,
)
