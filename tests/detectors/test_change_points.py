import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamproc.detectors import ChangePoints, PageHinkley
from streamproc.detectors.errors import ShapeError, StateError
from streamproc.detectors.runtime.slots import every_row

Floats = NDArray[np.float64]


def tracked(raw: Floats, units: Floats) -> ChangePoints:
    """Feed one series; times are half the offsets."""
    tracker = ChangePoints(1)
    offsets = np.arange(raw.shape[1]) * 2 + 7
    tracker.scan(raw, units, every_row(raw), offsets / 2, offsets)
    return tracker


def series(shift: float, seed: int, warmup: int = 100) -> tuple[Floats, Floats]:
    """Raw values at 1e6 in thousands, standardised after a warm-up, shifted at row 1000."""
    units = np.random.default_rng(seed).normal(size=(1, 1200))
    units[0, 1000:] += shift
    raw = 1e6 + 1e3 * units
    units[0, :warmup] = np.nan
    return raw, units


@pytest.mark.parametrize(
    ("shift", "slack"), [(0.7, 60), (1.0, 25), (-1.0, 25), (3.0, 4), (-8.0, 2)]
)
def test_a_change_is_located(shift: float, slack: int) -> None:
    """The first row after a shift is found to within rows that shrink with its size."""
    misses = []
    for seed in range(40):
        change = tracked(*series(shift, seed)).change(0)
        assert change.direction == ("up" if shift > 0 else "down")
        assert change.ts == change.offset / 2
        misses.append(abs((change.offset - 7) // 2 - 1000))
    assert np.quantile(misses, 0.9) <= slack


@pytest.mark.parametrize(("factor", "slack"), [(2.0, 10), (1.5, 40), (0.5, 30), (0.0, 20)])
def test_a_change_of_the_spread_is_located(factor: float, slack: int) -> None:
    """Values that become wider or narrower around the same mean are dated, and called that."""
    misses = []
    for seed in range(40):
        raw, units = series(0.0, seed)
        units[0, 1000:] *= factor
        raw[0, 1000:] = 1e6 + 1e3 * units[0, 1000:]
        change = tracked(raw, units).change(0)
        if change.spread:
            misses.append(abs((change.offset - 7) // 2 - 1000))
    assert len(misses) >= 36  # of the rest the mean moved, too, by chance
    assert np.quantile(misses, 0.8) <= slack


@pytest.mark.parametrize(
    ("drawn", "moved"),
    [
        (lambda draw: draw.normal(size=1200), lambda values: values + 1.0),
        (lambda draw: draw.normal(size=1200), lambda values: 0.5 * values + 4.0),
        (lambda draw: draw.lognormal(size=1200) / 2.16 - 0.76, lambda values: values + 1.0),
        (lambda draw: draw.standard_t(3, 1200) / 1.73, lambda values: values + 1.0),
        (
            lambda draw: (draw.random(1200) < 0.05) / 0.218 - 0.229,
            lambda values: values * 0.0 + 4.4,
        ),
    ],
)
def test_a_mean_that_moves_is_no_change_of_the_spread(drawn: Any, moved: Any) -> None:
    """Whatever the shape of the values, and whether or not they also become narrower."""
    for seed in range(40):
        units = drawn(np.random.default_rng(seed))[None]
        units[0, 1000:] = moved(units[0, 1000:])
        assert not tracked(units, units).change(0).spread


def test_rates_that_rise_or_fall_are_no_change_of_the_spread() -> None:
    """The spread of what is right or wrong follows from its rate."""
    for seed in range(40):
        for before, after in ((0.05, 0.3), (0.3, 0.05), (0.5, 0.1), (0.01, 0.5)):
            rows = np.random.default_rng(seed).random(1200)
            raw = (rows < np.where(np.arange(1200) < 1000, before, after)).astype(float)[None]
            units = (raw - before) / math.sqrt(before * (1 - before))
            assert not tracked(raw, units).change(0).spread


def upgraded(units: Floats, rows: int) -> ChangePoints:
    """Feed one series, whose first rows an earlier version has seen, and saved without spreads."""
    offsets = np.arange(units.shape[1])
    old, new = ChangePoints(1), ChangePoints()
    old.scan(units, units, np.array([[0, 0, rows, 0]]), offsets / 2, offsets)
    of_spread = {"rough", "rougher", "turn_sums", "turns", "turn_offsets"}
    new.load({name: array for name, array in old.state().items() if name not in of_spread})
    new.scan(units, units, np.array([[0, rows, units.shape[1], 0]]), offsets / 2, offsets)
    return new


@pytest.mark.parametrize(("factor", "shift"), [(2.0, 0.0), (0.5, 0.0), (1.0, 1.0)])
def test_a_state_of_before_spreads_were_dated_is_taken(factor: float, shift: float) -> None:
    """What it knows of means goes on; changes of either kind from then on are found as such."""
    for seed in range(20):
        units = np.random.default_rng(seed).normal(size=(1, 10_120))
        units[0, 10_060:] = factor * units[0, 10_060:] + shift
        change = upgraded(units, 10_000).change(0)
        assert change.spread == (factor != 1.0)
        assert change.before.n + change.after.n == 10_120


def test_a_state_that_lacks_a_part_of_the_spread_is_refused() -> None:
    """All of it or nothing was saved."""
    state = ChangePoints(2).state()
    del state["turns"]
    with pytest.raises(StateError, match="turns"):
        ChangePoints().load(state)


def test_before_and_after_are_those_of_the_rows() -> None:
    """Moments before and after the change are numpy's of the raw rows on either side."""
    raw, units = series(2.0, 1)
    change = tracked(raw, units).change(0)
    row = (change.offset - 7) // 2
    for part, rows in ((change.before, raw[0, :row]), (change.after, raw[0, row:])):
        assert part.n == len(rows)
        assert part.mean == pytest.approx(rows.mean(), rel=1e-12)
        assert part.std == pytest.approx(rows.std(ddof=1), rel=1e-6)


@pytest.mark.parametrize("factor", [1.0, 1e-300, 1e300])
def test_means_of_many_series_are_those_of_each(factor: float) -> None:
    """Asked at once or one by one, the means are the same to the last bit."""
    raw = np.random.default_rng(3).normal(2.0, 1.0, (5, 300)) * factor
    tracker = ChangePoints(6)  # the last one has no value
    offsets = np.arange(raw.shape[1])
    units = np.full_like(raw, np.nan)
    tracker.scan(raw, units, every_row(raw), offsets.astype(np.float64), offsets)
    slots = np.array([4, 0, 5, 2])
    assert tracker.means(slots).tolist() == [tracker.level(slot).mean for slot in slots.tolist()]


def test_missing_rows_are_not_counted() -> None:
    """A missing value is no value: not in the counts, never the row of a change."""
    raw, units = series(5.0, 2)
    holes = np.zeros(1200, bool)
    holes[::2] = True
    raw[0, holes] = units[0, holes] = np.nan
    tracker = tracked(raw, units)
    change = tracker.change(0)
    assert tracker.count(np.array([0])).tolist() == [600]
    assert change.before.n + change.after.n == 600
    assert not holes[(change.offset - 7) // 2]


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.integers(1, 1199), max_size=20))
def test_any_split_and_reload_is_the_same(cuts: list[int]) -> None:
    """Cut anywhere, saved and loaded in between, the state is the same to the last bit."""
    raw, units = series(1.0, 3)
    whole, pieces = tracked(raw, units).state(), ChangePoints(1)
    edges = sorted({0, 1200, *cuts})
    offsets = np.arange(1200) * 2 + 7
    for start, stop in pairwise(edges):
        task = np.array([[0, start, stop, 0]])
        pieces.scan(raw, units, task, offsets / 2, offsets)
        state = pieces.state()
        pieces = ChangePoints()
        pieces.load(state)
    assert all(whole[name].tobytes() == array.tobytes() for name, array in pieces.state().items())


@pytest.mark.parametrize("factor", [1e-305, 1e-300, 1e-150, 1e150, 1e300])
def test_moments_stay_finite_at_any_size(factor: float) -> None:
    """Raw values near the ends of the floats give finite moments of the right size."""
    raw, units = series(3.0, 4)
    raw = (raw - 1e6) * (factor / 1e3)
    change = tracked(raw, units).change(0)
    row = (change.offset - 7) // 2
    for part, rows in ((change.before, raw[0, :row]), (change.after, raw[0, row:])):
        assert math.isfinite(part.mean)
        assert part.std == pytest.approx((rows / factor).std(ddof=1) * factor, rel=1e-6)


def test_a_jump_beyond_all_squares_stays_finite() -> None:
    """A series that leaps from 1 to 1e308 has finite moments on both sides."""
    raw = np.where(np.arange(300) < 200, 1.0, 1e308)[None]
    units = np.where(np.arange(300) < 200, 0.0, 4.0)[None]
    change = tracked(raw, units).change(0)
    assert (change.before.n, change.before.mean, change.before.std) == (200, 1.0, 0.0)
    assert math.isfinite(change.after.mean)
    assert math.isfinite(change.after.std)


def test_arrays_that_do_not_fit_are_refused() -> None:
    """Times of another length than the rows are refused."""
    zeros = np.zeros((1, 3))
    with pytest.raises(ShapeError, match="ts"):
        ChangePoints(1).scan(zeros, zeros, every_row(zeros), np.zeros(2), np.arange(3))


def test_a_single_detector_tells_each_change_anew() -> None:
    """After each alarm `change` is the last one, counted from the detector's first value."""
    values = np.random.default_rng(9).normal(size=1500)
    values[500:] += 4.0
    values[1000:] -= 8.0
    detector, told = PageHinkley(arl=1e4), []
    for value in values.tolist():
        detector.update(value)
        if detector.drift_detected:
            assert detector.change is not None
            told.append(detector.change)
    assert [abs(one.offset - at) <= 3 for one, at in zip(told, (500, 1000), strict=True)]
    assert [one.direction for one in told] == ["up", "down"]
    assert [one.size for one in told] == pytest.approx([4.0, -8.0], rel=0.4)


def test_a_single_detector_survives_values_of_any_size() -> None:
    """Values near the ends of what floats hold leave the change finite."""
    detector = PageHinkley(threshold=1.0)
    for value in [1e-300, 1e300, -1e308, 5e-324, 1e308] * 40:
        detector.update(value)
        if detector.change is not None:
            assert np.isfinite([detector.change.size, detector.change.after.std]).all()
    assert detector.change is not None
