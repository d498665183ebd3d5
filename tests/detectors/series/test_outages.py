"""Hours in which a source is away, as zeros and ones."""

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors import SeriesMonitor
from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series.change_points import Change

DEFAULT: dict[str, dict[str, object]] = {"mixture": {}, "page_hinkley": {}}
HOUR = 3600.0
DAYS = 300
Floats = NDArray[np.float64]


def outages(seed: int) -> Floats:
    """Draw 4 to 16 missing hours every four days; from day 100 to day 250 nothing is missing."""
    rng = np.random.default_rng(seed)
    values = np.zeros(DAYS * 24)
    for day in range(0, DAYS, 4):
        if not 100 <= day < 250:
            start = day * 24 + rng.integers(48)
            values[start : start + rng.integers(4, 17)] = 1.0
    return values


def found(values: Floats) -> set[int]:
    """Return the days on which more is missing than is usual, by five points at least."""
    watch = SeriesMonitor(DEFAULT, 1, follow=True)
    columns = np.arange(len(values))
    alarms = watch.scan(values[None], every_row(values[None]), columns * HOUR, columns)
    changes = [(alarm.row // 24, alarm.change) for alarm in alarms if alarm.reason == "level"]
    return {
        day
        for day, change in changes
        if isinstance(change, Change) and change.after.mean > change.before.mean + 0.05
    }


def test_outages_as_long_as_those_before_are_no_news_after_a_quiet_time() -> None:
    """Twenty sources had outages, and then none for five months: of the next 240 five are found."""
    days = [day for seed in range(20) for day in found(outages(seed)) if day >= 250]
    assert len(days) <= 5


def test_a_longer_outage_is_a_finding() -> None:
    """One of four days, after some of hours, is found in 17 of 20 sources."""
    reported = 0
    for seed in range(20):
        values = outages(seed)
        values[150 * 24 : 154 * 24] = 1.0
        reported += bool(found(values) & set(range(150, 156)))
    assert reported >= 17


def test_the_end_of_an_outage_is_no_finding() -> None:
    """What is found of an outage is found while values are missing, not when they are back."""
    for seed in range(20):
        values = outages(seed)
        values[150 * 24 : 154 * 24] = 1.0
        watch = SeriesMonitor(DEFAULT, 1, follow=True)
        columns = np.arange(len(values))
        alarms = watch.scan(values[None], every_row(values[None]), columns * HOUR, columns)
        levels = [alarm.row for alarm in alarms if alarm.reason == "level"]
        assert all(values[row] == 1.0 for row in levels), seed
