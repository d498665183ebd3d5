"""Every registered detector keeps the contract."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.detectors import registry
from streamproc.detectors.checks import (
    CHECKS,
    Check,
    changing_for,
    check_any_split,
    check_continuation,
)

VALUES = {
    name: changing_for(registry.get(name), np.random.default_rng(3), series=2)
    for name in registry.names()
}
LENGTH = 3000


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", registry.names())
def test_detector_keeps_its_contract(name: str, check: Check) -> None:
    """Every registered detector keeps every promise of the suite."""
    check(registry.get(name), np.random.default_rng(11))


@pytest.mark.parametrize("name", registry.names())
@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, LENGTH), max_size=30))
def test_any_split_is_the_same(name: str, cuts: list[int]) -> None:
    """However rows are cut into calls, alarms and state are the same to the last bit."""
    check_any_split(registry.get(name), VALUES[name], cuts)


@pytest.mark.parametrize("name", registry.names())
@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, LENGTH))
def test_saved_anywhere_it_goes_on(name: str, cut: int) -> None:
    """Saved and loaded at any point, a bank goes on to the last bit."""
    check_continuation(registry.get(name), VALUES[name], cut)
