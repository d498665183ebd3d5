"""Measure short and restarted series.

``python -m streamproc.detectors.evaluation.calibration.restarts`` prints the table.

A false alarm soon after a start is rare in a series of a million values, and common in production:
every alarm, every new model and every new feature is a start.
"""

import argparse
import zlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from streamproc.detectors import registry
from streamproc.detectors.evaluation.calibration.distributions import DISTRIBUTIONS
from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.params import Value
from streamproc.detectors.series_monitor import SeriesMonitor

SEED = 16_127
"""Seed of the tables. No threshold was chosen on it."""
SERIES, LENGTH, CHUNK = 20_000, 2_000, 5_000
"""Stationary series, values of each, and series at a time: 80 MB."""
CHANGED, BEFORE, AFTER = 1_000, 1_000, 2_000
"""Series with a change, and values on either side of it."""
BURST = 100
"""Values that a passing change lasts."""

Detectors = Mapping[str, Mapping[str, Value]]
CONTESTANTS: dict[str, Detectors] = {
    "mixture": {"mixture": {}},
    "mixture, 10⁶": {"mixture": {"arl": 1e6}},
    "mixture, spread 0": {"mixture": {**registry.resolve("mixture", {}), "spread": 0.0}},
    "mixture + ADWIN": {"mixture": {}, "adwin": {}},
    "ADWIN + Page-Hinkley": {"adwin": {}, "page_hinkley": {}},
    "FOCuS, 10⁷": {"focus": {"arl": 1e7}},
}
"""The default first, and what could be it."""

Draw = Callable[[np.random.Generator], Floats]
STEADY = {d.name: d for d in DISTRIBUTIONS if d.name != "constant"}


def _halves(rng: np.random.Generator, name: str) -> tuple[Floats, Floats]:
    values = STEADY[name].before(rng, (CHANGED, BEFORE + AFTER))
    return values[:, :BEFORE], values[:, BEFORE:]


def _shifted(name: str) -> Draw:
    """Make the mean rise by one deviation, for good."""

    def draw(rng: np.random.Generator) -> Floats:
        after = STEADY[name].after(rng, (CHANGED, AFTER))
        return np.hstack([_halves(rng, name)[0], after])

    return draw


def _wider(name: str) -> Draw:
    """Double the distance of each value from the mean."""

    def draw(rng: np.random.Generator) -> Floats:
        before, after = _halves(rng, name)
        return np.hstack([before, 2.0 * after - before.mean()])

    return draw


def _passing(name: str) -> Draw:
    """Raise `BURST` values by three deviations; what follows is as before."""

    def draw(rng: np.random.Generator) -> Floats:
        before, after = _halves(rng, name)
        after[:, :BURST] += 3.0 * before.std()
        return np.hstack([before, after])

    return draw


def _rates(p: float, q: float) -> Draw:
    """Change how often an event comes."""

    def draw(rng: np.random.Generator) -> Floats:
        chances = np.where(np.arange(BEFORE + AFTER) < BEFORE, p, q)
        return (rng.random((CHANGED, BEFORE + AFTER)) < chances).astype(np.float64)

    return draw


CHANGES: dict[str, Draw] = (
    {f"{name}, +1σ": _shifted(name) for name in ("N(0, 1)", "lognormal(0, 1)")}
    | {f"{name}, twice as wide": _wider(name) for name in ("N(0, 1)", "lognormal(0, 1)")}
    | {
        f"{name}, {BURST} values +3σ": _passing(name)
        for name in ("N(0, 1)", "integers 0…4", "Bernoulli(0.5)")
    }
    | {
        f"events, {p:g} → {q:g}": _rates(p, q)
        for p, q in (
            (0.0, 0.05),
            (0.0, 0.1),
            (0.0, 0.3),
            (0.0, 1.0),
            (0.01, 0.11),
            (0.1, 0.2),
            (0.3, 0.45),
            (0.99, 0.9),
        )
    }
)


def _rng(title: str) -> np.random.Generator:
    return np.random.default_rng([SEED, zlib.crc32(title.encode())])


def false_alarms(name: str) -> list[int]:
    """Count the alarms on all steady series of a shape, one number a contestant."""
    rng, counts = _rng(name), [0] * len(CONTESTANTS)
    for start in range(0, SERIES, CHUNK):
        values = STEADY[name].before(rng, (min(CHUNK, SERIES - start), LENGTH))
        for place, detectors in enumerate(CONTESTANTS.values()):
            counts[place] += len(SeriesMonitor(detectors, len(values)).scan_all(values))
    return counts


def found(values: Floats, detectors: Detectors) -> tuple[float, float, int]:
    """Find how one change after `BEFORE` values is reported.

    Returns
    -------
    tuple
        Median delay of the first alarm, inf if half the series have none; share of series that
        have one; alarms beyond the first of each series, from the change on.
    """
    first = np.full(len(values), np.inf)
    alarms = [a for a in SeriesMonitor(detectors, len(values)).scan_all(values) if a.row >= BEFORE]
    for alarm in alarms:
        first[alarm.slot] = min(first[alarm.slot], alarm.row - BEFORE + 1)
    seen = np.isfinite(first)
    return float(np.sort(first)[len(first) // 2]), float(seen.mean()), len(alarms) - int(seen.sum())


def _cells(results: Sequence[tuple[float, float, int]]) -> list[str]:
    return [
        (f"{delay:,.0f}" if delay < np.inf else "–")
        + (f" ({share:.0%})" if share < 0.995 else "")
        + (f" +{more}" if more else "")
        for delay, share, more in results
    ]


def main() -> None:
    """Measure and print both tables."""
    argparse.ArgumentParser(
        prog="python -m streamproc.detectors.evaluation.calibration.restarts",
        description=f"{main.__doc__} It takes no options, and some minutes.",
    ).parse_args()
    console = Console(width=150)
    title = f"false alarms in {SERIES * LENGTH / 1e6:g} million values"
    steady = Table(title, *CONTESTANTS, box=MARKDOWN)
    for name in STEADY:
        steady.add_row(name, *map(str, false_alarms(name)))
    console.print(steady)
    changed = Table("median delay (found), further alarms", *CONTESTANTS, box=MARKDOWN)
    for name, draw in CHANGES.items():
        values = draw(_rng(name))
        results = [found(values, detectors) for detectors in CONTESTANTS.values()]
        changed.add_row(name, *_cells(results))
    console.print(changed)


if __name__ == "__main__":
    main()
