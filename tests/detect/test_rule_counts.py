"""The test of a rule's share of violations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.detect.rules.table import steps_of


def first_alarm(share: float, violations: np.ndarray) -> int | None:
    """Return the index of the first event at which a sum reaches its limit."""
    up, down, limit = steps_of(share)
    score = 0
    for at, violated in enumerate(violations.tolist()):
        score = score + up if violated else max(0, score - down)
        if score >= limit:
            return at
    return None


@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5])
def test_the_allowed_share_is_quiet(share: float) -> None:
    """At exactly the allowed share, a hundred thousand events give no alarm."""
    draw = np.random.default_rng(7)

    assert first_alarm(share, draw.random(100_000) < share) is None


@pytest.mark.parametrize(("share", "events"), [(0.01, 6000), (0.05, 1200), (0.3, 200)])
def test_twice_the_allowed_share_is_found(share: float, events: int) -> None:
    """At twice the allowed share, an alarm comes after the time that the docs say, or sooner."""
    found = [
        first_alarm(share, np.random.default_rng(seed).random(20 * events) < 2 * share)
        for seed in range(9)
    ]

    assert np.median([each for each in found if each is not None]) < events
    assert None not in found


def test_without_an_allowed_share_the_first_violation_counts() -> None:
    """With `most: 0` the first violation is an alarm."""
    assert first_alarm(0.0, np.array([0, 0, 1])) == 2


@settings(max_examples=50)
@given(st.floats(0, 1, exclude_max=True))
def test_any_share_has_a_test(share: float) -> None:
    """Whatever share is allowed, violations add to the sum, others take from it, a limit exists."""
    up, down, limit = steps_of(share)

    assert min(up, down, limit) >= 1
    assert -(-limit // up) < 2**62
