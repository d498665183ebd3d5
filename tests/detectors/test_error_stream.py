"""What all detectors of errors share."""

import math
import re
from typing import Any

import numpy as np
import pytest

from streamproc.detectors import FHDDMBank, HDDMABank, RDDMBank, SeriesMonitor, STEPDBank, registry
from streamproc.detectors.checks import errors, same_state
from streamproc.detectors.errors import NotFiniteError, OutOfRangeError, ParameterError, StateError
from streamproc.detectors.river.bank import RiverBank, RiverDetector

FAMILY = [name for name in registry.names() if registry.get(name).family == "error"]
ODD = (-1.0, 0.5, 2.0, 1e308, -5e-324)


@pytest.mark.parametrize("name", FAMILY)
def test_an_error_is_1(name: str) -> None:
    """A model that gets worse alarms; one that gets better never does."""
    worse = errors(np.random.default_rng(1), 5, (0.2, 0.9), 4_000)
    better = errors(np.random.default_rng(1), 5, (0.8, 0.1), 4_000)
    build, params = registry.get(name).bank, registry.resolve(name, {})
    assert build(5, **params).update(worse)[:, 4_000:].any(axis=1).all()
    assert not build(5, **params).update(better).any()


@pytest.mark.parametrize("name", FAMILY)
def test_what_is_no_error_is_refused_alone(name: str) -> None:
    """One value at a time, what is no error is refused by name and changes nothing."""
    one, other = registry.get(name).detector(), registry.get(name).detector()
    for value in errors(np.random.default_rng(2), 1, (0.1, 0.6))[0].tolist():
        for odd in (odd for odd in ODD if not (odd == 0.5 and name.startswith("hddm"))):
            with pytest.raises(OutOfRangeError, match=re.escape(f"got {odd}")):
                one.update(odd)
        with pytest.raises(NotFiniteError):
            one.update(math.nan)
        one.update(value)
        other.update(value)
        assert one.drift_detected == other.drift_detected
    assert same_state(one._bank.state(), other._bank.state())


@pytest.mark.parametrize("name", FAMILY)
def test_what_is_no_error_is_skipped_and_counted_in_a_bank(name: str) -> None:
    """In a bank, what is no error is skipped as if missing, and the slot says how often."""
    rng = np.random.default_rng(3)
    clean = errors(rng, 2, (0.1, 0.6))
    dirty = np.where(rng.random(clean.shape) < 0.3, 7.0, clean)
    holed = np.where(dirty == 7.0, np.nan, dirty)
    banks: list[Any] = [registry.get(name).bank(2) for _ in range(2)]
    assert (banks[0].update(dirty) == banks[1].update(holed)).all()
    assert banks[0].refused.tolist() == (dirty == 7.0).sum(axis=1).tolist()
    assert banks[1].refused.tolist() == [0, 0]


def test_shares_are_errors_to_hddm_alone() -> None:
    """HDDM counts nothing in [0, 1] as refused, the others all that is neither 0 nor 1."""
    values = np.full((1, 50), 0.5)
    for name in FAMILY:
        bank: Any = registry.get(name).bank(1)
        bank.update(values)
        assert bank.refused[0] == (0 if name.startswith("hddm") else 50), name


@pytest.mark.parametrize(
    ("bank", "field", "bad"),
    [
        (FHDDMBank(1), "head", 100),
        (FHDDMBank(1), "seen", -1),
        (STEPDBank(1), "head", 30),
        (RDDMBank(1), "stored", 7_001),
        (RDDMBank(1), "head", -1),
        (registry.get("bocpd").bank(1), "count", 1_000),
        (RiverBank("KSWIN", 1), "length", 5),
    ],
)
def test_a_state_that_points_outside_is_refused(bank: Any, field: str, bad: int) -> None:
    """A state that would make a loop read beyond its window is refused by the field's name."""
    state = bank.state() | {field: np.array([bad])}
    with pytest.raises(StateError, match=repr(field)):
        bank.load(state)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("eddm", {"alpha": 0.5, "beta": 0.6}, r"EDDM\.beta: 0.6 exceeds alpha, 0.5"),
        (
            "fhddm",
            {"short_window_size": 400, "confidence_level": 1e-9},
            r"FHDDM\.short_window_size: 400 exceeds",
        ),
        (
            "rddm",
            {"min_concept": 20_000, "drift_level": 8},
            r"RDDM\.min_concept: 20000 is not below",
        ),
        ("river:KSWIN", {"stat_size": 200}, r"river:KSWIN: River refuses .*stat_size"),
    ],
)
def test_parameters_that_contradict_each_other(
    name: str, params: dict[str, object], message: str
) -> None:
    """Parameters that do not go together are refused when a config is read."""
    with pytest.raises(ParameterError, match=message):
        registry.resolve(name, params)


def test_a_watch_hands_errors_over_as_they_are() -> None:
    """In a watch, detectors of errors see 0 and 1 while the others see standardised values."""
    values = errors(np.random.default_rng(4), 3, (0.1, 0.1, 0.1, 0.1, 0.6, 0.6))
    watch = SeriesMonitor({"ddm": {}, "adwin": {"delta": 1e-300}}, 3)
    alarms = watch.scan_all(values)
    assert {(alarm.slot, alarm.detector) for alarm in alarms} == {(s, "ddm") for s in range(3)}
    assert all(alarm.row >= 2_000 for alarm in alarms)
    bank: Any = watch._banks[0]
    assert bank.refused.tolist() == [0, 0, 0]


def test_the_warm_up_of_a_watch_is_hidden_from_detectors_of_errors() -> None:
    """What a series shows while it warms up raises no alarm, in this family as in the others."""
    values = errors(np.random.default_rng(5), 1, (0.0, 1.0), length=90)
    params = {"warm_start": 30, "drift_threshold": 3.0}
    assert SeriesMonitor({"ddm": params}, 1).scan_all(values) == []
    assert HDDMABank(1).update(values).any()


def test_rivers_fhddm_counts_errors_too() -> None:
    """River's FHDDM, behind the adapter, alarms at errors and not at successes."""
    values = errors(np.random.default_rng(6), 1, (0.1, 0.9))[0]
    detector = RiverDetector("FHDDM")
    alarms = []
    for i, value in enumerate(values.tolist()):
        detector.update(value)
        alarms += [i] if detector.drift_detected else []
    assert alarms == np.flatnonzero(FHDDMBank(1).update(values[None])[0]).tolist() != []
