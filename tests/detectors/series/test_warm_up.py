"""Changes while a series is learned: in its first values, and after an alarm."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamproc.detectors import Alarm, Change, SeriesMonitor
from streamproc.detectors.checks import same_state
from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series.warm_up_test import OUTSIDE, RECENT, suspicious

DEFAULT: dict[str, dict[str, object]] = {"mixture": {}, "page_hinkley": {}}
Floats = NDArray[np.float64]


def draw(kind: str, rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Draw independent values of one shape, in their deviations."""
    drawn = {
        "normal": rng.normal(5, 1, size),
        "lognormal": rng.lognormal(0, 1, size) / 2.16,
        "counts": rng.poisson(2, size) / 1.41,
        "heavy": rng.standard_t(3, size) / 1.73,
        "flags": (rng.random(size) < 0.1) * 1.0,
    }[kind]
    return np.asarray(drawn, np.float64)


def scan(values: Floats) -> list[Alarm]:
    """Follow the rows of a matrix."""
    return SeriesMonitor(DEFAULT, len(values), follow=True).scan_all(values)


@settings(max_examples=300, deadline=None)
@given(
    values=st.lists(st.sampled_from((0.0, 1.0, 2.0, 3.5, -7.0, 50.0)), min_size=40, max_size=200),
    rise=st.sampled_from((0.0, 1.0, 100.0)),
    at=st.integers(0, 40),
)
def test_the_last_values_are_compared_with_all_before(
    values: list[float], rise: float, at: int
) -> None:
    """Whether a look is close depends on all values before the last ones, not on the first few."""
    drawn = np.array(values)
    drawn[len(drawn) - at :] += rise
    before, last = np.sort(drawn[:-RECENT]), drawn[-RECENT:]
    outside = int(((last < before[1]) | (last > before[-2])).sum())
    assert suspicious(drawn) == (outside >= OUTSIDE)


@pytest.mark.parametrize("kind", ["normal", "lognormal", "counts", "heavy"])
@pytest.mark.parametrize("later", [30, 60, 120, 180, 195, 215])
@pytest.mark.parametrize("size", [2.0, -3.0])
def test_a_second_change_is_found_at_any_moment(kind: str, later: int, size: float) -> None:
    """Two deviations more, or the way back, any number of values after an alarm: 99 in 100."""
    values = draw(kind, np.random.default_rng(later), (100, 1400))
    values[:, 1000:] += 3.0
    first: dict[int, int] = {}
    for alarm in scan(values):
        if alarm.row >= 1000 and not alarm.reason:
            first.setdefault(alarm.slot, alarm.row + 1 + later)
    for slot, row in first.items():
        values[slot, row:] += size
    found = {a.slot for a in scan(values) if a.slot in first and a.row >= first[a.slot]}
    assert len(found) >= 0.99 * len(first)


@pytest.mark.parametrize("kind", ["normal", "lognormal", "counts"])
@pytest.mark.parametrize("at", [30, 45, 100, 170])
def test_ten_deviations_in_the_first_values_are_found(kind: str, at: int) -> None:
    """From the 30th value on they are found within 30 values, in 95 of 100 series."""
    values = draw(kind, np.random.default_rng(at), (100, 300))
    values[:, at:] += 10.0
    found = {alarm.slot for alarm in scan(values) if at <= alarm.row < at + 30}
    assert len(found) >= 95


@pytest.mark.parametrize("kind", ["normal", "lognormal", "counts", "heavy", "flags"])
def test_a_new_level_is_learned_quietly(kind: str) -> None:
    """After an alarm, and at the start, at most one of 1,000 series alarms without a change."""
    values = draw(kind, np.random.default_rng(1), (1000, 900))
    values[:, 500:] += 50.0
    alarms = [alarm for alarm in scan(values) if alarm.row < 500 or alarm.row > 560]
    assert len(alarms) <= 1


def test_neighbours_that_are_alike_are_no_change() -> None:
    """What follows its past or the hour does not alarm in its first 200 values, in 95 of 100."""
    rng = np.random.default_rng(2)
    load = np.zeros((100, 200))
    for t in range(1, 200):
        load[:, t] = 0.9 * load[:, t - 1] + rng.normal(size=100)
    phase = np.arange(200) / 24 + rng.random((100, 1))
    day = np.sin(2 * np.pi * phase) + 0.3 * rng.normal(size=(100, 200))
    for values in (load, day):
        assert sum(not alarm.reason for alarm in scan(values)) <= 5


def test_the_alarm_says_what_changed() -> None:
    """Levels on either side, and their numbers of values; no date, which is not known."""
    values = draw("normal", np.random.default_rng(3), (1, 300))
    values[:, 80:] += 10.0
    alarm = scan(values)[0]
    assert isinstance(alarm.change, Change)
    assert alarm.detector == "warm_up"
    assert alarm.change.offset == -1
    assert abs(alarm.change.before.n - 80) <= 1
    assert alarm.change.before.mean == pytest.approx(5, abs=0.5)
    assert alarm.change.after.mean == pytest.approx(15, abs=1.0)
    assert alarm.statistic > alarm.threshold


def story() -> Floats:
    """Four series that change in their first values, after an alarm, and shortly after that."""
    values = draw("normal", np.random.default_rng(4), (4, 1500))
    values[0, 70:] += 10
    values[1, 600:] += 4
    values[1, 700:] -= 8
    values[2, 600:] += 4
    values[2, 805:] += 3
    values[3, ::3] = np.nan
    values[3, 900:] *= 20
    return values


STORY = story()


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(1, 1499), max_size=20), save=st.integers(0, 1500))
def test_any_split_and_reload_is_the_same(cuts: list[int], save: int) -> None:
    """Cut anywhere, saved and loaded once: same alarms, same state, to the last bit."""
    ts, offsets = np.arange(1500.0), np.arange(1500)
    complete, parts = SeriesMonitor(DEFAULT, 4, follow=True), SeriesMonitor(DEFAULT, 4, follow=True)
    expected = complete.scan(STORY, every_row(STORY), ts, offsets)
    assert "warm_up" in {alarm.detector for alarm in expected}
    alarms = []
    for start, stop in pairwise(sorted({0, 1500, save, *cuts})):
        if start == save:
            state = parts.state()
            parts = SeriesMonitor(DEFAULT, follow=True)
            parts.load(state)
        piece = np.ascontiguousarray(STORY[:, start:stop])
        found = parts.scan(piece, every_row(piece), ts[start:stop], offsets[start:stop])
        alarms += [replace(alarm, row=alarm.row + start) for alarm in found]
    assert repr(alarms) == repr(expected)  # dates that are not known differ from themselves
    assert same_state(parts.state(), complete.state())
