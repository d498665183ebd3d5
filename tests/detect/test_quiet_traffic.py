"""Quiet traffic of many shapes: no model is silent, and none sends an unusual volume."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detect.arrival_columns import (
    COLUMNS,
    CURRENT,
    FIELDS,
    FIGURES,
    FIRST,
    MEMBER,
    RECENT,
    SEEN,
    SILENCE,
    START,
    TAINTED,
    VOLUME_HIGH,
    VOLUME_LOW,
    WHAT,
)
from streamproc.detect.arrivals_kernel import advance
from streamproc.detect.rhythm_kernel import WEEK

Floats = NDArray[np.float64]
Rate = Callable[[Floats], Floats]
MONDAY, HOUR, DAY = 1_767_571_200.0, 3600.0, 86_400.0
ACCEPT_AFTER = 7 * 1440
BEGINS = {SILENCE, VOLUME_LOW, VOLUME_HIGH}


def by_day(t: Floats) -> Floats:
    """Return a day curve with half of the traffic at the weekend."""
    hours, days = (t / DAY) % 1, (t // DAY) % 7
    return (1 + 0.8 * np.sin(2 * np.pi * (hours - 0.3))) / 1.8 * np.where(days >= 5, 0.5, 1.0)


def flat(t: Floats) -> Floats:
    """Return the same rate at any time."""
    return np.ones_like(t)


def office(t: Floats) -> Floats:
    """Return working hours from Monday to Friday."""
    hours, days = (t / HOUR) % 24, (t // DAY) % 7
    return ((hours >= 8) & (hours < 18) & (days < 5)).astype(float)


def traffic(draw: np.random.Generator, weeks: int) -> dict[str, Floats]:
    """Draw the times of events of models, in seconds after a Monday."""
    span = 7 * weeks * DAY
    factors = np.exp(0.3 * draw.normal(size=7 * weeks))

    def poisson(rate: Rate, highest: float) -> Floats:
        times = draw.random(draw.poisson(highest * span)) * span
        return times[draw.random(len(times)) < rate(times)]

    def clusters(starts: Floats, size: int, length: float) -> Floats:
        return (starts[:, None] + draw.random((len(starts), size)) * length).ravel()

    return {
        "by day": poisson(by_day, 0.2),
        "a minute": poisson(by_day, 1 / 60),
        "an hour": poisson(flat, 1 / HOUR),
        "three a day": poisson(flat, 3 / DAY),
        "office": poisson(office, 0.1),
        "markets": poisson(lambda t: ((t // DAY) % 7 < 5).astype(float), 0.05),
        "days that differ": poisson(lambda t: by_day(t) * factors[(t // DAY).astype(int)] / 3, 0.3),
        "sessions": clusters(poisson(by_day, 6 / HOUR), 20, 600.0),
        "bursts": clusters(poisson(flat, 1 / HOUR), 100, 20.0),
        "daily batch": clusters(np.arange(7 * weeks) * DAY + 2 * HOUR, 1000, 1800.0),
        "weekly batch": clusters(np.arange(weeks) * 7 * DAY + DAY, 1000, HOUR),
        "every hour": np.arange(0, span, HOUR) + draw.random(int(span // HOUR)) * 60,
    }


def begun(models: dict[str, Floats]) -> list[tuple[str, float]]:
    """Return the models that were reported, and after how many days."""
    names, count = list(models), len(models)
    times = np.concatenate(list(models.values()))
    members = np.repeat(np.arange(count), [len(each) for each in models.values()])
    order = np.argsort(times, kind="stable")
    events = members[order], np.arange(len(times)), MONDAY + times[order]
    clock, rows = np.zeros(FIELDS), np.zeros((count, COLUMNS))
    clock[START], clock[[CURRENT, RECENT]] = -np.inf, -1
    rows[:, [FIRST, SEEN, TAINTED]] = -1
    low, usual = (np.full((count, WEEK), -1, np.float32) for _ in range(2))
    settings = np.tile([0.0, 1.0], (count, 1))
    table = rows, np.zeros(count, np.int64), low, usual, settings
    reported, at, found = [], 0, np.zeros((3 * count, FIGURES))
    while at < len(times):
        at, several = advance(at, events, clock, table, ACCEPT_AFTER, found)
        days = times[order[at - 1]] / DAY
        reported += [
            (names[int(row[MEMBER])], days) for row in found[:several] if int(row[WHAT]) in BEGINS
        ]
    return reported


def test_quiet_traffic_is_not_reported() -> None:
    """Nights, weekends, sessions, bursts and batches page nobody in three weeks."""
    assert begun(traffic(np.random.default_rng(1), 3)) == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 10))
def test_quiet_traffic_is_not_reported_for_long(seed: int) -> None:
    """The same in 576 model-weeks."""
    assert begun(traffic(np.random.default_rng(seed), 6)) == []


def test_each_steady_model_of_quiet_traffic_is_missed() -> None:
    """If any of the models with an event in two minutes or more stops, it is reported in a day."""
    models = traffic(np.random.default_rng(1), 3)
    stops = 16.5 * DAY
    for name in ("by day", "a minute", "office", "markets", "days that differ", "sessions"):
        stopped = models | {name: models[name][models[name] < stops]}
        (first, days), *_ = begun(stopped)
        assert first == name
        assert 0 < days - 16.5 < 1
