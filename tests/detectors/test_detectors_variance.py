"""The variance detector: what it finds, what it leaves alone, in any unit."""

import numpy as np
import pytest

from streamproc.detectors import Variance, VarianceBank
from streamproc.detectors.errors import ParameterError, StateError


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_changed_deviation_is_found(factor: float) -> None:
    """A deviation that doubles or halves is found within a window and a half, in each series."""
    values = np.random.default_rng(1).normal(0, np.repeat([1.0, factor], 1500), (50, 3000))
    alarms = VarianceBank(50).update(values)
    assert not alarms[:, :1500].any()
    assert alarms[:, 1500:1800].any(axis=1).all()


def test_the_statistic_is_the_difference_of_variances() -> None:
    """At an alarm the statistic is the difference of the clipped variances, in the first unit."""
    values = np.random.default_rng(2).normal(0, np.repeat([1.0, 3.0], 700), (1, 1400))
    bank = VarianceBank(1, clip=1e6)
    hits = bank.scan(values, np.array([[0, 0, 1400, 0]]))
    row = int(hits.row[0])
    z = values[0] / values[0, :96].std(ddof=1)
    expected = z[row - 199 : row + 1].var() - z[:500].var()
    assert hits.statistic[0] == pytest.approx(expected, rel=1e-9)
    assert hits.statistic[0] > hits.threshold[0] > 0


@pytest.mark.parametrize("shape", ["normal", "t(3)", "lognormal", "Bernoulli(.05)"])
def test_false_alarms_are_rare(shape: str) -> None:
    """On 600,000 stationary values of any shape there are at most two false alarms."""
    rng = np.random.default_rng(3)
    values = {
        "normal": lambda: rng.normal(size=(60, 10_000)),
        "t(3)": lambda: rng.standard_t(3, (60, 10_000)),
        "lognormal": lambda: rng.lognormal(size=(60, 10_000)),
        "Bernoulli(.05)": lambda: (rng.random((60, 10_000)) < 0.05) * 1.0,
    }[shape]()
    assert VarianceBank(60).update(values).sum() <= 2


def test_another_unit_changes_nothing() -> None:
    """Times 10⁶ or 10⁻⁶, plus 10⁹: alarms are where they were."""
    values = np.random.default_rng(4).normal(0, np.repeat([1.0, 2.0, 0.5], 1500), (20, 4500))
    expected = VarianceBank(20).update(values)
    assert expected.any(axis=1).all()
    for factor, summand in ((1e6, 0.0), (1e-6, 0.0), (1.0, 1e9)):
        assert (VarianceBank(20).update(values * factor + summand) == expected).all()


def test_the_window_is_whole_strides() -> None:
    """A window that is no multiple of the stride is refused by name."""
    with pytest.raises(ParameterError, match="window: expected a multiple of stride"):
        Variance(window=205)


@pytest.mark.parametrize(("name", "value"), [("cursor", 20), ("held", 201), ("seen", -1)])
def test_a_state_out_of_range_is_refused(name: str, value: int) -> None:
    """A state that would lead the loop out of its arrays is refused, and nothing changes."""
    bank = VarianceBank(2)
    bank.update(np.random.default_rng(1).normal(size=(2, 800)))
    state = bank.state()
    wrong = {key: array.copy() for key, array in state.items()}
    wrong[name][0] = value
    with pytest.raises(StateError, match=name):
        bank.load(wrong)
    assert all((bank.state()[key] == array).all() for key, array in state.items())
