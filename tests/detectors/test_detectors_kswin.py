"""KSWIN against River's, given the same draws; its draws; its bound."""

from typing import Any

import numpy as np
import pytest
from river import drift
from scipy import stats

from streamproc.detectors import KSWIN, KSWINBank
from streamproc.detectors.distribution import kswin_kernel
from streamproc.detectors.distribution.kswin import critical
from streamproc.detectors.distribution.p_values import two_sample_ks_tail
from streamproc.detectors.errors import ParameterError, StateError


class OurDraws:
    """What River's detector asks of its generator, answered with our draws."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.comparison = 0

    def sample(self, places: range, size: int) -> list[int]:
        """Draw `size` of the places."""
        drawn = np.zeros(len(places), np.bool_)
        kswin_kernel.draw(self.seed, self.comparison, drawn, size)
        self.comparison += 1
        return np.flatnonzero(drawn).tolist()


class RiversWithOurDraws(drift.KSWIN):  # type: ignore[misc]
    """River's detector, but for where its draws come from."""

    def _reset(self) -> None:
        super()._reset()
        self._rng = OurDraws(self.seed)


@pytest.mark.parametrize(
    ("alpha", "window", "recent"), [(0.005, 100, 30), (0.05, 40, 20), (1e-4, 120, 37)]
)
def test_given_the_same_draws_it_is_rivers(alpha: float, window: int, recent: int) -> None:
    """After each value, with ties and without, alarm and p-value are River's."""
    rng = np.random.default_rng(1)
    values = np.repeat(rng.normal(0, 1.0, 8), 300) + rng.normal(size=2400)
    values[1200:] = np.round(values[1200:])
    ours = KSWIN(alpha, window, recent, seed=5)
    theirs: Any = RiversWithOurDraws(alpha, window, recent, seed=5)
    alarms = []
    for i, value in enumerate(values.tolist()):
        ours.update(value)
        theirs.update(value)
        assert ours.drift_detected == theirs.drift_detected
        assert ours.p_value == pytest.approx(theirs.p_value, rel=1e-9, abs=1e-13)
        if ours.drift_detected:
            alarms.append(i)
    bank = KSWINBank(1, alpha=alpha, window_size=window, stat_size=recent, seed=5)
    assert np.flatnonzero(bank.update(values[None])[0]).tolist() == alarms
    assert len(alarms) >= 2


def test_every_place_and_pair_is_drawn_alike() -> None:
    """Over many comparisons, each place and each pair of places is drawn equally often."""
    marks = np.zeros((20_000, 12), np.bool_)
    for comparison, drawn in enumerate(marks):
        kswin_kernel.draw(9, comparison, drawn, 5)
    assert (marks.sum(axis=1) == 5).all()
    together = marks.T.astype(float) @ marks / len(marks)
    expected = np.where(np.eye(12) > 0, 5 / 12, 5 * 4 / (12 * 11))
    assert np.abs(together - expected).max() < 4 * np.sqrt(0.25 / len(marks))


def test_another_seed_draws_otherwise() -> None:
    """Two seeds, and two comparisons of one seed, draw different sets."""
    sets = []
    for seed, comparison in ((0, 0), (0, 1), (1, 0), (2**62, 0)):
        drawn = np.zeros(70, np.bool_)
        kswin_kernel.draw(seed, comparison, drawn, 30)
        sets.append(drawn.tobytes())
    assert len(set(sets)) == 4


def test_tail_and_bound_are_scipys() -> None:
    """The tail is scipy's exact one, and the bound the first count whose tail is below alpha."""
    rng = np.random.default_rng(2)
    for n in (5, 30, 100):
        for shift in (0.0, 0.5, 2.0):
            found = stats.ks_2samp(rng.normal(size=n), rng.normal(shift, 1.0, n), method="exact")
            least = round(found.statistic * n)
            assert two_sample_ks_tail(least, n) == pytest.approx(found.pvalue)
        for alpha in (0.5, 0.005, 1e-6):
            bound = critical(alpha, n)
            assert bound == n + 1 or two_sample_ks_tail(bound, n) <= alpha
            assert two_sample_ks_tail(bound - 1, n) > alpha or (bound - 1) / n <= 0.1


def test_alpha_is_exact() -> None:
    """Without ties a comparison alarms as often as the exact tail at the bound says."""
    values = np.random.default_rng(3).normal(size=(20_000, 100))
    bank = KSWINBank(20_000, alpha=0.01)
    expected = 20_000 * two_sample_ks_tail(critical(0.01, 30), 30)
    assert abs(bank.update(values).sum() - expected) < 4 * np.sqrt(expected)


def test_a_stride_looks_at_each_nth_value() -> None:
    """With a stride of 10 an alarm comes with the hundredth value or ten, twenty, … later."""
    values = np.random.default_rng(4).normal(np.repeat([0.0, 5.0], 300), 1.0)
    alarms = np.flatnonzero(KSWINBank(1, alpha=1e-4, stride=10).update(values[None])[0])
    assert len(alarms) == 1
    assert 300 < alarms[0] < 330
    assert (alarms[0] - 99) % 10 == 0


def test_as_many_must_be_left_to_draw_from() -> None:
    """A stat_size above half of the window is refused by name."""
    with pytest.raises(ParameterError, match="stat_size: expected at most half"):
        KSWIN(window_size=100, stat_size=51)


@pytest.mark.parametrize(("name", "value"), [("cursor", 100), ("held", 101), ("order", 3)])
def test_a_state_out_of_range_is_refused(name: str, value: int) -> None:
    """A state that would lead the loop out of its arrays is refused, and nothing changes."""
    bank = KSWINBank(2)
    bank.scan(np.random.default_rng(1).normal(size=(2, 150)), np.array([[0, 0, 150, 0]]))
    state = bank.state()
    wrong = {key: array.copy() for key, array in state.items()}
    wrong[name][0] = value
    with pytest.raises(StateError, match=name):
        bank.load(wrong)
    assert all((bank.state()[key] == array).all() for key, array in state.items())
