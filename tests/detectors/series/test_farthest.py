"""How far beyond the farthest before a statistic of a followed series may go."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import Alarm, SeriesMonitor
from streamproc.detectors.runtime.slots import every_row

DEFAULT: dict[str, dict[str, object]] = {"mixture": {}, "page_hinkley": {}}
HOUR = 3600.0
WEEKS = 16
AT = 12 * 168 + 5
"""Hour at which a change begins."""
Floats = NDArray[np.float64]


def load(seed: int, follows: float) -> Floats:
    """Draw hours of a load: a curve over the day, and normal noise that follows itself."""
    rng = np.random.default_rng(seed)
    hours = np.arange(WEEKS * 168)
    noise = np.zeros(len(hours))
    for t, shock in enumerate(rng.normal(scale=np.sqrt(1 - follows**2), size=len(hours))):
        noise[t] = follows * noise[t - 1] + shock
    return np.asarray(20 + 3 * np.sin(2 * np.pi * hours / 24) + noise)


def amounts(seed: int) -> Floats:
    """Draw hours of amounts: four times as many by day as by night, and half of it by chance."""
    rng = np.random.default_rng(seed)
    hours = np.arange(WEEKS * 168)
    usual = 50 - 30 * np.cos(2 * np.pi * hours / 24)
    return np.asarray(usual * rng.gamma(4.0, 0.25, size=len(hours)))


def uneven(seed: int) -> Floats:
    """Draw hours of amounts whose days are larger and smaller, too, by a fifth."""
    days = np.random.default_rng(100 + seed).gamma(30, 1 / 30, size=WEEKS * 7)
    return np.asarray(amounts(seed) * np.repeat(days, 24))


def findings(rows: list[Floats]) -> list[Alarm]:
    """Follow some series, and return what is found once their profiles are known."""
    values = np.ascontiguousarray(np.stack(rows))
    watch = SeriesMonitor(DEFAULT, len(values), follow=True)
    columns = np.arange(values.shape[1])
    alarms = watch.scan(values, every_row(values), columns * HOUR, columns)
    return [alarm for alarm in alarms if alarm.reason and alarm.row >= 28 * 24]


@pytest.mark.parametrize("follows", [0.5, 0.8, 0.95])
def test_normal_noise_that_follows_itself_is_seldom_found(follows: float) -> None:
    """Forty series that change in nothing have five findings at most in twelve weeks."""
    assert len(findings([load(seed, follows) for seed in range(40)])) <= 5


def test_a_lasting_change_of_an_amount_is_found() -> None:
    """Of twenty series of amounts that grow by half sixteen are found in a week, and one other."""
    rows = [amounts(seed) for seed in range(20)]
    for row in rows:
        row[AT:] *= 1.5
    found = findings(rows)
    assert len([alarm for alarm in found if alarm.row < AT]) <= 1
    assert len({alarm.column for alarm in found if alarm.row < AT + 168}) >= 16


def test_an_amount_that_halves_is_found_where_days_differ() -> None:
    """Of twenty series whose days differ ten are found within a week; by their level alone, two."""
    rows = [uneven(seed) for seed in range(20)]
    for row in rows:
        row[AT:] /= 2
    found = {alarm.column for alarm in findings(rows) if AT <= alarm.row < AT + 168}
    assert len(found) >= 10


def test_a_finding_says_the_limit_that_it_passed() -> None:
    """The statistic of a finding is beyond its threshold, both in multiples of the farthest."""
    rows = [amounts(seed) for seed in range(5)]
    for row in rows:
        row[AT:] *= 2
    found = [alarm for alarm in findings(rows) if alarm.reason == "level"]
    assert found
    for alarm in found:
        assert alarm.statistic > alarm.threshold >= 1.25


def test_a_state_without_the_spread_of_blocks_has_the_widest_limits() -> None:
    """Series restored from an earlier version's state find nothing where nothing changes."""
    values = np.stack([load(seed, 0.8) for seed in range(10)])
    columns = np.arange(values.shape[1])
    first, second = (SeriesMonitor(DEFAULT, size, follow=True) for size in (len(values), 0))
    half = 8 * 168
    part = np.ascontiguousarray(values[:, :half])
    first.scan(part, every_row(part), columns[:half] * HOUR, columns[:half])
    state = {}
    for name, array in first.state().items():
        field = name.removeprefix("follow.rhythm.")
        if field in {"statistics", "filled", "compared", "blocks"}:
            state[name] = array[:, :8].copy()
        elif field == "marks":
            state[name] = array[:, :8, :8].copy()
        elif field not in {"limit", "off", "total", "lowest"}:
            state[name] = array
    second.load(state)
    part = np.ascontiguousarray(values[:, half:])
    alarms = second.scan(part, every_row(part), columns[half:] * HOUR, columns[half:])
    assert not [alarm for alarm in alarms if alarm.reason]
