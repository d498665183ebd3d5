"""Series whose hours differ from one day of the week to another."""

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors import Alarm, SeriesMonitor
from streamproc.detectors.runtime.slots import every_row

DEFAULT: dict[str, dict[str, object]] = {"mixture": {}, "page_hinkley": {}}
WEEKS, SERIES = 9, 20
AT = 7 * 168 + 60
"""Hour at which a level changes."""
Floats = NDArray[np.float64]


def office_hours(seed: int) -> Floats:
    """Draw hours that are busy on five days a week, with noise that follows itself."""
    rng = np.random.default_rng(seed)
    hours = np.arange(WEEKS * 168)
    noise = rng.normal(size=(SERIES, len(hours)))
    for t in range(1, len(hours)):
        noise[:, t] += 0.6 * noise[:, t - 1]
    weekday = np.where(hours // 24 % 7 < 5, 1.0, 0.3)
    return np.asarray(60 + 30 * weekday * np.sin(2 * np.pi * hours / 24) + 12 * weekday + 4 * noise)


def found(watch: SeriesMonitor, values: Floats, start: int = 0) -> list[Alarm]:
    """Return what is found of a profile."""
    rows = np.arange(start, start + values.shape[1])
    ts: Floats = 3600.0 * rows.astype(np.float64)
    alarms = watch.scan(np.ascontiguousarray(values), every_row(values), ts, rows)
    return [alarm for alarm in alarms if alarm.reason in {"level", "profile", "spread", "phase"}]


def test_a_change_is_found_beside_weekends() -> None:
    """A fall by 13, of days that reach 100, is found within a week in 33 of 40 series."""
    values = np.vstack([office_hours(1), office_hours(2)])
    values[:, AT:] -= 13.0
    watch = SeriesMonitor(DEFAULT, len(values), follow=True)

    alarms = found(watch, values)

    assert len([alarm for alarm in alarms if alarm.row < AT]) <= 1
    assert len({alarm.slot for alarm in alarms if AT <= alarm.row < AT + 168}) >= 33


def test_a_state_that_did_not_compare_weeks_is_continued() -> None:
    """A state of a version without it loads, and a change two weeks later is found."""
    values = office_hours(3)
    values[:, AT:] -= 15.0
    half = 5 * 168
    first, second = (SeriesMonitor(DEFAULT, size, follow=True) for size in (SERIES, 0))
    found(first, values[:, :half])
    added = ("weekly_n", "weekly_products", "weekly_squares")
    state = {name: each for name, each in first.state().items() if not name.endswith(added)}
    assert len(state) == len(first.state()) - len(added)

    second.load(state)
    alarms = found(second, values[:, half:], half)

    hits = {alarm.slot for alarm in alarms if AT <= alarm.row + half < AT + 168}
    assert len(hits) >= 18
