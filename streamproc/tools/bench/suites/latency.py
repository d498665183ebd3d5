"""Measure the latency from event to alert at two constant rates."""

from typing import Any, Final

from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite

RATES: Final = (1_000, 10_000)
SETTLE_SECONDS: Final = 5.0
# At the default of 300,000 events: 20 s measured at each rate.
EVENTS_A_SECOND_OF_LOAD: Final = 15_000
# Fetches do not wait for many records: what is measured is the path, not the default's wait.
# Every series alarms soon after its warm-up, and each alarm is published; but not so soon that
# the series of all models alarm at the same moment.
SENSITIVE: Final[dict[str, Any]] = {
    "limits": {"linger": "10ms"},
    "policy": {"update_interval": 0},
    "models": [
        {
            "id": "*",
            "watch": [
                {
                    "on": "*",
                    "detectors": [
                        "adwin",
                        {"page_hinkley": {"threshold": 6.0, "delta": 0.0, "min_instances": 1}},
                    ],
                }
            ],
        }
    ],
}


def plan(lab: BenchRun) -> list[Job]:
    """Load each rate, once with a worker and once without."""
    jobs = []
    for turn in range(lab.rounds):
        for rate in RATES:
            for floor in (False, True):
                config = lab.config(f"{rate}-{int(floor)}-{turn}", **SENSITIVE)
                what = "broker and clients alone" if floor else "event to alert"
                label = _label(rate, floor=floor)
                jobs.append(Job("topics", "jobs.load", {"config": config, "workload": [0]}, "load"))
                settings = {
                    "config": config,
                    "rate": rate,
                    "seconds": SETTLE_SECONDS + lab.events / EVENTS_A_SECOND_OF_LOAD,
                    "settle": SETTLE_SECONDS,
                    "floor": floor,
                    "seed": lab.seed,
                }
                jobs.append(Job(f"{what} at {rate:,} events/s", "jobs.latency", settings, label))
    return jobs


def rows(results: Results) -> list[Row]:
    """Lay out percentiles, and whether the rate was kept."""
    table = []
    for rate in RATES:
        for floor in (False, True):
            rounds = results[_label(rate, floor=floor)]
            what = f"{rate:,} events/s, {'event → event' if floor else 'event → alert'}"
            for name in ("p50", "p90", "p99"):
                goal = 30.0 if name == "p99" and not floor else None
                values = tuple(figures[f"{name}_ms"] for figures in rounds)
                table.append(Row(f"{what}, {name}", "ms", values, goal))
            for key, unit in (("made_per_second", "events/s made"), ("latest_ms", "ms late")):
                values = tuple(figures[key] for figures in rounds)
                table.append(Row(f"{what}, load", unit, values))
            counted = tuple(figures["counted"] for figures in rounds)
            table.append(Row(f"{what}, counted", "events" if floor else "alerts", counted))
    return table


def _label(rate: int, *, floor: bool) -> str:
    return f"{'floor' if floor else 'alerts'}/{rate}"


LATENCY = Suite("latency", "From an event's making to its alert's arrival", plan, rows)
