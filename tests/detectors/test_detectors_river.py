"""Our detectors against River's, value by value."""

import numpy as np
import pytest
from river import drift

from detectors import ADWIN, ADWINBank, PageHinkley, PageHinkleyBank

ADWIN_PARAMS = (
    {},
    {"delta": 0.1, "clock": 1, "max_buckets": 2, "min_window_length": 1, "grace_period": 1},
    {"max_buckets": 9, "delta": 0.3, "clock": 7},
)
PAGE_HINKLEY_PARAMS = (
    {},
    {"threshold": 5.0, "alpha": 1.0, "mode": "up"},
    {"threshold": 5.0, "mode": "down", "min_instances": 3, "delta": 0.1},
)


@pytest.fixture(scope="module")
def mixed() -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.concatenate(
        [
            rng.normal(0, 1, 1500),
            rng.normal(0.5, 1, 1500),
            rng.random(1500) * 5,
            np.repeat(3.0, 1000),
            rng.integers(0, 2, 1500),
        ]
    )


@pytest.mark.parametrize("params", ADWIN_PARAMS)
def test_adwin_is_rivers_after_every_value(mixed: np.ndarray, params: dict) -> None:
    """After each value, all that ADWIN tells equals what River's tells, to the last bit."""
    ours, theirs = ADWIN(**params), drift.ADWIN(**params)
    marks = ADWINBank(1, **params).update(mixed[None])[0]
    names = ("drift_detected", "width", "total", "variance", "estimation", "n_detections")
    for value, mark in zip(mixed, marks, strict=True):
        ours.update(value)
        theirs.update(value)
        assert [getattr(ours, name) for name in names] == [getattr(theirs, name) for name in names]
        assert mark == theirs.drift_detected
    assert marks.any()


@pytest.mark.parametrize("params", PAGE_HINKLEY_PARAMS)
def test_page_hinkley_is_rivers_after_every_value(mixed: np.ndarray, params: dict) -> None:
    """After each value, Page-Hinkley alarms if and only if River's does."""
    ours, theirs = PageHinkley(**params), drift.PageHinkley(**params)
    marks = PageHinkleyBank(1, **params).update(mixed[None])[0]
    for value, mark in zip(mixed, marks, strict=True):
        ours.update(value)
        theirs.update(value)
        assert ours.drift_detected == theirs.drift_detected == mark
    assert marks.any()
