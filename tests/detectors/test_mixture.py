"""The mixture against its definition, and what it promises beyond the mean."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import Mixture, MixtureBank
from streamproc.detectors.errors import StateError

Values = NDArray[np.float64]
SIZES = ((0.0, 0.15, 0.45), (0.4, 0.15, 0.5), (1.0, 0.3, 0.05))


def _borders(count: int) -> list[int]:
    """Sizes of the buckets after so many values, newest first: five of a size become four."""
    rows: list[list[int]] = [[]]
    for _ in range(count):
        carried, r = 1, 0
        while carried:
            rows += [[]] if r == len(rows) else []
            rows[r].append(carried)
            carried = rows[r].pop(0) + rows[r].pop(0) if len(rows[r]) > 4 else 0
            r += 1
    return [size for row in rows for size in reversed(row)]


def _by_definition(values: Values) -> float:
    """Sum over the borders, each ratio from the means on both its sides."""
    n = len(values)
    apart = values - values.mean()
    deviation = math.sqrt((float((apart**2).sum()) + 20) / (n + 20))
    skew = float((apart**3).mean()) / deviation**3
    skew = skew**3 / (skew**2 + 1)
    total, after = 0.0, 0
    for size in _borders(n):
        after += size
        if after == n:
            break
        v = 1 / after + 1 / (n - after)
        gain = 0.0
        for part in (apart[n - after :], apart[: n - after]):
            u = skew * float(part.mean()) / deviation
            gain += len(part) * ((1 + u) * math.log1p(u) - u if u > -1 else 1.0) / skew**2
        z = math.sqrt(2 * gain * v)
        for mean, spread, weight in SIZES:
            width = v + spread**2
            power = gain - (z - mean) ** 2 / (2 * width)
            total += size * weight * math.sqrt(v / width) * math.exp(power)
    return math.log(max(total, 1.0))


@pytest.mark.parametrize("length", [31, 100, 350])
def test_the_statistic_is_the_summed_likelihood_ratio_of_all_places(length: int) -> None:
    """What a detector tells as its statistic is the sum of its documentation, to rounding."""
    rng = np.random.default_rng(length)
    values = rng.exponential(1.0, length).clip(0.0, 2.0) - 1.0
    values[-15:] += 1.0
    detector = Mixture(threshold=2.0, spread=0.0, warmup=length)
    for value in values:
        detector.update(float(value))
    assert detector.statistic > 3.0
    assert detector.statistic == pytest.approx(_by_definition(values), rel=1e-3)


def test_a_wider_spread_with_the_same_mean_is_found() -> None:
    """A sensor that becomes twice as noisy alarms soon, and not if the spread has no share."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=(50, 2000))
    values[:, 1000:] *= 2.0
    found = MixtureBank(50, threshold=1e6).update(values)
    assert not found[:, :1000].any()
    assert found[:, 1000:1150].any(axis=1).mean() > 0.9
    blind = MixtureBank(50, threshold=1e6, spread=0.0).update(values)
    assert blind[:, 1000:1150].any(axis=1).mean() < 0.5


def test_a_direction_that_is_not_asked_for_never_alarms() -> None:
    """With `mode` up a fall of the mean is no alarm, with `down` a rise is none."""
    values = np.random.default_rng(8).normal(size=(1, 1000))
    values[:, 500:] += 1.0
    for mode, sign, alarms in (("up", 1.0, True), ("up", -1.0, False), ("down", -1.0, True)):
        found = MixtureBank(1, threshold=1e4, mode=mode).update(sign * values)
        assert found[:, 500:].any() == alarms


def test_runs_without_a_change_last_as_long_as_the_threshold() -> None:
    """On normal values false alarms are about as many values apart as the threshold says."""
    values = np.random.default_rng(21).normal(size=(200, 10_000))
    alarms = MixtureBank(200, threshold=5000.0).update(values).sum()
    assert 2500.0 < values.size / alarms < 10_000.0


def test_a_rare_event_is_no_change() -> None:
    """Events that come once in a hundred values hardly alarm, though the first one is new."""
    rng = np.random.default_rng(13)
    events = (rng.random((200, 5000)) < 0.01) * 4.0
    assert MixtureBank(200, threshold=1e6).update(events).sum() < 10


def test_a_state_with_impossible_buckets_is_refused() -> None:
    """A state whose counts would lead the loop out of its buckets is refused by name."""
    bank = MixtureBank(1)
    state = bank.state()
    state["counts"][0, 0] = 5
    with pytest.raises(StateError, match="counts"):
        bank.load(state)


def test_a_young_series_takes_less_memory_than_an_old_one() -> None:
    """Some 400 bytes for 500 values, and 700 at the end: most of many series are young."""
    bank = MixtureBank(100)
    values = np.random.default_rng(2).normal(size=(100, 500))
    bank.update(values)
    assert bank.nbytes() <= 400 * 100
    bank.update(np.tile(values, 100))
    assert bank.nbytes() <= 700 * 100


@pytest.mark.parametrize("seen", [10, 509, 510, 3000])
def test_a_series_goes_on_after_a_restart_however_many_values_it_has_seen(seen: int) -> None:
    """State written by a bank of any age gives the same alarms and the same state."""
    values = np.random.default_rng(3).normal(size=(3, seen + 1200))
    values[1, seen + 100 :] += 1.0
    through, begun, resumed = (MixtureBank(size) for size in (3, 3, 0))
    expected = through.update(values)[:, seen:]
    begun.update(values[:, :seen])
    resumed.load(begun.state())
    np.testing.assert_array_equal(resumed.update(values[:, seen:]), expected)
    left, right = through.state(), resumed.state()
    assert left.keys() == right.keys()
    for name, array in left.items():
        np.testing.assert_array_equal(array, right[name], err_msg=name)


def test_a_state_with_more_values_in_buckets_than_were_seen_is_refused() -> None:
    """Its rows would end before its values do."""
    bank = MixtureBank(1)
    bank.update(np.zeros((1, 600)))
    state = bank.state()
    state["n"][:] = 3.0
    with pytest.raises(StateError, match="holds more values"):
        MixtureBank(0).load(state)
