"""Gross changes: values far outside of the range, one value again and again, gaps of zeros."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import Alarm, SeriesMonitor
from streamproc.detectors.errors import StateError
from streamproc.detectors.series.gross import Gross

DEFAULT: dict[str, dict[str, object]] = {"mixture": {}, "page_hinkley": {}}
ROWS, AT = 10_000, 5000
Floats = NDArray[np.float64]


def found(values: Floats, reason: str) -> list[Alarm]:
    """Return the findings of one reason in the rows of a matrix."""
    alarms = SeriesMonitor(DEFAULT, len(values), follow=True).scan_all(values)
    return [alarm for alarm in alarms if alarm.reason == reason]


def mostly_zero(rng: np.random.Generator, share: float) -> Floats:
    """Draw amounts that are zero but for a share."""
    return (rng.random((20, ROWS)) < share) * rng.lognormal(3, 1, size=(20, ROWS))


def sentinel(rng: np.random.Generator) -> Floats:
    """Draw normal values, and -999 in 2 % from a row on."""
    values = rng.normal(5, 1, size=(20, ROWS))
    values[:, AT:][rng.random((20, ROWS - AT)) < 0.02] = -999.0
    return values


def second_mode(rng: np.random.Generator) -> Floats:
    """Draw two modes, of which the one with a fifth of all values gets another unit."""
    second = rng.random((20, ROWS)) < 0.2
    values = np.where(second, rng.normal(10, 1, size=second.shape), rng.normal(size=second.shape))
    values[second & (np.arange(ROWS) >= AT)] *= 100
    return values


def broken_amounts(rng: np.random.Generator) -> Floats:
    """Draw amounts of which 97 % are zero, in another unit from a row on."""
    values = mostly_zero(rng, 0.03)
    values[:, AT:] *= 100
    return values


@pytest.mark.parametrize("draw", [sentinel, second_mode, broken_amounts])
def test_magnitude_in_a_part_of_the_values_is_found(draw: object) -> None:
    """A sentinel in 2 %, another unit of a fifth, or of the 3 % that are not zero: 19 in 20."""
    assert callable(draw)
    hits = {a.column for a in found(draw(np.random.default_rng(1)), "range") if a.row >= AT}
    assert len(hits) >= 19


def test_rare_values_of_any_size_are_no_change() -> None:
    """In 200 series each of amounts that are mostly zero, with heavy tails, nothing is found."""
    rng = np.random.default_rng(2)
    values = np.concatenate([mostly_zero(rng, share) for share in (0.1, 0.03, 0.01)])
    heavy = np.where(rng.random((200, 2000)) < 0.2, rng.pareto(1.5, size=(200, 2000)), 0.0)
    for drawn in (values, heavy):
        assert found(drawn, "range") == []


def test_zeros_among_counts_are_no_frozen_feed() -> None:
    """In 2,000 short series of rare counts and flags no run is called frozen."""
    rng = np.random.default_rng(3)
    for drawn in (rng.poisson(0.2, (2000, 1000)) * 1.0, (rng.random((2000, 1000)) < 0.03) * 1.0):
        assert found(drawn, "frozen") == []


def gaps(rng: np.random.Generator) -> Floats:
    """Draw hours of outages, 7 % of all, and from a row on a loss of every other value."""
    values = np.zeros((1, ROWS))
    for start in rng.choice(ROWS, size=70, replace=False):
        values[0, start : start + rng.integers(2, 20)] = 1.0
    values[0, AT:] = np.maximum(values[0, AT:], rng.random(ROWS - AT) < 0.5)
    return values


def test_single_losses_are_found_beside_outages_of_hours() -> None:
    """Every other value missing is found within 100, though outages were longer, and its share."""
    for seed in range(10):
        values = gaps(np.random.default_rng(seed))
        hits = [alarm for alarm in found(values, "level") if alarm.row >= AT]
        assert hits
        assert hits[0].row < AT + 100
        before, after = hits[0].change.before, hits[0].change.after
        assert before.mean < 0.15  # type: ignore[union-attr]
        assert 0.25 < after.mean < 0.75  # type: ignore[union-attr]


def test_row_numbers_wake_nobody() -> None:
    """What rises, or falls, with every value alarms at most before its thirtieth value."""
    rows = np.arange(3000.0)
    values = np.stack(
        [rows, 1e6 - 3 * rows, 1.7e9 + np.cumsum(np.random.default_rng(1).random(3000))]
    )
    alarms = SeriesMonitor(DEFAULT, 3, follow=True).scan_all(values)
    assert [alarm for alarm in alarms if not alarm.expected] == []


def test_a_state_without_turns_loads() -> None:
    """A state of a version that did not count the turns of zeros and ones is continued."""
    watch = Gross(2)
    watch.scan(np.ones((1, 50)), np.array([[0, 0, 50, 1]]), np.arange(50.0))
    added = {"flicker", "flickered", "flicker_n", "flicker_ones", "ones", "climbs"}
    state = {name: array for name, array in watch.state().items() if name not in added}
    later = Gross()
    later.load(state)
    assert later.since.tolist() == [0, 50]
    with pytest.raises(StateError):
        later.load({name: array for name, array in state.items() if name != "run"})


@pytest.mark.parametrize("times", [15, 25, 60])
def test_candidates_of_one_request_are_no_false_alarms(times: int) -> None:
    """Values that come 15, 25 or 60 times each: at most one alarm that counts in 600,000."""
    drawn = np.random.default_rng(times).normal(size=(30, 20_000 // times))
    values = np.repeat(drawn, times, axis=1)
    alarms = SeriesMonitor(DEFAULT, len(values), follow=True).scan_all(values)
    assert sum(not alarm.expected for alarm in alarms) <= 1


def test_a_constant_that_becomes_another_is_still_an_alarm() -> None:
    """Of a number that never changed before, the first change is reported within ten values."""
    values = np.repeat([[3.0, 5.0]], 600, axis=1)
    alarms = SeriesMonitor(DEFAULT, 1, follow=True).scan_all(values)
    assert any(not alarm.expected and 600 <= alarm.row < 610 for alarm in alarms)
