"""Thresholds for a run length that is longer by a factor."""

import pytest

from streamproc.detectors import registry
from streamproc.detectors.runtime.run_length import span

BY_ARL = [name for name in registry.names() if span(name, registry.get(name).knob)]


@pytest.mark.parametrize("name", BY_ARL)
def test_ten_times_a_run_length_is_that_run_length(name: str) -> None:
    """A detector of `arl` 10,000 that is made ten times as rare is that of `arl` 100,000."""
    knob = registry.get(name).knob
    assert knob is not None

    found = registry.rarer(name, registry.resolve(name, {"arl": 1e4}), 10)

    assert found[knob.name] == pytest.approx(registry.resolve(name, {"arl": 1e5})[knob.name])


@pytest.mark.parametrize("name", registry.names())
def test_what_is_made_rarer_is_accepted_and_ends_where_tables_do(name: str) -> None:
    """However large the factor, the parameters are valid, and beyond the table nothing changes."""
    once = registry.rarer(name, registry.resolve(name, {}), 1e9)

    registry.get(name).bank(1, **once)

    assert registry.rarer(name, once, 10) == pytest.approx(once)


def test_thresholds_set_by_hand_beyond_the_tables_stay() -> None:
    """The default detectors, and those of River, whose run lengths are not known, do not change."""
    for name in ("mixture", "page_hinkley", "river:ADWIN"):
        params = registry.resolve(name, {})
        assert registry.rarer(name, params, 30) == params
