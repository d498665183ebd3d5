"""FOCuS against a brute-force maximisation, and against another implementation's alarms."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamproc.detectors import FOCuS, FOCuSBank
from streamproc.detectors.errors import ParameterError, StateError

Values = NDArray[np.float64]


def _xlogy(x: Values, y: Values) -> Values:
    return np.where(x > 0, x * np.log(np.where(x > 0, y, 1.0)), 0.0)


def _best(total: Values, count: Values, family: str, shape: float) -> Values:
    """Log-likelihood at the best mean, up to what depends on neither sum nor mean."""
    mean = total / count
    if family == "gaussian":
        return 0.5 * total * mean
    if family == "bernoulli":
        return _xlogy(total, mean) + _xlogy(count - total, 1.0 - mean)
    if family == "poisson":
        return _xlogy(total, mean) - total
    return -shape * count * (np.log(mean) + 1.0)


def _at(total: Values, count: Values, mean: float, family: str, shape: float) -> Values:
    if family == "gaussian":
        return mean * total - 0.5 * count * mean**2
    if family == "bernoulli":
        return total * np.log(mean) + (count - total) * np.log(1.0 - mean)
    if family == "poisson":
        return total * np.log(mean) - count * mean
    return -shape * (count * np.log(mean) + total / mean)


def _brute(values: Values, params: dict[str, Any], level: float | None, sign: int) -> list[float]:
    """Statistic after each value: all places tried, rises (1), falls (-1) or both (0)."""
    family, shape = params["family"], params.get("shape", 1.0)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    results = []
    for n in range(1, len(values) + 1):
        since = np.arange(0 if level is not None else 1, n)
        before, after, count = sums[since], sums[n] - sums[since], (n - since).astype(float)
        gains = _best(after, count, family, shape)
        if level is not None:
            gains = gains - _at(after, count, level, family, shape)
            rises = after / count - level
        else:
            gains = gains + _best(before, since.astype(float), family, shape)
            gains = gains - _best(sums[n : n + 1], np.array([float(n)]), family, shape)
            rises = after / count - before / since
        keep = gains if sign == 0 else gains[rises * sign > 0]
        results.append(max(0.0, float(keep.max(initial=0.0))))
    return results


def _stream(family: str, rng: np.random.Generator, n: int) -> Values:
    """Values of the family whose mean changes twice."""
    factor = np.repeat([1.0, 1.4, 0.8], n // 3)
    if family == "gaussian":
        return rng.normal(factor, 1.0)
    if family == "bernoulli":
        return (rng.random(len(factor)) < 0.3 * factor).astype(np.float64)
    if family == "poisson":
        return rng.poisson(2.0 * factor).astype(np.float64)
    return rng.gamma(2.0, factor)


LEVELS = {"gaussian": 1.0, "bernoulli": 0.3, "poisson": 2.0, "gamma": 2.0}


@pytest.mark.parametrize("mode", ["both", "up", "down"])
@pytest.mark.parametrize("before", ["unknown", "known"])
@pytest.mark.parametrize("family", LEVELS)
def test_the_statistic_is_the_maximum_over_all_places(family: str, before: str, mode: str) -> None:
    """After every value the statistic equals a maximisation over every place of a change."""
    values = _stream(family, np.random.default_rng(5), 450)
    level = LEVELS[family]
    params: dict[str, Any] = {"family": family, "shape": 2.0}
    sign = {"both": 0, "up": 1, "down": -1}[mode]
    expected = _brute(values, params, level if before == "known" else None, sign)
    detector = FOCuS(threshold=1e9, before=before, level=level, mode=mode, **params)
    found = []
    for value in values:
        detector.update(float(value))
        found.append(detector.statistic)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("before", ["unknown", "known"])
@pytest.mark.parametrize("family", LEVELS)
def test_it_alarms_at_the_first_value_that_passes(family: str, before: str) -> None:
    """No value is passed over because a bound spared the look at the places of a change."""
    for seed in range(20):
        values = _stream(family, np.random.default_rng(seed), 900)
        level = LEVELS[family] if before == "known" else None
        expected = np.array(_brute(values, {"family": family, "shape": 2.0}, level, 0))
        threshold = float(expected.max()) * 0.8
        bank = FOCuSBank(
            1,
            threshold=threshold,
            family=family,
            before=before,
            level=LEVELS[family],
            shape=2.0,
        )
        hits = bank.scan(values[None], np.array([[0, 0, len(values), 0]]))
        assert hits.row[0] == np.flatnonzero(expected > threshold)[0]
        assert hits.statistic[0] == pytest.approx(expected[hits.row[0]], rel=1e-9)
        assert hits.threshold[0] == threshold


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=60), st.sampled_from(["up", "down"]))
def test_ties_and_plateaus_lose_no_maximum(values: list[int], mode: str) -> None:
    """Equal values, straight stretches and corners in line change nothing of that."""
    series = np.array(values, np.float64)
    detector = FOCuS(threshold=1e9, mode=mode)
    for value in series:
        detector.update(float(value))
    expected = _brute(series, {"family": "gaussian"}, None, 1 if mode == "up" else -1)[-1]
    assert detector.statistic == pytest.approx(expected, rel=1e-9, abs=1e-9)


def _golden(family: str) -> Values:
    rng = np.random.default_rng(2023)
    if family == "gaussian":
        return np.concatenate([rng.normal(m, 1, 1500) for m in (0, 0.5, -0.5, 2.5, 2.2)])
    if family == "bernoulli":
        return (rng.random(7500) < np.repeat([0.2, 0.3, 0.1, 0.5, 0.45], 1500)).astype(float)
    if family == "poisson":
        return rng.poisson(np.repeat([2, 2.5, 1.5, 6, 5.5], 1500)).astype(float)
    return rng.gamma(2.0, np.repeat([1, 1.3, 0.8, 3, 2.7], 1500))


# First alarms at a threshold of 15, started afresh after each, and their number, by
# changepoint-online 1.2.1 from PyPI (Focus with Gaussian(), Bernoulli(), Poisson(), Gamma(shape=2),
# and the same with loc=0, p=.2, lam=2, scale=1) on numpy 2.4.6.
GOLDEN = {
    ("gaussian", "unknown"): ([1687, 3020, 4501, 6284], 4),
    ("gaussian", "known"): ([1679, 1770, 1837, 1906, 2043, 2111, 2166, 2264, 2303, 2388], 540),
    ("bernoulli", "unknown"): ([2858, 3360, 4523], 3),
    ("bernoulli", "known"): ([2306, 2992, 3297, 3586, 3781, 4372, 4494, 4547, 4601, 4643], 49),
    ("poisson", "unknown"): ([1757, 3039, 4506], 3),
    ("poisson", "known"): ([1722, 2032, 2340, 2625, 2878, 3133, 3401, 3581, 3750, 4040], 425),
    ("gamma", "unknown"): ([1752, 3084, 4502], 3),
    ("gamma", "known"): ([1730, 1851, 2053, 2269, 2355, 2460, 2599, 2833, 3485, 3900], 310),
}
GOLDEN_LEVELS = {"gaussian": 0.0, "bernoulli": 0.2, "poisson": 2.0, "gamma": 2.0}


@pytest.mark.parametrize(("family", "before"), GOLDEN)
def test_alarms_are_those_of_changepoint_online(family: str, before: str) -> None:
    """It alarms at the values at which the authors' own package passes the threshold."""
    bank = FOCuSBank(
        1,
        threshold=15.0,
        family=family,
        before=before,
        level=GOLDEN_LEVELS[family],
        shape=2.0,
    )
    alarms = np.flatnonzero(bank.update(_golden(family)[None])[0]).tolist()
    first, number = GOLDEN[family, before]
    assert alarms[: len(first)] == first
    assert len(alarms) == number


