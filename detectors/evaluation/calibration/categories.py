"""Measure detectors of categories.

``python -m streamproc.detectors.evaluation.calibration.categories`` prints the table.
"""

import argparse

import numpy as np
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from streamproc.detectors import registry
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.slots import every_row

SEED = 24_601
"""Seed of the tables. The defaults were chosen on other seeds."""
SERIES = 200
LENGTH = 50_000
"""Values of a series: ten million of all, in which one false alarm in a million is ten."""
BEFORE, AFTER = 3_000, 5_000
NAMES = ("chi2", "g_test", "category_psi")


def _zipf(count: int, power: float) -> Floats:
    return np.arange(1.0, count + 1.0) ** -power


def _with_tail(tail: float) -> Floats:
    return np.append([0.5, 0.3, 0.2 - tail], np.full(3000, tail / 3000))


STEADY: dict[str, Floats] = {
    "two alike": np.ones(2),
    "two, one of 5 %": np.array([0.95, 0.05]),
    "two, one of 0.5 %": np.array([0.995, 0.005]),
    "50, 30, 20 %": np.array([0.5, 0.3, 0.2]),
    "10 alike": np.ones(10),
    "60 alike": np.ones(60),
    "1,000 alike": np.ones(1000),
    "1,000, Zipf": _zipf(1000, 1.0),
    "10,000, Zipf squared": _zipf(10_000, 2.0),
    "three and 3,000 of 0.5 % together": _with_tail(0.005),
    "never twice": np.ones(0),
}
"""Masses of categories, not normed; none: every value is another."""

CHANGES: dict[str, tuple[Floats, Floats]] = {
    "50, 30, 20 % to 30, 30, 40 %": (np.array([5.0, 3, 2]), np.array([3.0, 3, 4])),
    "50, 30, 20 % to 40, 30, 30 %": (np.array([5.0, 3, 2]), np.array([4.0, 3, 3])),
    "a new one of 5 % beside 10": (np.append(np.ones(10), 0), np.append(np.full(10, 9.5), 5)),
    "a new one of 31 % beside 1,000": (
        np.append(np.ones(1000), 0),
        np.append(np.full(1000, 0.69), 310),
    ),
    "5 to 10 %": (np.array([95.0, 5]), np.array([90.0, 10])),
}
"""Masses before and after."""


def draw(rng: np.random.Generator, masses: Floats, length: int) -> Floats:
    """Draw categories for all series, (series, length)."""
    draws = rng.random((SERIES, length))
    if not len(masses):
        return draws
    edges = masses.cumsum() / masses.sum()
    return np.searchsorted(edges[:-1], draws, side="right").astype(np.float64)


def false_alarms(masses: Floats) -> list[str]:
    """Count false alarms in a million values, a detector each."""
    values = draw(np.random.default_rng(SEED), masses, LENGTH)
    counts = [registry.get(name).bank(SERIES, **registry.resolve(name, {})) for name in NAMES]
    return [f"{bank.update(values).sum() / values.size * 1e6:.2g}" for bank in counts]


def delays(before: Floats, after: Floats) -> list[str]:
    """Find the median delay in values and the share found within `AFTER`, a detector each."""
    rng = np.random.default_rng(SEED)
    values = np.hstack([draw(rng, before, BEFORE), draw(rng, after, AFTER)])
    cells = []
    for name in NAMES:
        bank = registry.get(name).bank(SERIES, **registry.resolve(name, {}))
        rows = bank.scan(values, every_row(values)).row
        found = rows >= BEFORE
        late = np.where(found, rows - BEFORE + 1, AFTER)
        cells.append(f"{np.median(late):.0f}, {100 * found.mean():.0f} %")
    return cells


def main() -> None:
    """Measure and print both tables."""
    argparse.ArgumentParser(
        prog="python -m streamproc.detectors.evaluation.calibration.categories",
        description=f"{main.__doc__} It takes no options, and some minutes.",
    ).parse_args()
    console = Console(width=120)
    steady = Table("false alarms in a million values", *NAMES, box=MARKDOWN)
    for title, masses in STEADY.items():
        steady.add_row(title, *false_alarms(masses))
    console.print(steady)
    changed = Table("median delay, found within 5,000", *NAMES, box=MARKDOWN)
    for title, (before, after) in CHANGES.items():
        changed.add_row(title, *delays(before, after))
    console.print(changed)


if __name__ == "__main__":
    main()
