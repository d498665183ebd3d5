"""Every figure in the README's prose, back to what it is a figure of."""

import json
import re
import tomllib
from collections.abc import Callable
from datetime import timedelta
from itertools import chain
from pathlib import Path
from statistics import median

import pytest

from streamproc.alerting.incident_group import MAX_NAMED
from streamproc.cli.demo import EVENTS
from streamproc.config.config import Config
from streamproc.decode.type_changes import THRESHOLD
from streamproc.detectors.series_monitor import WARMUP
from streamproc.tools.bench.peers.confluent_loop import WAIT_SECONDS
from streamproc.tools.bench.suites.live import SYSTEMS
from streamproc.tools.bench.suites.peers import CONFLUENT, WORKER
from streamproc.tools.demo.events import Scenario

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CONFIG = Config()
QUIET = CONFIG.policy.resolve_after.values
# First cells of the tables' headers → the tests that hold their figures.
TABLES = {
    "`pip install`": "has no figures",
    "field": "this file: the text of its cells",
    "series": "test_readme_figures.py",
    "CPU of a core": "test_readme_live.py",
    "a backlog, with ADWIN and Page-Hinkley, on two cores shared with Apache Kafka": (
        "test_readme_figures.py"
    ),
}
HELD_ELSEWHERE = {"series", "CPU of a core", "a backlog, with ADWIN and Page-Hinkley, on two cores"}
# Digits that are not figures: versions of others, addresses, units, names.
NO_FIGURES = (
    "Docker 25", "http://localhost:3000", "127.0.0.1", "exits with code 1", "`10⁻⁶`",
    "10⁻⁶ or 10⁶", "Apache License 2.0",
)  # fmt: skip


# Offsets of the alert that the README shows (`test_readme.py` holds it): of the first ride in
# kilometres, and of the ride at which the detector alarmed.
SHOWN = json.loads(re.findall(r"```json\n(.*?)```", README, re.DOTALL)[-1])
CHANGED, ALARMED = SHOWN["change_point"]["offset"], SHOWN["source"]["offset"]


def false_alarms() -> list[str]:
    """Return the numbers of a sentence of the page on false alarms."""
    page = " ".join((ROOT / "docs/false-alarms.md").read_text().split())
    sentence = r"In ([\d.]+) billion values the mixture raised (\w+), Page-Hinkley (\w+)"
    [(billions, *raised)] = re.findall(sentence, page)
    return [str(sum({"three": 3, "nine": 9}[word] for word in raised)), billions]


def live_medians(part: str = "live") -> dict[str, float]:
    """Return the medians of the stored rounds of a part on live traffic."""
    path = ROOT / f"docs/figures/bench-{part}-kafka.json"
    rows = json.loads(path.read_text())["parts"][part]["rows"]
    return {row["what"]: median(row["values"]) for row in rows}


def latencies(rate: int) -> list[str]:
    """Return the p50 of the worker, of the one that waits for less, and of the loop, in ms."""
    medians = live_medians()
    return [f"{medians[f'{rate:,} events/s, {system}, p50']:.0f}" for system in list(SYSTEMS)[:3]]


def shares_with_labels(system: str) -> list[str]:
    """Return the CPU of a system that learns at 100 and at 1,000 events a second, in %."""
    medians = live_medians("live-learning")
    return [
        f"{medians[f'{rate} labelled events/s, {system}, CPU']:.0f}" for rate in ("100", "1,000")
    ]


def nanoseconds() -> str:
    """Return what Page-Hinkley costs a value, as the page on the scoreboard says."""
    page = (ROOT / "docs/scoreboard.md").read_text()
    [found] = re.findall(r"Page-Hinkley, which costs (\d+) ns a value", page)
    return str(found)


def days(value: timedelta) -> str:
    """Return a duration of whole days."""
    return str(value.days)


def seconds(value: timedelta) -> str:
    """Return a duration of whole seconds."""
    return f"{value.total_seconds():.0f}"


