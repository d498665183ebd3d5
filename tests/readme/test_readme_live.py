import json
import re
from pathlib import Path
from statistics import median

import pytest

from streamproc.tools.bench.suites.live import SYSTEMS, WORKER

ROOT = Path(__file__).parents[2]
LIVE = json.loads((ROOT / "docs/figures/bench-live-kafka.json").read_text())["parts"]["live"]
VALUES = {row["what"]: median(row["values"]) for row in LIVE["rows"]}


def rows(page: str) -> list[list[str]]:
    """Return the cells of the README's rows about live traffic."""
    found = re.findall(r"^\| (idle|[\d,]+ events/s) \|(.*)\|$", page, re.MULTILINE)
    return [[name, *cells.split("|")] for name, cells in found]


def test_the_readme_shows_the_measured_cost_of_live_traffic() -> None:
    """Each share of a core in the README is the median of the stored rounds."""
    table = rows((ROOT / "README.md").read_text())
    assert [name for name, *_ in table] == [
        "idle",
        *(f"{n:,} events/s" for n in (100, 1000, 5000, 10_000)),
    ]
    for name, *cells in table:
        for system, cell in zip(SYSTEMS, cells, strict=True):
            shown = re.match(r" ([\d.]+) %", cell)
            assert shown, cell
            assert float(shown[1]) == round(VALUES[f"{name}, {system}, CPU"], 1)


@pytest.mark.parametrize("rate", [1000, 10_000])
def test_the_plan_is_checked_with_measured_figures(rate: int) -> None:
    """The page about costs compares its plan with what was measured, and the plan suffices."""
    page = (ROOT / "docs/costs.md").read_text()
    row = re.search(
        rf"^\| {rate:,} events/s, .*\| ([\d.]+) of a core \| ([\d.]+) \|$", page, re.MULTILINE
    )
    assert row
    measured = round(VALUES[f"{rate:,} events/s, {WORKER}, CPU"] / 100, 2)
    assert float(row[2]) == measured <= float(row[1])