def test_the_place_of_the_change_is_told() -> None:
    """`since` counts the values after the most likely place of the change."""
    values = np.random.default_rng(3).normal(size=1100)
    values[1000:] += 3.0
    detector = FOCuS()
    told = []
    for i, value in enumerate(values):
        detector.update(float(value))
        if detector.drift_detected:
            told.append(i - detector.since + 1)
    assert told == [1000]


def test_few_candidates_lose_little() -> None:
    """On a trend, which needs 30 places, 12 keep 95 % of the statistic and never exceed it."""
    values = np.random.default_rng(8).normal(size=4000) + np.linspace(0, 3, 4000)
    exact, few = FOCuS(threshold=1e9), FOCuS(threshold=1e9, candidates=12)
    ratios = []
    for value in values:
        exact.update(float(value))
        few.update(float(value))
        best = exact.statistic
        assert few.statistic <= best * (1 + 1e-9)
        if best > 5.0:
            ratios.append(few.statistic / best)
    assert 0.95 < min(ratios) < 1.0


def test_candidates_suffice_for_long_series() -> None:
    """A series of 300,000 quiet values needs far fewer places than are kept by default."""
    bank = FOCuSBank(20, threshold=1e9)
    bank.update(np.random.default_rng(1).normal(size=(20, 300_000)))
    assert max(bank.state()["ups"].max(), bank.state()["downs"].max()) < 32


