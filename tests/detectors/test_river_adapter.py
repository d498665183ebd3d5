"""River's detectors by name."""

from typing import Any

import numpy as np
import pytest
from river import drift

from streamproc.detectors import registry
from streamproc.detectors.checks import (
    CHECKS,
    Check,
    changing_for,
    check_any_split,
    check_continuation,
    continuation,
    memory,
    splits,
)
from streamproc.detectors.errors import ParameterError, StateError, UnknownDetectorError
from streamproc.detectors.river import bank as adapter
from streamproc.detectors.river.classes import CLASSES

KSWIN: Any = drift.KSWIN  # it ships no types


def _marks(name: str, check: Check) -> tuple[pytest.MarkDecorator, ...]:
    """Return the lane of a check: KSWIN takes minutes, since it tests at each value."""
    if name != "river:KSWIN":
        return ()
    # That it continues, and that splits change nothing, is also shown below, with fewer values.
    return (pytest.mark.nightly if check in {continuation, splits} else pytest.mark.slow,)


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param(name, check, marks=_marks(name, check), id=f"{name}-{check.__name__}")
        for name in ("river:KSWIN", "river:DDM", "river:HDDMW", "river:ADWIN")
        for check in CHECKS
        if check is not memory
    ],
)
def test_rivers_keep_the_contract(name: str, check: Check) -> None:
    """Behind the adapter, River's detectors keep every promise but that of small memory."""
    check(registry.get(name), np.random.default_rng(11))


@pytest.mark.parametrize("name", adapter.names())
def test_each_goes_on_where_it_was_saved(name: str) -> None:
    """Every one of River's goes on to the last bit, saved anywhere and cut anyhow."""
    entry = registry.get(name)
    values = changing_for(entry, np.random.default_rng(3), series=2)
    for cut in (0, 1, 250, 777):
        check_continuation(entry, values[:, :1_500], cut)
    check_any_split(entry, values[:, :1_500], [1, 99, 100, 101, 640])


@pytest.mark.parametrize("name", [n for n in adapter.names() if n != "river:KSWIN"])
def test_twins_alarm_alike(name: str) -> None:
    """Where this package has the same detector, both alarm at the same values."""
    twins = {"HDDMA": "hddm_a", "HDDMW": "hddm_w", "PageHinkley": "page_hinkley"}
    river = name.removeprefix(adapter.PREFIX)
    ours = twins.get(river, river.lower())
    if ours not in registry.names():
        assert river == "DummyDriftDetector"
        return
    values = changing_for(registry.get(name), np.random.default_rng(8), series=3)
    theirs = registry.get(name).bank(3).update(values)
    assert (registry.get(ours).bank(3).update(values) == theirs).all()
    assert theirs.any()


def test_it_is_river_that_answers() -> None:
    """River's KSWIN behind the adapter alarms where River's KSWIN does."""
    values = changing_for(registry.get("river:KSWIN"), np.random.default_rng(9), series=1)[0]
    theirs, alarms = KSWIN(alpha=0.001, seed=7), []
    for i, value in enumerate(values.tolist()):
        theirs.update(value)
        alarms += [i] if theirs.drift_detected else []
    bank = registry.get("river:KSWIN").bank(1, alpha=0.001, seed=7)
    assert np.flatnonzero(bank.update(values[None])[0]).tolist() == alarms != []


def test_an_unknown_class_lists_those_that_exist() -> None:
    """A class that is not on the list is refused with the list, River's rubbish included."""
    for name in ("river:Nope", "river:", "river:binary.DDM", "river:__init__"):
        with pytest.raises(UnknownDetectorError, match=r"unknown; there are river:ADWIN, .*KSWIN"):
            registry.get(name)


def test_parameters_have_a_schema() -> None:
    """Parameters of River's are completed and refused as those of any detector."""
    resolved = registry.resolve("river:KSWIN", {"alpha": 0.001})
    assert resolved == {"alpha": 0.001, "window_size": 100, "stat_size": 30, "seed": 1}
    with pytest.raises(ParameterError, match=r"river:KSWIN\.alpha: expected float in \[0, 1\]"):
        registry.resolve("river:KSWIN", {"alpha": 3})
    with pytest.raises(ParameterError, match=r"river:KSWIN\.windows: unknown; .*stat_size, seed"):
        registry.resolve("river:KSWIN", {"windows": 3})


@pytest.mark.parametrize(
    "text",
    [
        b"not json",
        b"[1]",
        b"{}",
        b'{"_rng":{"random":[3,[1],null]}}',
        b'{"window":{"object":"Popen","attributes":{}}}',
        b'{"window":{"__reduce__":"os.system"}}',
    ],
)
def test_a_state_is_data_and_never_code(text: bytes) -> None:
    """What is not a state of this very class is refused, and nothing in it is run."""
    bank = registry.get("river:KSWIN").bank(1)
    bank.update(np.zeros((1, 3)))
    before = bank.state()
    bad = {
        "text": np.frombuffer(text, np.uint8)[None].copy(),
        "length": np.array([len(text)]),
    }
    with pytest.raises(StateError, match="'text'"):
        bank.load(before | bad)
    assert all((before[key] == array).all() for key, array in bank.state().items())


def test_the_list_is_of_rivers_own_names() -> None:
    """Every class on the list exists in River."""
    for name in CLASSES:
        registry.get(adapter.PREFIX + name).bank(1)
