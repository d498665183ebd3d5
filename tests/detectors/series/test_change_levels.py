"""What an alarm says of a change: which way, by how much, since when."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import Change, SeriesMonitor
from streamproc.detectors.errors import StateError
from streamproc.detectors.series.change_points import ChangePoints

DEFAULT: dict[str, dict[str, object]] = {"mixture": {}, "page_hinkley": {}}
AT = 6000
Floats = NDArray[np.float64]


def first_changes(values: Floats) -> list[tuple[int, Change]]:
    """Return delay and change of the first alarm of each row from the change on."""
    found: dict[int, tuple[int, Change]] = {}
    for alarm in SeriesMonitor(DEFAULT, len(values)).scan_all(values):
        if alarm.row >= AT and isinstance(alarm.change, Change):
            found.setdefault(alarm.slot, (alarm.row - AT, alarm.change))
    return list(found.values())


@pytest.mark.parametrize(("old", "new"), [(0.002, 0.02), (0.01, 0.05), (0.05, 0.15), (0.03, 0.003)])
def test_rates_of_rare_events_are_stated_and_dated(old: float, new: float) -> None:
    """In 9 of 10 alarms the new rate is right within 3 times, and the date to a fifth of the delay.

    The date is that of the median.
    """
    rng = np.random.default_rng(1)
    rows = rng.random((40, 2 * AT))
    changes = first_changes((rows < np.where(np.arange(2 * AT) < AT, old, new)).astype(np.float64))
    assert len(changes) >= 36
    right = [new / 3 < change.after.mean < 3 * new for _, change in changes]
    assert np.mean(right) >= 0.9
    assert np.median([abs(change.offset - AT) / delay for delay, change in changes]) <= 0.2


@pytest.mark.parametrize("factor", [2.0, 1.5, 0.5])
def test_a_few_wild_values_do_not_make_the_levels(factor: float) -> None:
    """Amounts with 0.2 % typing errors of a million rise or fall by about what they do."""
    rng = np.random.default_rng(2)
    values = rng.lognormal(3, 0.8, size=(40, AT + 600))
    values[:, AT:] *= factor
    values[rng.random(values.shape) < 0.002] = 1e6
    changes = [change for _, change in first_changes(values)]
    assert len(changes) == 40
    right = [
        not change.spread
        and change.direction == ("up" if factor > 1 else "down")
        and factor / 1.5 < change.after.mean / change.before.mean < factor * 1.5
        for change in changes
    ]
    assert np.mean(right) >= 0.9


def test_all_values_in_another_unit_are_not_called_wild() -> None:
    """Where all values are a thousand times as large the new level says so."""
    rng = np.random.default_rng(3)
    values = rng.lognormal(3, 0.5, size=(20, AT + 100))
    values[rng.random(values.shape) < 0.002] = 1e6
    values[:, AT:] = 1000 * rng.lognormal(3, 0.5, size=(20, 100))
    for _, change in first_changes(values):
        assert 15 < change.before.mean < 30
        assert 10_000 < change.after.mean < 50_000


@pytest.mark.parametrize("factor", [3.0, 10.0, 1000.0])
def test_values_of_both_signs_in_another_unit_are_not_called_wild(factor: float) -> None:
    """Where values around 0 are in another unit, the new spread is stated."""
    values = np.random.default_rng(5).normal(size=(40, AT + 200))
    values[:, AT:] *= factor
    wider = [change for _, change in first_changes(values) if change.spread]
    assert len(wider) >= 30
    right = [1 / 2 < change.after.std / change.before.std / factor < 2 for change in wider]
    assert np.mean(right) >= 0.9


def test_a_few_wild_values_do_not_make_the_spread() -> None:
    """Values around 0 with 0.2 % typing errors of a million spread twice as far."""
    rng = np.random.default_rng(6)
    values = rng.normal(size=(40, AT + 600))
    values[:, AT:] *= 2.0
    values[rng.random(values.shape) < 0.002] = 1e6
    wider = [change for _, change in first_changes(values) if change.spread]
    assert len(wider) >= 30
    right = [2 / 1.5 < change.after.std / change.before.std < 2 * 1.5 for change in wider]
    assert np.mean(right) >= 0.9


def test_a_state_without_skewness_is_taken() -> None:
    """A state that knows the spread but no skewness goes on; one with a half of it is refused."""
    watch = ChangePoints(1)
    values = np.random.default_rng(4).normal(size=(1, 500))
    task, rows = np.array([[0, 0, 500, 0]]), np.arange(500)
    watch.scan(values, values, task, rows / 1.0, rows)
    state = watch.state()
    later = ChangePoints()
    later.load({name: array for name, array in state.items() if name not in {"second", "third"}})
    values = values + 3.0
    later.scan(values, values, task, rows / 1.0, rows + 500)
    assert later.change(0).offset in range(498, 503)
    with pytest.raises(StateError):
        later.load({name: array for name, array in state.items() if name != "third"})
