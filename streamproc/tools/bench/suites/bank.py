"""Measure detectors alone: nanoseconds per value, and bytes per detector."""

from streamproc.tools.bench.process import Job
from streamproc.tools.bench.report import Row
from streamproc.tools.bench.runner import BenchRun, Results, Suite

FEW, FEW_WIDTH = 11, 500
MANY = 200_000
MANY_WIDTHS = (100, 10, 1)
# At the default of 300,000 events: 40 million values, 2 s of a bank at its goal.
VALUES_AN_EVENT = 133


def plan(lab: BenchRun) -> list[Job]:
    """Measure everything once a round."""
    settings = {"values": lab.events * VALUES_AN_EVENT, "series": _series(lab.events)}
    return [
        Job("banks of detectors", "jobs.bank", {**settings, "seed": lab.seed + turn}, "bank")
        for turn in range(lab.rounds)
    ]


def _series(events: int) -> int:
    return min(MANY, max(FEW + 1, events))


def rows(results: Results) -> list[Row]:
    """Lay out banks, the whole watch, and River."""
    rounds = results["bank"]
    many = max(int(name.split("/")[1]) for name in rounds[0] if "/" in name)

    def row(what: str, key: str, goal: float | None = None) -> Row:
        return Row(what, "ns a value", tuple(figures[key] for figures in rounds), goal)

    table = []
    for size, widths in ((FEW, (FEW_WIDTH,)), (many, MANY_WIDTHS)):
        for width in widths:
            where = f"{size:,} series, {width} values of each a call"
            goal = 40.0 if width > 10 else None
            table.append(row(f"ADWIN + Page-Hinkley, {where}", f"pair/{size}/{width}", goal))
            table.append(row(f"the whole watch of a series, {where}", f"watch/{size}/{width}"))
    table.append(row("River's ADWIN + Page-Hinkley from Python, 11 series", "river"))
    sizes = tuple(figures["bytes"] for figures in rounds)
    table.append(Row("ADWIN that has seen 100,000 values", "bytes", sizes, 1500.0))
    return table


BANK = Suite("bank", "Detectors, without events", plan, rows, needs_broker=False)
