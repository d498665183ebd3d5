"""A season that is set by hand: `daily` and `off`."""

from typing import Any

import numpy as np
import pytest

from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series.alarm import Alarm
from streamproc.detectors.series_monitor import SeriesMonitor

DAY = 2000
"""Values a day."""
PACE = 86400.0 / DAY
SERIES = 6


def day_curves(days: float, seed: int = 2) -> np.ndarray:
    """Draw series that follow the hours of the day, by one deviation of their noise."""
    rng = np.random.default_rng(seed)
    part = np.arange(int(days * DAY)) / DAY + rng.random((SERIES, 1))
    values = np.sin(2 * np.pi * part) + rng.normal(size=(SERIES, int(days * DAY)))
    return np.ascontiguousarray(values)


def monitor(season: Any = "learned") -> SeriesMonitor:
    """Make a watch with the default detectors."""
    return SeriesMonitor({"mixture": {}, "page_hinkley": {}}, SERIES, follow=True, season=season)


def scanned(watch: SeriesMonitor, values: np.ndarray, start: int = 0) -> list[Alarm]:
    """Feed a stretch of values, and return the alarms that count."""
    columns = np.arange(start, start + values.shape[1])
    alarms = watch.scan(np.ascontiguousarray(values), every_row(values), PACE * columns, columns)
    return [alarm for alarm in alarms if not alarm.expected]


def test_a_day_curve_that_is_known_raises_no_alarm_in_its_first_days() -> None:
    """The first turns of the day alarm until a season is learned, but not where it is set."""
    values = day_curves(2.5)

    assert len(scanned(monitor(), values)) >= SERIES
    assert scanned(monitor("daily"), values) == []


def test_a_shift_on_a_known_day_curve_is_found_in_its_third_day() -> None:
    """A level that rises by a deviation two days and a half after the first value is found."""
    values = day_curves(5)
    change = int(2.5 * DAY)
    values[:, change:] += 1.0

    found = scanned(monitor("daily"), values)

    assert {alarm.slot for alarm in found if change <= alarm.row < change + DAY} == {*range(SERIES)}
    assert all(alarm.row >= change for alarm in found)


def test_without_a_season_every_alarm_counts() -> None:
    """With `off` a series that alarms at each turn of the day is never judged by a profile."""
    values = day_curves(6)

    alarms = scanned(monitor("off"), values)

    assert len(alarms) > 2 * len(scanned(monitor(), values))
    assert {alarm.reason for alarm in alarms} == {""}


def test_without_a_season_hourly_series_hold_no_profile() -> None:
    """What is never compared with a profile costs no memory for one."""
    hourly, columns = day_curves(0.1), np.arange(200)
    held = {}
    for season in ("learned", "off"):
        watch = monitor(season)
        watch.scan(hourly, every_row(hourly), 3600.0 * columns, columns)
        held[season] = watch.state()["follow.gross.retained"].all()

    assert held == {"learned": True, "off": False}


@pytest.mark.parametrize("season", ["daily", "off"])
def test_values_far_outside_of_the_range_and_frozen_ones_are_found(season: str) -> None:
    """Another unit and a feed that is stuck are found in the first day, whatever the season."""
    values = day_curves(1)
    values[:3, 1500:] *= 1000
    values[3:, 1500:] = values[3:, 1500:1501]

    found = scanned(monitor(season), values)

    soon = [alarm for alarm in found if 1500 <= alarm.row < 1600]
    assert {alarm.slot for alarm in soon} == {*range(SERIES)}
    assert {alarm.slot for alarm in soon if alarm.reason == "frozen"} == {3, 4, 5}
    if season == "daily":  # else a detector has reported it
        assert {alarm.slot for alarm in soon if alarm.reason == "range"} == {0, 1, 2}


@pytest.mark.parametrize("season", ["daily", "off"])
def test_it_continues_from_its_state_at_any_cut(season: str) -> None:
    """Saved and loaded in the middle, and cut anywhere, the alarms and the state are the same."""
    values = day_curves(4)
    values[:, 3 * DAY :] += 1.5
    uncut = monitor(season)
    expected = scanned(uncut, values)

    for cut in (1, 40, 777, 3 * DAY + 9):
        first, second = monitor(season), monitor(season)
        before = scanned(first, values[:, :cut])
        second.load(first.state())
        after = scanned(second, values[:, cut:], cut)
        assert [alarm.row for alarm in before] + [alarm.row + cut for alarm in after] == [
            alarm.row for alarm in expected
        ]
        state = second.state()
        for name, array in uncut.state().items():
            assert array.tobytes() == state[name].tobytes(), name


def test_a_slot_that_is_used_again_has_the_season_from_its_first_value_on() -> None:
    """A series in the slot of another is compared with its own profile."""
    watch = monitor("daily")
    scanned(watch, day_curves(3))
    watch.reset(np.arange(SERIES))

    assert scanned(watch, 100 + 20 * day_curves(2.5, seed=5)) == []
