"""Detectors of errors against River's, value by value, and against River's own golden alarms."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from river import drift

from streamproc.detectors import (
    DDM,
    EDDM,
    FHDDM,
    HDDMA,
    HDDMW,
    DDMBank,
    EDDMBank,
    ErrorBank,
    FHDDMBank,
    HDDMABank,
    HDDMWBank,
)

RIVER: Any = drift.binary  # it ships no types
Params = dict[str, Any]

CASES: list[tuple[Any, Any, Any, Params]] = [
    (DDM, DDMBank, RIVER.DDM, {}),
    (DDM, DDMBank, RIVER.DDM, {"warm_start": 0}),
    (
        DDM,
        DDMBank,
        RIVER.DDM,
        {"warm_start": 5, "warning_threshold": 2.0, "drift_threshold": 1.0},
    ),
    (EDDM, EDDMBank, RIVER.EDDM, {}),
    (EDDM, EDDMBank, RIVER.EDDM, {"warm_start": 0, "alpha": 0.99, "beta": 0.99}),
    (EDDM, EDDMBank, RIVER.EDDM, {"warm_start": 5, "alpha": 0.8, "beta": 0.6}),
    (HDDMA, HDDMABank, RIVER.HDDMA, {}),
    (HDDMA, HDDMABank, RIVER.HDDMA, {"mode": "both"}),
    (
        HDDMA,
        HDDMABank,
        RIVER.HDDMA,
        {"mode": "both", "drift_confidence": 0.1, "warning_confidence": 0.05},
    ),
    (HDDMW, HDDMWBank, RIVER.HDDMW, {}),
    (HDDMW, HDDMWBank, RIVER.HDDMW, {"mode": "both"}),
    (
        HDDMW,
        HDDMWBank,
        RIVER.HDDMW,
        {"mode": "both", "lambda_val": 0.3, "drift_confidence": 0.01, "warning_confidence": 0.5},
    ),
    (HDDMW, HDDMWBank, RIVER.HDDMW, {"lambda_val": 1.0}),
    (FHDDM, FHDDMBank, RIVER.FHDDM, {}),
    (FHDDM, FHDDMBank, RIVER.FHDDM, {"short_window_size": 20}),
    (
        FHDDM,
        FHDDMBank,
        RIVER.FHDDM,
        {"sliding_window_size": 64, "short_window_size": 64, "confidence_level": 0.01},
    ),
    (
        FHDDM,
        FHDDMBank,
        RIVER.FHDDM,
        {"sliding_window_size": 130, "short_window_size": 1, "confidence_level": 0.2},
    ),
]


def _river(kind: Any, params: Params) -> Any:
    """Build River's, under its own names."""
    given = dict(params)
    if "mode" in given:
        given["two_sided_test"] = given.pop("mode") == "both"
    return kind(**given)


def _errors(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Errors whose rate changes every 400 values, with stretches of none and of nothing else."""
    rates = np.repeat(rng.choice([0.0, 0.02, 0.1, 0.2, 0.5, 0.8, 1.0], n // 400), 400)
    return (rng.random(len(rates)) < rates).astype(np.float64)


def _agree(ours: Any, theirs: Any, values: NDArray[np.float64], *, flip: bool) -> list[int]:
    """List the alarms, which are the same after every value, and so are the warnings."""
    alarms = []
    for i, value in enumerate(values.tolist()):
        ours.update(value)
        theirs.update(1.0 - value if flip else value)
        assert ours.drift_detected == theirs.drift_detected, i
        assert ours.warning_detected == theirs.warning_detected, i
        if ours.drift_detected:
            alarms.append(i)
    return alarms


@pytest.mark.parametrize("length", [20_000, pytest.param(300_000, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    ("ours", "bank", "theirs", "params"),
    CASES,
    ids=[f"{case[0].__name__}{i}" for i, case in enumerate(CASES)],
)
def test_alarms_and_warnings_are_rivers(
    ours: Any, bank: Any, theirs: Any, params: Params, length: int
) -> None:
    """After each value, alarm and warning equal River's, FHDDM's when it counts successes."""
    values = _errors(np.random.default_rng(5), length)
    flip = ours is FHDDM
    alarms = _agree(ours(**params), _river(theirs, params), values, flip=flip)
    assert np.flatnonzero(bank(1, **params).update(values[None])[0]).tolist() == alarms


@pytest.mark.parametrize("mode", ["up", "both"])
@pytest.mark.parametrize(("ours", "theirs"), [(HDDMA, RIVER.HDDMA), (HDDMW, RIVER.HDDMW)])
def test_shares_of_errors_are_rivers(ours: Any, theirs: Any, mode: str) -> None:
    """HDDM takes anything in [0, 1] and alarms and warns where River's does."""
    rng = np.random.default_rng(6)
    values = rng.random(20_000) ** np.repeat(rng.uniform(0.2, 5.0, 40), 500)
    assert _agree(ours(mode=mode), _river(theirs, {"mode": mode}), values, flip=False)


def test_the_bank_warns_as_its_detector_does() -> None:
    """A bank tells after each call which of its slots are in their warning zone."""
    values = np.array([_errors(np.random.default_rng(seed), 2_000) for seed in range(3)])
    bank: ErrorBank = DDMBank(3)
    ones = [DDM() for _ in values]
    warned = 0
    for column in values.T:
        bank.update(column[:, None])
        for one, value in zip(ones, column.tolist(), strict=True):
            one.update(value)
        assert bank.warned.tolist() == [one.warning_detected for one in ones]
        warned += int(bank.warned.sum())
    assert warned > 20


def _binomials() -> NDArray[np.float64]:
    """River's second golden stream: a rate of .2, then of .8, 1,000 values each."""
    state = np.random.RandomState(12345)
    return np.array([state.binomial(1, rate) for rate in [0.2] * 1000 + [0.8] * 1000], np.float64)


def _signs() -> NDArray[np.float64]:
    """River's third golden stream: signs of normal values whose mean jumps every 500 values."""
    state = np.random.RandomState(12345)
    parts = [state.normal(mean, 0.1, 500) > 0 for mean in (0.0, 0.25, 0.0, 0.25)]
    return np.concatenate(parts).astype(np.float64)


@pytest.mark.parametrize(
    ("detector", "values", "alarms"),
    [
        pytest.param(DDM(), _binomials(), [1049], id="DDM"),
        pytest.param(EDDM(), _binomials(), [663, 828, 1007, 1078], id="EDDM"),
        pytest.param(HDDMA(), _binomials(), [1047], id="HDDMA"),
        pytest.param(HDDMA(mode="both"), _signs(), [531, 1015, 1545], id="HDDMA both"),
        pytest.param(HDDMW(), _binomials(), [1018], id="HDDMW"),
        pytest.param(HDDMW(mode="both"), _signs(), [507, 1032, 1508], id="HDDMW both"),
    ],
)
def test_rivers_own_golden_alarms(
    detector: Any, values: NDArray[np.float64], alarms: list[int]
) -> None:
    """The alarms of River 0.26.1 on the streams of its tests (river/drift/test_drift_detectors.py).

    EDDM's and those of HDDM-W both ways are others in tests of older versions of River.
    """
    found = []
    for i, value in enumerate(values.tolist()):
        detector.update(value)
        if detector.drift_detected:
            found.append(i)
    assert found == alarms
