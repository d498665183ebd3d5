"""Run lengths that keep to a budget, whatever is watched."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.config.detector_spec import DetectorSpec
from streamproc.detect.run_lengths import (
    LEVELS,
    RunLengths,
    choose,
    expected,
    params_at,
    run_lengths,
)
from streamproc.detectors import registry

WRITTEN = [
    *registry.names(),
    *({name: {"arl": arl}} for name in ("mixture", "focus", "ks", "ddm") for arl in (1e4, 1e6)),
    {"mixture": {"threshold": 1e12}},
    {"page_hinkley": {"threshold": 8}},
    {"page_hinkley": {"delta": 0.1}},
    "river:ADWIN",
]
SPECS = [DetectorSpec.model_validate(each) for each in WRITTEN]
LENGTHS = [run_lengths(spec) for spec in SPECS]

rates = st.floats(1e-3, 1e13)
watched = st.lists(st.tuples(rates, st.sampled_from(LENGTHS)), min_size=1, max_size=30)


@settings(max_examples=300)
@given(each=watched, share=st.floats(1e-6, 1e6))
def test_any_mix_of_rates_keeps_to_the_budget_or_is_as_strict_as_can_be(
    each: list[tuple[float, RunLengths]], share: float
) -> None:
    """The sum of values over run lengths is within the share, unless tables end before."""
    found = choose(each, share)

    assert found.expected == expected(each, found.level)
    if found.expected > share:
        strictest = sum(values / max(at.configured, at.high) for values, at in each if at.known)
        assert found.expected == pytest.approx(strictest)
        assert found.level == LEVELS[-1]
    elif found.level > LEVELS[0]:
        below = LEVELS[LEVELS.index(found.level) - 1]
        assert expected(each, below) > share


@pytest.mark.parametrize(
    ("spec", "lengths"), list(zip(SPECS, LENGTHS, strict=True)), ids=lambda each: str(each)[:40]
)
def test_a_detector_has_the_run_length_that_is_counted(
    spec: DetectorSpec, lengths: RunLengths
) -> None:
    """At each level the parameters are valid, and their run length is the counted one or longer."""
    for level in (None, *LEVELS[::6]):
        params = params_at(spec, lengths, level)
        registry.get(spec.name).bank(0, **params)
        found = registry.run_length(spec.name, params)
        assert (found is None) == math.isnan(lengths.configured)
        if found is not None:
            assert found == pytest.approx(lengths.at(level), rel=1e-6)


def test_a_threshold_that_is_configured_is_never_loosened() -> None:
    """`arl` in the configuration is the shortest run length; a default may become shorter."""
    given = run_lengths(DetectorSpec.model_validate({"mixture": {"arl": 1e5}}))
    default = run_lengths(DetectorSpec.model_validate("mixture"))
    assert (given.at(1e4), given.at(1e6)) == (1e5, 1e6)
    assert (default.at(1e4), default.at(1e6)) == (1e4, 1e6)


def test_a_default_beyond_its_table_is_never_looser_than_needed() -> None:
    """Between the end of the table and the default there is nothing: the default counts."""
    default = run_lengths(DetectorSpec.model_validate("page_hinkley"))
    assert [default.at(level) for level in (1e7, 1.2e7, 1e8)] == [1e7, 5e7, 5e7]
