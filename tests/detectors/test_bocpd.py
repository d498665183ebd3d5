"""BOCPD against Adams and MacKay's recursion over all run lengths."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from streamproc.detectors import BOCPDBank

HAZARD = 0.01
PRIOR = (0.5, 0.2, 1.5, 2.0)


def _posterior(values: list[float]) -> list[float]:
    """Probability of each run length after the values, 1 first: their equations 3 and 6.

    Level and variance come from the values of the run, by the closed form of the
    normal-gamma posterior rather than value by value.
    """
    mean, worth, shape, rate = PRIOR
    weights = [1.0]
    for t in range(len(values)):
        if t > 0:
            weights = [HAZARD, *(w * (1 - HAZARD) for w in weights)]
        for length in range(len(weights)):
            run = np.array(values[t - length : t])
            n, centre = len(run), run.mean() if len(run) else 0.0
            squares = ((run - centre) ** 2).sum()
            k, a = worth + n, shape + n / 2
            b = rate + squares / 2 + worth * n * (centre - mean) ** 2 / (2 * k)
            at = (worth * mean + n * centre) / k
            scale = math.sqrt(b * (k + 1) / (a * k))
            weights[length] *= stats.t.pdf(values[t], 2 * a, at, scale)
        total = sum(weights)
        weights = [w / total for w in weights]
    return weights


def test_run_lengths_are_those_of_the_recursion() -> None:
    """With room for all run lengths, their probabilities are those of the paper's recursion."""
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(size=40), rng.normal(3.0, 2.0, 30)])
    bank = BOCPDBank(
        1,
        hazard=HAZARD,
        threshold=0.9999999999,
        max_lengths=100,
        min_instances=1_000,
        prior_mean=PRIOR[0],
        prior_values=PRIOR[1],
        prior_shape=PRIOR[2],
        prior_rate=PRIOR[3],
    )
    for start, stop in pairwise([0, 1, 2, 30, 45, 70]):
        bank.update(values[None, start:stop])
        lengths, weights = bank.run_lengths(0)
        assert lengths.tolist() == list(range(1, stop + 1))
        assert weights == pytest.approx(_posterior(values[:stop].tolist()), rel=1e-9, abs=1e-300)


def test_a_long_run_counts_as_a_short_one_does() -> None:
    """Beyond the table of ratios the series goes on without a step."""
    rng = np.random.default_rng(2)
    values = rng.normal(size=(1, 1_200))
    bank = BOCPDBank(1, max_lengths=2, hazard=1e-300)
    seen = []
    for column in values.T:
        bank.update(column[None])
        seen.append(bank.run_lengths(0)[1][-1])
    assert seen == pytest.approx([1.0] * len(seen), abs=1e-12)


def test_forgotten_run_lengths_change_little() -> None:
    """With room for 32 run lengths, a shift of one deviation is found as with room for all."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(30, 600))
    values[:, 300:] += 1.0
    few, all_of_them = (BOCPDBank(30, max_lengths=room).update(values) for room in (32, 600))
    assert all_of_them[:, 300:].any(axis=1).all()
    apart = few[:, 300:].argmax(axis=1) - all_of_them[:, 300:].argmax(axis=1)
    assert np.abs(apart).max() <= 5


@pytest.mark.parametrize("hazard", [1e-3, 1e-2])
def test_false_alarms_are_as_rare_as_the_theory_says(hazard: float) -> None:
    """On normal values, runs until a false alarm are on average as long as the odds promise."""
    values = np.random.default_rng(4).normal(size=(40, 20_000))
    odds = 9.0
    bank = BOCPDBank(
        40,
        hazard=hazard,
        threshold=odds / (odds + 1.0),
        max_lengths=16,
        prior_values=1.0,
        prior_shape=1e6,
        prior_rate=1e6,
    )
    alarms = int(bank.update(values).sum())
    # Upper end of a Poisson count of the promised rate, so that chance fails it never.
    expected = values.size * hazard / odds
    assert alarms <= expected + 5 * math.sqrt(expected) + 1
