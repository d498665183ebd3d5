"""Every figure of the README's section on speed and certainty, back to where it was measured."""

import json
import re
from pathlib import Path
from statistics import median

import pytest

from streamproc.config.load import load

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "README.md").read_text().split("## False alarms, delay and speed")[1]
SECTION = SECTION.split("\n## ")[0]
PAGE = (ROOT / "docs" / "false-alarms.md").read_text()
PERFORMANCE = (ROOT / "docs" / "performance.md").read_text()
SHORT = {
    "lognormal": "lognormal(0, 1)",
    "uniform": "uniform(0, 1)",
    "integers, ties": "integers 0…4",
}
# The row of the README → where its figures are kept: file, part, and what was measured.
SPEED = {
    "CPU for 100,000 events": [("peers", "peers", "streamproc worker, CPU")],
    "CPU of a plain Faust agent": [
        ("peers", "peers", "CPU of plain Faust + River ÷ worker's"),
    ],
    "CPU of a loop of confluent-kafka": [
        ("peers", "peers", "CPU of confluent-kafka + River ÷ worker's"),
    ],
    "memory of a worker": [("peers", "peers", "streamproc worker, peak memory")],
    "one value, 11 or 200,000 series": [
        ("", "bank", "ADWIN + Page-Hinkley, 11 series, 500 values of each a call"),
        ("", "bank", "ADWIN + Page-Hinkley, 200,000 series, 100 values of each a call"),
    ],
    "10,000 models × 20 features": [
        ("models", "models", "pure core, series past their warm-up: many, peak memory"),
    ],
    "event produced → alert received": [
        ("latency", "latency", "1,000 events/s, event → alert, p99"),
    ],
}
# What the text says → what the page says.
SAID = {
    "they raised 12 false incidents in 1.2 billion values": (
        PAGE,
        "In 1.2 billion values the mixture raised nine, Page-Hinkley three",
    ),
    "ADWIN with Page-Hinkley, the previous default, raised five in the same number of values": (
        PAGE,
        "Page-Hinkley three, ADWIN two",
    ),
    "the default takes a fifth more CPU": (PERFORMANCE, "takes a fifth more CPU than these two"),
}


def table(first: str) -> dict[str, list[str]]:
    """Return the cells of the README's table whose header has a text, by their first cell."""
    lines = SECTION.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|") and first in line)
    rows = lines[start + 2 :]
    end = next(n for n, line in enumerate(rows) if not line.startswith("|"))
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in rows[:end]]
    return {row[0]: row[1:] for row in cells}


def of_page(heading: str, name: str) -> list[str]:
    """Return the cells of a row of the page on false alarms."""
    part = PAGE.split(f"## {heading}")[1].split("\n## ")[0]
    row = next(line for line in part.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def figures(cell: str) -> list[str]:
    """Return the numbers of a cell."""
    return re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", cell)


@pytest.mark.parametrize("name", table("false incidents in a million"))
def test_certainty_is_that_of_the_page(name: str) -> None:
    """False alarms and delays of a series are those of docs/false-alarms.md."""
    alarms, river, share, delay, pair = table("false incidents in a million")[name]
    kept = of_page("False incidents in a million stationary values", SHORT.get(name, name))
    assert figures(alarms) == kept[:2]
    assert figures(river) == kept[3:5]
    found = of_page("A shift of one deviation", SHORT.get(name, name))
    shown = re.match(r"([\d.]+) %", share)
    assert shown is not None
    digits = len(shown[1].partition(".")[2])
    assert shown[1] == f"{float(found[0].rstrip('%')):.{digits}f}"
    assert [delay, pair] == [found[1], found[4]]


@pytest.mark.parametrize("name", table("measured"))
def test_speed_is_that_of_the_benchmark(name: str) -> None:
    """Each figure is the median of the rounds in docs/figures, and the goal is the one there."""
    measured, goal = table("measured")[name]
    [kept] = [sources for start, sources in SPEED.items() if name.startswith(start)]
    shown = figures(measured)
    assert len(shown) == len(kept)
    for figure, (file, part, what) in zip(shown, kept, strict=True):
        path = ROOT / "docs" / "figures" / f"bench-{file}{'-' if file else ''}kafka.json"
        rows = json.loads(path.read_text())["parts"][part]["rows"]
        [row] = [row for row in rows if row["what"] == what]
        digits = len(figure.partition(".")[2])
        assert figure == f"{median(row['values']):.{digits}f}"
        wanted = float(figures(goal)[0].replace(",", ""))
        assert wanted * (1000 if goal.endswith("GB") else 1) == row["goal"]


def test_every_row_of_the_speed_table_has_a_source() -> None:
    """No figure is there that nothing was measured for."""
    assert len(table("measured")) == len(SPEED)


@pytest.mark.parametrize("said", SAID)
def test_sentences_repeat_what_a_page_says(said: str) -> None:
    """A figure in a sentence is one of the page that it links to."""
    page, source = SAID[said]

    assert said in SECTION
    assert source in page


def test_the_number_of_topics_is_that_of_a_worker() -> None:
    """The README names every topic that a worker creates, and says how many they are."""
    text = (ROOT / "README.md").read_text().split("## Your own cluster")[1].split("```json")[0]
    kinds = load({}).kinds

    assert (re.search(r"(\w+) topics that are missing", text)[1], len(kinds)) == ("eleven", 11)  # type: ignore[index]
    assert "twelve with `control`" in " ".join(text.split())
    assert len(load({"control": {"secret_env": "SECRET"}}).kinds) == 12
    names = {load({}).topics.full_name(kind) for kind in kinds}
    assert names <= set(re.findall(r"`([a-z-]+)`", text))
