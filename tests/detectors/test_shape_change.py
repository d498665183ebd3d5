"""Another shape with the same mean and spread."""

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors import SeriesMonitor
from streamproc.detectors.runtime.slots import every_row

SERIES = 12
BEFORE, AFTER = 3000, 1500
"""Values before the change, and within which it has to be found."""
Floats = NDArray[np.float64]


def two_modes(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Draw values around -0.9 and 0.9 with mean 0 and deviation 1."""
    sides = np.where(rng.random(shape) < 0.5, -0.9, 0.9)
    return np.asarray(sides + np.sqrt(1 - 0.81) * rng.normal(size=shape))


def alarmed(detectors: list[str]) -> list[tuple[int, int]]:
    """Watch normal values that come to have two modes; returns series and row of each alarm."""
    rng = np.random.default_rng(4)
    usual = rng.normal(size=(SERIES, BEFORE))
    values = np.ascontiguousarray(np.concatenate([usual, two_modes(rng, (SERIES, AFTER))], axis=1))
    watch = SeriesMonitor({name: {} for name in detectors}, SERIES)
    rows = np.arange(values.shape[1])
    found = watch.scan(values, every_row(values), rows.astype(float), rows)
    return [(alarm.column, alarm.row) for alarm in found]


def test_another_shape_is_found_by_one_more_word_in_the_config() -> None:
    """With `jensen_shannon` beside the defaults all series that get two modes are found."""
    found = alarmed(["mixture", "page_hinkley", "jensen_shannon"])
    assert {column for column, row in found if row >= BEFORE} == set(range(SERIES))
    assert not [row for _, row in found if row < BEFORE]


def test_the_defaults_watch_mean_and_spread_only() -> None:
    """Without it a shape with the same mean and spread is not found, as the page says."""
    assert alarmed(["mixture", "page_hinkley"]) == []
