"""What is followed over the life of a series: range, frozen feeds, dependence and daily profile."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamproc.detectors import Alarm, SeriesMonitor
from streamproc.detectors.checks import same_state
from streamproc.detectors.errors import StateError
from streamproc.detectors.runtime.slots import every_row

DEFAULT: dict[str, dict[str, object]] = {"mixture": {}, "page_hinkley": {}}
HOUR = 3600.0
WEEKS = 20
LENGTH = WEEKS * 168
Floats = NDArray[np.float64]


def daily(seed: int, hours: int = LENGTH) -> Floats:
    """Draw hourly values with a daily curve, a weekend, and noise that follows its past."""
    rng = np.random.default_rng(seed)
    noise = np.zeros(hours)
    for t, shock in enumerate(rng.normal(size=hours)):
        noise[t] = 0.7 * noise[t - 1] + shock
    hour = np.arange(hours)
    weekend = np.where(hour // 24 % 7 >= 5, 0.7, 1.0)
    return 100 + weekend * 20 * np.sin(2 * np.pi * hour / 24) + 2 * noise


def story() -> Floats:
    """Six series: a season, one with a broken unit, a walk, a frozen one, a hole, a steady one."""
    rng = np.random.default_rng(8)
    values = np.stack([daily(1), daily(2), np.cumsum(rng.normal(size=LENGTH)), *daily(3)[None]])
    values = np.vstack([values, rng.normal(size=(2, LENGTH))])
    values[1, 2000:2600] *= 1000
    values[3, 1500:1600] = values[3, 1500]
    values[4, 40:60] += 1e6
    values[4, ::5] = np.nan
    return np.ascontiguousarray(values)


STORY = story()
TS, OFFSETS = np.arange(LENGTH) * HOUR, np.arange(LENGTH)


def scan(values: Floats, pace: float = HOUR) -> list[Alarm]:
    """Follow the rows of a matrix whose columns come `pace` seconds apart."""
    values = np.ascontiguousarray(np.atleast_2d(values))
    columns = np.arange(values.shape[1])
    watch = SeriesMonitor(DEFAULT, len(values), follow=True)
    return watch.scan(values, every_row(values), columns * pace, columns)


def findings(values: Floats, pace: float = HOUR) -> list[tuple[int, int, str]]:
    """Return column, row and reason of what was found beside the detectors."""
    return [(a.column, a.row, a.reason) for a in scan(values, pace) if a.reason]


def in_pieces(watch: SeriesMonitor, edges: list[int]) -> list[Alarm]:
    """Scan the story in pieces, each on separate arrays."""
    alarms = []
    for start, stop in pairwise(edges):
        piece = np.ascontiguousarray(STORY[:, start:stop])
        part = watch.scan(piece, every_row(piece), TS[start:stop], OFFSETS[start:stop])
        alarms += [replace(alarm, row=alarm.row + start) for alarm in part]
    return alarms


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, LENGTH - 1), max_size=20), save=st.integers(0, LENGTH))
def test_any_split_and_reload_is_the_same(cuts: list[int], save: int) -> None:
    """Cut anywhere, saved and loaded once: same findings, same state, to the last bit."""
    complete, first = (
        SeriesMonitor(DEFAULT, len(STORY), follow=True),
        SeriesMonitor(DEFAULT, len(STORY), follow=True),
    )
    second = SeriesMonitor(DEFAULT, follow=True)
    expected = complete.scan(STORY, every_row(STORY), TS, OFFSETS)
    edges = sorted({0, LENGTH, save, *cuts})
    alarms = in_pieces(first, [edge for edge in edges if edge <= save])
    second.load(first.state())
    alarms += in_pieces(second, [edge for edge in edges if edge >= save])
    assert alarms == expected
    assert {alarm.reason for alarm in expected} >= {"", "range", "frozen"}
    assert same_state(second.state(), complete.state())


def test_a_state_without_it_is_continued() -> None:
    """A state saved before series were followed loads, and they are followed from there on."""
    earlier, watch = SeriesMonitor(DEFAULT, len(STORY)), SeriesMonitor(DEFAULT, follow=True)
    in_pieces(earlier, [0, 1000])
    watch.load(earlier.state())
    assert "range" in {alarm.reason for alarm in in_pieces(watch, [1000, LENGTH])}


def test_a_state_that_does_not_fit_changes_nothing() -> None:
    """A state whose rhythms are not those of its series is refused, and nothing is changed."""
    watch = SeriesMonitor(DEFAULT, len(STORY), follow=True)
    in_pieces(watch, [0, 1000])
    state = watch.state()
    for name, array in state.items():
        broken = state | {name: array[:-1]}
        if name.startswith("follow.rhythm"):
            with pytest.raises(StateError):
                watch.load(broken)
    assert same_state(watch.state(), state)


@pytest.mark.parametrize("at", [31, 60, 150, 210, 260, 400, 1000])
def test_a_broken_unit_is_found_at_once_at_any_moment(at: int) -> None:
    """Values 1,000 times as large are reported within fifty, while a level is learned, too."""
    rng = np.random.default_rng(at)
    values = np.vstack([rng.lognormal(size=(20, 1200)), 10 + rng.normal(size=(20, 1200))])
    values[:, 210:] += np.where(np.arange(40) % 2, 6.0, 0.0)[:, None]
    values[:, at:] *= 1000
    found = {alarm.column for alarm in scan(values, pace=1.0) if at <= alarm.row < at + 50}
    assert len(found) == len(values)


def test_a_broken_unit_in_a_season_is_found_at_once() -> None:
    """A dependent series reports it although its detectors' alarms do not count."""
    for seed in range(5):
        values = daily(seed)
        values[1777:] *= 1000
        hits = [row for _, row, reason in findings(values) if reason == "range" and row >= 1777]
        assert hits
        assert hits[0] < 1777 + 10


