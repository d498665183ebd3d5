"""Compare CPU and latency on live traffic: the worker, confluent-kafka and plain Faust."""

from typing import Final

from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite
from streamproc.tools.bench.suites.peers import CONFLUENT, FAUST, MODULES, WORKER, missing

RATES: Final = (100, 1_000, 5_000, 10_000)
CPU_GOALS: Final = {100: 3.0, 1_000: 6.0, 5_000: 10.0}
IDLE_GOAL: Final = 1.5
# By default a worker waits as long for a batch as the peer's loop; with this, for a tenth of it.
QUICK: Final = f"{WORKER}, linger 10 ms"
SYSTEMS: Final = {
    WORKER: MODULES[WORKER],
    QUICK: MODULES[WORKER],
    CONFLUENT: MODULES[CONFLUENT],
    FAUST: MODULES[FAUST],
}
# At the default of 300,000 events: 20 s of CPU and 20 s of latency at each rate.
EVENTS_A_SECOND_OF_LOAD: Final = 15_000


def plan(lab: BenchRun) -> list[Job]:
    """Let each system meet all rates, in turns."""
    jobs = []
    systems = [system for system in SYSTEMS if not (system == CONFLUENT and missing())]
    for turn in range(lab.rounds):
        for system in systems:
            if system == QUICK:
                config = lab.config(f"live-quick-{turn}", limits={"linger": "10ms"})
            else:
                config = lab.config(f"live-{SYSTEMS[system]}-{turn}")
            jobs.append(Job("topics", "jobs.load", {"config": config, "workload": [0]}, "load"))
            prefix = config["topics"]["prefix"]
            settings = {
                "config": config,
                "bootstrap": lab.bootstrap,
                "topic": f"{prefix}predictions",
                "alerts": f"{prefix}alerts",
                "group": config["group"],
                "system": SYSTEMS[system],
                "rates": list(RATES),
                "seconds": lab.events / EVENTS_A_SECOND_OF_LOAD,
                "seed": lab.seed,
            }
            jobs.append(Job(f"{system}: live events", "jobs.live", settings, system))
    return jobs


def rows(results: Results) -> list[Row]:
    """Lay out CPU and latency, rate by rate."""
    found = [system for system in SYSTEMS if system in results]
    table = []
    for rate in RATES:
        for system in found:
            what, p99 = f"{rate:,} events/s, {system}", 10.0 if rate == 1_000 else 20.0
            table += [
                *figure_rows(results, system, f"{rate}_cpu", f"{what}, CPU", CPU_GOALS.get(rate)),
                *figure_rows(results, system, f"{rate}_p50", f"{what}, p50"),
                *figure_rows(results, system, f"{rate}_p99", f"{what}, p99", p99),
            ]
        if CONFLUENT in found:
            table += [
                ratio_row(results, WORKER, rate, "CPU of worker ÷ loop's", 1.0),
                ratio_row(results, QUICK, rate, "CPU of worker, linger 10 ms ÷ loop's"),
            ]
    for system in found:
        table += figure_rows(results, system, "idle_cpu", f"idle, {system}, CPU", IDLE_GOAL)
    return table


def ratio_row(
    results: Results, system: str, rate: int, what: str, goal: float | None = None
) -> Row:
    """Return the row of a system's CPU divided by the loop's."""
    key = f"{rate}_cpu"
    pairs = zip(results[system], results[CONFLUENT], strict=True)
    ratios = tuple(ours[key] / theirs[key] for ours, theirs in pairs if theirs[key])
    return Row(f"{rate:,} events/s, {what}", "×", ratios, goal)


def figure_rows(
    results: Results, system: str, key: str, what: str, goal: float | None = None
) -> list[Row]:
    """Return the row of a figure; none where no round has it, as a peer that sent no alert."""
    values = tuple(figures[key] for figures in results[system] if key in figures)
    unit = "% of a core" if key.endswith("cpu") else "ms"
    return [Row(what, unit, values, goal if system == WORKER else None)] if values else []


LIVE = Suite(
    "live",
    "CPU and latency on live traffic: 10 features and a prediction, 10 models, defaults",
    plan,
    rows,
    missing=missing,
)