PYTHON = re.findall(
    r"3\.\d+",
    " ".join(
        line
        for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    ),
)
# What the README says → the figures in it.
STATEMENTS: dict[str, Callable[[], list[str]]] = {
    "You need Python {} to {} and": lambda: [PYTHON[0], PYTHON[-1]],
    "labels become known {} events later": lambda: [str(Scenario(EVENTS).labels.delay)],
    "`docs/rides.csv` has {} predicted": lambda: [
        f"{len((ROOT / 'docs/rides.csv').read_text().splitlines()) - 1:,}"
    ],
    "From row {} on, an update of the app": lambda: [f"{CHANGED + 1:,}"],
    "the changed column {} rides after the change": lambda: [str(ALARMED - CHANGED)],
    "`127.0.0.1:{}`": lambda: [str(CONFIG.http.port)],
    "`policy.resolve_after` ({} values by default)": lambda: [f"{QUIET:,}"],
    "`policy.accept_after` ({} days)": lambda: [days(CONFIG.policy.accept_after)],
    "at most the {} largest": lambda: [str(MAX_NAMED)],
    "they raised {} false incidents in {} billion values": false_alarms,
    "Page-Hinkley adds {} ns per value": lambda: [nanoseconds()],
    "from its first {} values": lambda: [str(WARMUP)],
    "The loop waits up to {} ms for a batch": lambda: [f"{1000 * WAIT_SECONDS:.0f}"],
    "At {} events/s half of the events are answered within {} ms, with the shorter wait within {}"
    " ms, by the loop within {} ms": lambda: ["1,000", *latencies(1000)],
    "From {} events/s on the worker takes less CPU than the loop": lambda: ["5,000"],
    "the worker takes {} % at {} events/s and {} % at {}, such a loop {} and {} %": lambda: [
        *chain(*zip(shares_with_labels(WORKER), ["100", "1,000"], strict=True)),
        *shares_with_labels(CONFLUENT),
    ],
    "write snapshots every {} seconds": lambda: [seconds(CONFIG.snapshots.interval)],
    "last {} of its partition (`limits.recent_events`)": lambda: [
        f"{CONFIG.limits.recent_events:,}"
    ],
    "After {} such values in a row": lambda: [str(THRESHOLD)],
}


def prose() -> str:
    """Return the README without code blocks, targets of links, and tables held elsewhere."""
    text = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    shown, skipped = [], False
    for line in text.splitlines():
        if not line.startswith("|"):
            skipped = False
        elif any(line.startswith(f"| {first}") for first in HELD_ELSEWHERE):
            skipped = True
        if not skipped:
            shown.append(line)
    return " ".join(" ".join(shown).split())


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_figure_is_what_it_is_a_figure_of(statement: str) -> None:
    """Each figure of a sentence is the setting, constant, or measurement that it speaks of."""
    assert statement.format(*STATEMENTS[statement]()) in prose()


def test_no_figure_is_without_a_source() -> None:
    """A new figure in a sentence of the README fails until it is held to a source."""
    text = prose()
    for statement, figures in STATEMENTS.items():
        text = text.replace(statement.format(*figures()), "")
    for name in NO_FIGURES:
        text = text.replace(name, "")
    assert re.findall(r".{0,40}\d.{0,40}", text) == []


def test_no_table_is_without_a_test() -> None:
    """A new table in the README fails until a test holds its figures."""
    lines = README.splitlines()
    heads = [lines[at - 1] for at, line in enumerate(lines) if re.fullmatch(r"\|(-+\|)+", line)]
    assert [head.split("|")[1].strip() for head in heads] == list(TABLES)


def test_the_worker_waits_as_long_as_the_loop() -> None:
    """The README compares their CPU at the same wait for a batch."""
    assert CONFIG.limits.linger / timedelta(seconds=1) == WAIT_SECONDS


@pytest.mark.parametrize("rate", [5000, 10_000])
def test_at_high_rates_the_worker_takes_less_cpu_than_the_loop(rate: int) -> None:
    """The README says so of all rates from 5,000 events/s on."""
    ours, _, theirs, _ = [live_medians()[f"{rate:,} events/s, {system}, CPU"] for system in SYSTEMS]
    assert ours < theirs
