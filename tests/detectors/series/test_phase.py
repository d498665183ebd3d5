"""Series that follow their daily profile some hours early or late."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import Alarm, SeriesMonitor
from streamproc.detectors.runtime.slots import every_row

DEFAULT: dict[str, dict[str, object]] = {"mixture": {}, "page_hinkley": {}}
HOUR = 3600.0
WEEKS = 16
AT = 9 * 168 + 5
"""Hour at which a clock goes wrong."""
Floats = NDArray[np.float64]
ADDED = ("hourly", "hours", "shift", "sums", "limit", "off", "total", "lowest")
"""How the fields begin that are not in the state of a version without it."""


def weather(seed: int, scale: float = 0.45) -> Floats:
    """Draw hours whose weather strays as far as the day's curve goes."""
    rng = np.random.default_rng(seed)
    hours = np.arange(WEEKS * 168)
    noise = np.zeros(len(hours))
    for t, shock in enumerate(rng.normal(scale=scale, size=len(hours))):
        noise[t] = 0.99 * noise[t - 1] + shock
    day = 2 * np.pi * hours / 24
    return np.asarray(15 + 3 * np.sin(day) + 0.8 * np.sin(2 * day + 1) + noise)


def off(values: Floats, hours: int) -> Floats:
    """Let the values from `AT` on come some hours late, or early if negative."""
    moved = values.copy()
    moved[AT:] = np.roll(values, hours)[AT:]
    return moved


def scan(rows: list[Floats], per_hour: int = 1) -> list[Alarm]:
    """Follow some series, and return what is found about their hours."""
    values = np.ascontiguousarray(np.repeat(np.stack(rows), per_hour, axis=1))
    watch = SeriesMonitor(DEFAULT, len(values), follow=True)
    columns = np.arange(values.shape[1])
    alarms = watch.scan(values, every_row(values), columns * HOUR / per_hour, columns)
    return [alarm for alarm in alarms if alarm.reason == "phase"]


@pytest.mark.parametrize("hours", [6, -5, 3, 10])
def test_a_clock_that_is_wrong_is_found_and_by_how_much(hours: int) -> None:
    """Of ten series eight are found within a week, and the finding says the hours to within one."""
    found = [a for a in scan([off(weather(seed), hours) for seed in range(10)]) if a.row >= AT]
    first = {a.column: a for a in reversed(found) if a.row < AT + 168}
    assert len(first) >= 8
    assert all(abs(a.hours - hours) <= 1 for a in first.values())


def test_a_clock_is_checked_by_the_hour_at_any_pace() -> None:
    """Six values an hour, in steps as the profile is: of five series four are found in a week."""
    alarms = scan([off(weather(seed), 6) for seed in range(5)], per_hour=6)
    found = {alarm.column for alarm in alarms if 6 * AT <= alarm.row < 6 * (AT + 168)}
    assert len(found) >= 4


def test_summer_time_is_no_finding() -> None:
    """A shift of one hour is daylight saving time, and of ten series none is reported."""
    assert scan([off(weather(seed, 0.15), 1) for seed in range(10)]) == []


def test_days_off_are_no_finding() -> None:
    """In twenty series, of which some days have no curve at all, nothing is found of the clock."""
    rng = np.random.default_rng(3)
    rows = []
    for seed in range(20):
        values = weather(seed).reshape(-1, 24)
        for day in rng.choice(len(values), size=5, replace=False):
            values[day] = values[day].mean()
        rows.append(values.ravel())
    assert scan(rows) == []


def test_a_state_of_before_loads() -> None:
    """A state without shifted hours loads, and a clock that goes wrong six weeks later is found."""
    values = np.stack([off(weather(seed), 6) for seed in range(5)])
    ts, columns = np.arange(values.shape[1]) * HOUR, np.arange(values.shape[1])
    first, second = (SeriesMonitor(DEFAULT, size, follow=True) for size in (len(values), 0))
    half = 3 * 168
    part = np.ascontiguousarray(values[:, :half])
    first.scan(part, every_row(part), ts[:half], columns[:half])
    state = {}
    for name, array in first.state().items():
        field = name.removeprefix("follow.rhythm.")
        if field in {name, "hour"}:
            state[name] = array
        elif field in {"statistics", "filled", "compared", "blocks"}:
            state[name] = array[:, :7].copy()
        elif field == "marks":
            state[name] = array[:, :7, :8].copy()
        elif not field.startswith(ADDED):
            state[name] = array
    assert len(state) < len(first.state())
    second.load(state)
    part = np.ascontiguousarray(values[:, half:])
    alarms = second.scan(part, every_row(part), ts[half:], columns[half:])
    found = [a for a in alarms if a.reason and AT <= a.row + half < AT + 168]
    assert {a.column for a in found} == set(range(5))
    assert 6 in {a.hours for a in found}
