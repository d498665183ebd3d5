"""ADWIN as in its paper: a check at each value, and a window that survives its alarms."""

import numpy as np
import pytest

from streamproc.detectors import ADWIN, ADWINBank
from streamproc.detectors.checks import check_any_split, check_continuation
from streamproc.detectors.mean.adwin import PARAMS
from streamproc.detectors.spec import entry

VALUES = np.random.default_rng(1).normal(np.repeat([0.0, 1.0, 0.0, 0.5, 2.0], 1000), 1.0)


def test_a_check_at_each_value_is_the_earlier() -> None:
    """`clock` 1 finds every change that 32 finds, up to 31 values earlier or more."""
    often, seldom = (
        np.flatnonzero(ADWINBank(1, clock=clock).update(VALUES[None])[0]) for clock in (1, 32)
    )
    assert often.tolist() == [1035, 2044, 3106, 4016]
    assert seldom.tolist() == [1055, 2047, 3135, 4031]


@pytest.mark.parametrize("clock", [1, 32])
def test_keep_keeps_the_newer_part(clock: int) -> None:
    """After an alarm the window holds the newest values, exactly, and none of the old level."""
    detector, alarms = ADWIN(clock=clock, after="keep"), []
    for i, value in enumerate(VALUES):
        detector.update(float(value))
        window = VALUES[i + 1 - int(detector.width) : i + 1]
        assert detector.total == pytest.approx(window.sum(), abs=1e-6)
        if detector.drift_detected:
            alarms.append(i)
    assert alarms[0] in {1035, 1055}
    assert 900 < detector.width < 1100
    assert detector.variance == pytest.approx(((window - window.mean()) ** 2).sum(), rel=1e-6)


def test_keep_goes_on_over_any_split_and_load() -> None:
    """Cut or saved anywhere, the kept window goes on to the last bit."""
    keeping = entry(
        "adwin",
        "mean",
        (ADWIN, lambda size=0, **params: ADWINBank(size, after="keep", **params)),
        PARAMS,
        {},
    )
    for cut in (0, 1, 1055, 1056, 2500):
        check_continuation(keeping, VALUES[None], cut)
        check_any_split(keeping, VALUES[None], [cut, cut + 7])
