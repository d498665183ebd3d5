"""The e-detector: its bets are fair, its promise holds for values of any law, its recursion."""

import numpy as np
import pytest
from numpy.typing import NDArray

from streamproc.detectors import EDetector, EDetectorBank
from streamproc.detectors.errors import ParameterError

Values = NDArray[np.float64]
BETS = np.array([0.99, 0.5, 0.25, 0.125, 0.0625, 0.03125])


def _wealth(values: Values, mean: float, tolerance: float) -> Values:
    """Sum over all places at which the bets might begin, averaged: the definition, on [0, 1]."""
    high, low = mean + tolerance, mean - tolerance
    total = np.zeros(len(values))
    for bets, advantage in ((BETS / high, values - high), (BETS / (1 - low), low - values)):
        factors = 1.0 + bets[:, None] * advantage[None]
        for n in range(len(values)):
            tails = np.cumprod(factors[:, n::-1], axis=1)  # from each place up to value n
            total[n] += 0.5 * tails.sum(axis=1).mean()
    return total


def test_it_is_its_definition() -> None:
    """It alarms at the first value at which the wealth of all bets passes 1/alpha."""
    values = np.random.default_rng(1).beta(2, 2, 400)
    values[200:] = values[200:] ** 0.5
    expected = np.flatnonzero(_wealth(values, 0.5, 0.02) > 1e4)[0]
    bank = EDetectorBank(1, alpha=1e-4, mean=0.5, tolerance=0.02, warmup=0)
    hits = bank.scan(values[None], np.array([[0, 0, 400, 0]]))
    assert hits.row[0] == expected > 200
    assert hits.threshold[0] == pytest.approx(1e4)


LAWS = {
    "coins": lambda rng, shape: (rng.random(shape) < 0.1).astype(np.float64),
    "halves": lambda rng, shape: (rng.random(shape) < 0.5).astype(np.float64),
    "uniform": lambda rng, shape: rng.random(shape),
    "beta with a long tail": lambda rng, shape: rng.beta(0.2, 1.8, shape),
    "spread that comes and goes": lambda rng, shape: (
        0.5 + (rng.random(shape) - 0.5) * (0.5 + 0.5 * np.sin(np.arange(shape[1]) / 50))
    ),
}
MEANS = {"coins": 0.1, "halves": 0.5, "uniform": 0.5, "beta with a long tail": 0.1}


@pytest.mark.parametrize("mode", ["both", "up", "down"])
@pytest.mark.parametrize("law", LAWS)
def test_runs_are_as_long_as_promised_whatever_the_law(law: str, mode: str) -> None:
    """With the mean given, and no tolerance, runs last 1/alpha values on average at least."""
    values = LAWS[law](np.random.default_rng(2), (50, 20_000))
    mean = MEANS.get(law, 0.5)
    bank = EDetectorBank(50, alpha=0.01, mean=mean, tolerance=0.0, warmup=0, mode=mode)
    alarms = bank.update(values).sum()
    assert alarms > 20
    assert values.size / alarms >= 100


def test_dependent_values_break_no_promise() -> None:
    """Values whose law depends on all before them, but whose mean does not, alarm no oftener."""
    rng = np.random.default_rng(3)
    values = np.full((50, 4000), 0.5)
    for t in range(1, 4000):  # after a high value a wide step, after a low one a narrow one
        width = np.where(values[:, t - 1] > 0.5, 0.5, 0.05)
        values[:, t] = 0.5 + width * rng.choice([-1.0, 1.0], 50)
    alarms = EDetectorBank(50, alpha=0.01, tolerance=0.0, warmup=0).update(values).sum()
    assert alarms > 20
    assert values.size / alarms >= 100


def test_a_learned_mean_stands_for_the_given_one() -> None:
    """What is learned in the warm-up is what `mean` would have said, and it is blind meanwhile."""
    rng = np.random.default_rng(4)
    values = (rng.random(1000) < np.repeat([0.2, 0.5], 500)).astype(np.float64)
    learned = EDetectorBank(1, warmup=300).update(values[None])[0]
    given = EDetectorBank(1, warmup=0, mean=values[:300].mean()).update(values[None, 300:])[0]
    first = np.flatnonzero(learned)[0]
    assert first == np.flatnonzero(given)[0] + 300
    assert first > 500


def test_range_and_unit_go_together() -> None:
    """Values, range, mean and tolerance in another unit: the same alarms."""
    values = np.random.default_rng(5).random((1, 3000)) * np.repeat([0.5, 1.0], 1500)
    inside = EDetectorBank(1).update(values)
    other = EDetectorBank(1, low=-8.0, high=24.0, mean=8.0, tolerance=1.6).update(values * 32 - 8)
    assert inside.any()
    assert (inside == other).all()


def test_values_outside_of_the_range_count_as_its_ends() -> None:
    """A value beyond an end counts as that end."""
    values = np.random.default_rng(6).normal(size=(1, 1000))
    values[:, 600:] += 2
    one, other = EDetectorBank(1), EDetectorBank(1)
    alarms = one.update(values)
    assert alarms.any()
    assert (alarms == other.update(values.clip(0, 1))).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"low": 1.0}, r"high: expected more than low, 1, got 1"),
        ({"tolerance": 0.5}, r"tolerance: 0.5 leaves no mean between 0 and 1"),
        ({"warmup": 0, "mean": 0.97}, r"mean: expected more than 0.05 and less than 0.95"),
        ({"warmup": 0, "mean": 0.01}, r"mean: expected more than 0.05"),
    ],
)
def test_a_range_without_room_to_bet_is_refused(params: dict[str, float], message: str) -> None:
    """Parameters that leave nothing to bet on are refused by name."""
    with pytest.raises(ParameterError, match=message):
        EDetector(**params)  # type: ignore[arg-type]
