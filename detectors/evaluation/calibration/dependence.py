"""Incidents and alarms of series that depend on themselves or on the hour, and change in nothing.

``python -m streamproc.detectors.evaluation.calibration.dependence``: ten series of each shape,
60,000 values each, 1,000 an hour; the table of docs/false-alarms.md. Half a minute. With
``--arl 1e5`` the detectors have that run length instead of their defaults.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series.alarm import Alarm
from streamproc.detectors.series_monitor import SeriesMonitor

SERIES, VALUES, SEED = 10, 60_000, 29
PACE: Final = 3.6
"""Seconds between values."""
DAY: Final = 24_000
QUIET: Final = 1000
"""Values without an alarm that counts after which an incident is over."""
Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator], Floats]
SHAPE: Final = (SERIES, VALUES)


def _past(share: float, rng: np.random.Generator) -> Floats:
    """Draw an autoregression of order 1 and deviation 1."""
    values = rng.normal(size=SHAPE)
    for t in range(1, VALUES):
        values[:, t] = share * values[:, t - 1] + np.sqrt(1 - share**2) * values[:, t]
    return values


def _hour(rng: np.random.Generator) -> Floats:
    """Give the part of the day from 0 to 1 of each value; series begin at different hours."""
    return np.asarray((np.arange(VALUES) / DAY + rng.random((SERIES, 1))) % 1.0)


def _curve(size: float, rng: np.random.Generator) -> Floats:
    return np.asarray(size * np.sin(2 * np.pi * _hour(rng)) + rng.normal(size=SHAPE))


def _blocks(length: int, size: float, rng: np.random.Generator) -> Floats:
    """Draw a level for each block of values, and noise of deviation 1 upon it."""
    levels = rng.normal(size=(SERIES, VALUES // length + 1))
    return np.asarray(size * np.repeat(levels, length, axis=1)[:, :VALUES] + rng.normal(size=SHAPE))


def _garch(rng: np.random.Generator) -> Floats:
    values = rng.normal(size=SHAPE)
    variance = np.ones(SERIES)
    for t in range(VALUES):
        values[:, t] *= np.sqrt(variance)
        variance = 0.05 + 0.1 * values[:, t] ** 2 + 0.85 * variance
    return values


def _regimes(rng: np.random.Generator) -> Floats:
    """Draw values whose deviation changes between 1 and 2 every 500 values on average."""
    wide = np.cumsum(rng.random(SHAPE) < 1 / 500, axis=1) % 2
    return np.asarray((1.0 + wide) * rng.normal(size=SHAPE))


def _bursts(rng: np.random.Generator) -> Floats:
    """Draw values of which thirty in a row, in every thousand, are three deviations higher."""
    starts = rng.random(SHAPE) < 1 / 1000
    since = np.stack([np.convolve(row, np.ones(30))[:VALUES] for row in starts])
    return np.asarray(3.0 * (since > 0) + rng.normal(size=SHAPE))


SHAPES: Final[dict[str, Draw]] = {
    "AR .5": lambda rng: _past(0.5, rng),
    "AR .9": lambda rng: _past(0.9, rng),
    "AR .99": lambda rng: _past(0.99, rng),
    "day curve of 1 deviation": lambda rng: _curve(1.0, rng),
    "day curve of .3 deviations": lambda rng: _curve(0.3, rng),
    "latency with load": lambda rng: np.exp(  # of the day, and of its past
        0.25 * np.sin(2 * np.pi * _hour(rng))
        + 0.1 * _past(0.995, rng)
        + 0.4 * rng.normal(size=SHAPE)
    ),
    "hour of day": lambda rng: np.floor(24 * _hour(rng)),
    "row id": lambda rng: np.arange(VALUES) + 1e6 * rng.random((SERIES, 1)),
    "batches of 200 rows": lambda rng: _blocks(200, 0.5, rng),
    "candidates, 10 a request": lambda rng: np.repeat(
        rng.normal(size=(SERIES, VALUES // 10)), 10, axis=1
    ),
    "sessions of 20": lambda rng: _blocks(20, 1.0, rng),
    "GARCH(1, 1)": _garch,
    "volatility regimes": _regimes,
    "cohorts by hour": lambda rng: _blocks(1000, 0.3, rng),
    "bursts of 30 rows": _bursts,
    "trend of 4 deviations": lambda rng: 4 * np.arange(VALUES) / VALUES + rng.normal(size=SHAPE),
}


def incidents(rows: Sequence[int]) -> tuple[int, int]:
    """Count incidents, and the values for which one is open, by the rows of alarms that count."""
    count, opened, last = 0, 0, -QUIET - 1
    for row in sorted(rows):
        count += row - last > QUIET
        opened += QUIET - max(last + QUIET - row, 0)
        last = row
    return count, opened - max(last + QUIET - VALUES, 0)


def measure(draw: Draw, arl: float | None = None) -> tuple[float, float, float]:
    """Give new incidents and alarms in 100,000 values, and the share of time that one is open.

    Parameters
    ----------
    draw
        Draws the series.
    arl
        Run length of the detectors; None: their defaults.
    """
    rng = np.random.default_rng(SEED)
    values = np.ascontiguousarray(draw(rng))
    params = {} if arl is None else {"arl": arl}
    watch = SeriesMonitor({"mixture": params, "page_hinkley": params}, SERIES, follow=True)
    columns = np.arange(VALUES)
    alarms: list[Alarm] = watch.scan(
        values, every_row(values), PACE * columns.astype(np.float64), columns
    )
    counted = [[a.row for a in alarms if a.slot == k and not a.expected] for k in range(SERIES)]
    found = [incidents(rows) for rows in counted]
    total = SERIES * VALUES
    new, opened = (sum(part) for part in zip(*found, strict=True))
    return 1e5 * new / total, 1e5 * sum(map(len, counted)) / total, opened / total


def main() -> None:
    """Show the table."""
    parser = argparse.ArgumentParser(description="Incidents of dependent series without a change.")
    parser.add_argument("--arl", type=float, help="run length of both detectors, in values")
    arl: float | None = parser.parse_args().arl
    table = Table("series", "new incidents", "alarms that count", "open", box=MARKDOWN)
    for name, draw in SHAPES.items():
        new, alarms, opened = measure(draw, arl)
        table.add_row(name, f"{new:.1f}", f"{alarms:.1f}", f"{opened:.0%}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
