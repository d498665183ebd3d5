"""The window of a rule `unique`."""

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamproc.detect.rules.recent_values import RecentValues


def judged(recent: RecentValues, values: np.ndarray, position: int = 0) -> list[int]:
    """Return what a window finds of values."""
    codes = np.empty(len(values), np.int8)
    recent.judge(values, np.ones(len(values), np.bool_), position, codes)
    return codes.tolist()


@settings(max_examples=50, deadline=None)
@given(
    within=st.integers(1, 400),
    values=st.lists(st.integers(0, 500).map(lambda value: value << 40), max_size=1500),
    cut=st.integers(0, 1500),
)
def test_a_value_is_found_exactly_among_the_last_ones(
    within: int, values: list[int], cut: int
) -> None:
    """Whatever comes, and wherever it is saved and restored, a window answers as a list does."""
    last: deque[int] = deque(maxlen=within)
    expected = []
    for value in values:
        expected.append(int(value in last))
        last.append(value)
    first, second = np.array(values[:cut], np.uint64), np.array(values[cut:], np.uint64)
    recent, restored = RecentValues(within), RecentValues(within)
    found = judged(recent, first)
    restored.load(*recent.state(len(first)), len(first))

    assert found + judged(restored, second, len(first)) == expected


def test_a_window_takes_bounded_memory() -> None:
    """After many times as many values as it has, a window holds no more than these."""
    recent = RecentValues(1000)
    judged(recent, np.arange(200_000, dtype=np.uint64))
    digests, ages = recent.state(200_000)

    assert digests.tolist() == list(range(199_000, 200_000))
    assert ages.tolist() == list(range(1000, 0, -1))
    assert len(recent._positions) <= 4096  # 64 bytes for each value


@pytest.mark.parametrize("ages", [[4, 2], [3, 3], [2, 0], [1, 2]])
def test_a_damaged_state_is_refused(ages: list[int]) -> None:
    """Ages outside of the window, or out of order, are an error."""
    with pytest.raises(ValueError, match="ages of values do not fall"):
        RecentValues(3).load(np.zeros(2, np.uint64), np.array(ages, np.int32), 9)