def test_a_level_far_from_zero_costs_nothing() -> None:
    """Values plus 10⁹ alarm where the values do."""
    rng = np.random.default_rng(4)
    values = np.round(rng.normal(np.repeat([0.0, 1.0], 1000), 1.0) * 4096) / 4096
    banks = FOCuSBank(1), FOCuSBank(1)
    low, high = (b.update((values + plus)[None]) for b, plus in zip(banks, (0, 1e9), strict=True))
    assert low.any()
    assert (low == high).all()


def test_values_outside_of_the_family_count_as_the_nearest_inside() -> None:
    """Minus one and two are 0 and 1 to the Bernoulli family; 0 is no end to the gamma family."""
    rng = np.random.default_rng(6)
    values = (rng.random((1, 2000)) < np.repeat([0.2, 0.5], 1000)).astype(np.float64)
    inside, outside = (FOCuSBank(1, family="bernoulli") for _ in range(2))
    assert (inside.update(values) == outside.update(3 * values - 1)).all()
    zeros = FOCuSBank(1, family="gamma")
    assert zeros.update(np.array([[1.0, 2.0, 0.0, 1.0] * 5])).any()
    assert zeros.update(np.repeat([[1.0, 100.0]], 50, axis=1)).any()


@pytest.mark.parametrize(
    ("family", "level"), [("bernoulli", 0.0), ("bernoulli", 1.0), ("poisson", -1.0), ("gamma", 0.0)]
)
def test_a_mean_that_the_family_lacks_is_refused(family: str, level: float) -> None:
    """A known mean outside of the family's values is refused by name."""
    with pytest.raises(ParameterError, match=r"level.*mean of"):
        FOCuS(family=family, before="known", level=level)


def test_counts_that_leave_the_hull_are_refused() -> None:
    """A state whose counts would lead the loop out of its array is refused."""
    bank = FOCuSBank(2)
    for name in ("ups", "downs"):
        for wrong in (0, 33):
            state = bank.state()
            state[name][1] = wrong
            with pytest.raises(StateError, match=name):
                bank.load(state)


def _hull_excess(values: Values, threshold: float, penalty: float) -> float:
    """How far the best corner of both hulls exceeds its need after the last value."""
    n, sums = len(values), np.concatenate([[0.0], np.cumsum(values)])
    most = -np.inf
    for sign in (1.0, -1.0):
        corners: list[int] = []
        for t in range(n + 1):
            while len(corners) > 1:
                a, b = corners[-2:]
                if sign * ((sums[t] - sums[b]) * (b - a) - (sums[b] - sums[a]) * (t - b)) > 0:
                    break
                corners.pop()
            corners.append(t)
        for since in corners[1:-1]:
            gap = sums[since] / since - (sums[n] - sums[since]) / (n - since)
            short = 1 / since + 1 / (n - since)
            need = threshold * (1 + penalty * np.sqrt(threshold * short)) ** 2
            most = max(most, gap**2 / short / 2 - need)
    return float(most)


def test_a_penalty_asks_more_of_short_stretches() -> None:
    """With a penalty it alarms at the first value at which a corner exceeds its own need."""
    for seed in range(12):
        values = np.random.default_rng(seed).normal(np.repeat([0.0, 0.9], 150), 1.0)
        bank = FOCuSBank(1, threshold=4.0, penalty=0.4)
        hits = bank.scan(values[None], np.array([[0, 0, 300, 0]]))
        excess = [_hull_excess(values[:end], 4.0, 0.4) for end in range(2, 301)]
        expected = next(end for end, over in enumerate(excess, 1) if over > 0)
        assert hits.row[0] == expected
        assert hits.statistic[0] - hits.threshold[0] == pytest.approx(excess[expected - 1])
        assert hits.threshold[0] > 4.0


def test_a_penalty_lets_a_spike_pass() -> None:
    """One value of 6 deviations alarms the published test, and not the one with a penalty."""
    values = np.random.default_rng(9).normal(size=(1, 2000))
    values[0, 1000] = 7.0
    assert FOCuSBank(1).update(values).any()
    assert not FOCuSBank(1, penalty=0.3).update(values).any()