def test_two_in_a_hundred_wild_values_are_found() -> None:
    """A code for missing values, in 2 % of a long series, is a finding; no value of it before."""
    rng = np.random.default_rng(5)
    values = rng.gamma(2, 3, size=(10, 40_000))
    wild = values.copy()
    wild[:, 30_000:][rng.random((10, 10_000)) < 0.02] = -999.0
    assert findings(values, pace=1.0) == []
    found = {column for column, row, reason in findings(wild, 1.0) if reason == "range"}
    assert len(found) == 10


@pytest.mark.parametrize("kind", ["normal", "integers", "season", "walk"])
def test_a_frozen_feed_is_found(kind: str) -> None:
    """One value again and again is reported within 100 values, whatever the series is like."""
    rng = np.random.default_rng(3)
    values = {
        "normal": rng.normal(size=3000),
        "integers": rng.poisson(4, size=3000).astype(np.float64),
        "season": np.round(daily(4, 3000)),
        "walk": np.cumsum(rng.normal(size=3000)),
    }[kind]
    values[2000:] = values[2000]
    hits = [row for _, row, reason in findings(values) if reason == "frozen"]
    assert hits
    assert 2000 <= hits[0] < 2100


def independent(count: int, seed: int) -> Floats:
    """Draw series of many shapes whose values are independent."""
    rng = np.random.default_rng(seed)
    return np.vstack(
        [
            rng.normal(size=count),
            rng.lognormal(size=count),
            rng.standard_t(3, size=count),
            rng.pareto(1.5, size=count),
            rng.poisson(0.2, size=count),
            *(rng.random((4, count)) < np.array([[0.01], [0.05], [0.2], [0.93]])),
            np.where(rng.random(count) < 0.93, 0.0, rng.lognormal(3, 0.7, size=count)),
            np.ones(count),
        ]
    )


def test_nothing_is_found_in_independent_values() -> None:
    """In two million independent values of eleven shapes nothing is found, nor a dependence."""
    for seed in range(10):
        alarms = scan(independent(20_000, seed), pace=1.0)
        assert [alarm for alarm in alarms if alarm.reason or alarm.expected] == []


def test_a_season_wakes_hardly_anybody() -> None:
    """What counts in twenty weeks of five series with a daily curve is two findings at most."""
    alarms = [a for seed in range(5) for a in scan(daily(seed)) if a.row >= 10 * 24]
    assert sum(not alarm.expected for alarm in alarms) <= 2


def test_alarms_that_lead_back_and_forth_do_not_count() -> None:
    """Of the alarms of random walks one in five counts at most: those before they recur."""
    walks = np.cumsum(np.random.default_rng(6).normal(size=(5, LENGTH)), axis=1)
    alarms = [alarm for alarm in scan(walks) if alarm.row >= 10 * 24]
    assert len(alarms) > 40
    assert sum(not alarm.expected for alarm in alarms) <= len(alarms) / 5


@pytest.mark.parametrize(
    ("fault", "reasons"),
    [
        ("times 1.5", {"level", "profile", "spread"}),
        ("six hours off", {"level", "profile", "spread", "phase"}),
        ("shuffled", {"level", "profile", "spread"}),
    ],
)
def test_a_fault_in_a_season_is_found(fault: str, reasons: set[str]) -> None:
    """What breaks the daily curve is found within a week, in each of five series."""
    at = 14 * 168 + 5
    for seed in range(5):
        values, rng = daily(seed), np.random.default_rng(seed)
        values[at:] = {
            "times 1.5": 1.5 * values[at:],
            "six hours off": np.roll(values, 6)[at:],
            "shuffled": rng.permutation(values[at:]),
        }[fault]
        found = {why for _, row, why in findings(values) if at <= row < at + 168}
        assert found & reasons, seed


def test_findings_do_not_depend_on_the_unit() -> None:
    """Times 10⁻⁶ or 10⁶: the same findings at the same rows."""
    expected = findings(STORY)
    assert expected
    for factor in (1e-6, 1e6):
        assert findings(STORY * factor) == expected


def test_a_series_without_a_season_costs_little() -> None:
    """A fast independent series takes 250 bytes more; a season's profile 2.2 kB."""
    values = np.random.default_rng(1).normal(size=(1000, 400))
    sizes = []
    for follow in (False, True):
        watch = SeriesMonitor(DEFAULT, len(values), follow=follow)
        watch.scan_all(values)
        sizes.append(watch.nbytes())
    assert sizes[1] - sizes[0] <= 250 * len(values)
    slow = SeriesMonitor(DEFAULT, len(values), follow=True)
    columns = np.arange(values.shape[1])
    slow.scan(values, every_row(values), columns * HOUR, columns)
    assert slow.nbytes() - sizes[1] <= 1.1 * 2200 * len(values)
