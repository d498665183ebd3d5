"""Which values of a tag are watched."""

import random

from hypothesis import given
from hypothesis import strategies as st

from streamproc.detect.tag_values import SPARE, TagValues

MANY = [f"v{min(int(random.Random(at).paretovariate(0.9)), 3000)}" for at in range(20_000)]


def test_the_values_that_most_events_have_are_watched() -> None:
    """Of thousands of values by a power law the most frequent ones are watched, in any case."""
    values = TagValues(largest=5)

    values.places(MANY)

    assert set(values.watched) == {"v1", "v2", "v3", "v4", "v5"}


def test_values_of_single_events_are_never_watched() -> None:
    """A tag with another value in each event watches nothing, and takes bounded room."""
    values = TagValues(largest=5)

    places = values.places([f"u{at}" for at in range(50_000)])

    assert (places == -1).all()
    assert values.watched == {}
    assert len(values.state().counts) <= SPARE
    assert values.others == 50_000


def test_a_value_that_comes_later_is_watched_while_fewer_are() -> None:
    """A region that opens in the second week has series as the others do."""
    values = TagValues(largest=3)
    values.places(["eu", "us"] * 500)

    places = values.places(["br"] * 100)

    assert places.tolist() == [-1] * 99 + [2]


def test_a_long_value_is_not_watched() -> None:
    """A text of thousands of characters in a tag takes no room."""
    values = TagValues(largest=3)

    assert (values.places(["x" * 256] * 500) == -1).all()
    assert values.state().counts == {}


@given(cuts=st.sets(st.integers(1, 2_999), max_size=20))
def test_any_split_gives_the_same_places(cuts: set[int]) -> None:
    """Values are counted one event after the other, also across a snapshot."""
    log = MANY[:3000]
    expected = TagValues(largest=4)
    places = expected.places(log).tolist()

    values, found = TagValues(largest=4), []
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), len(log)], strict=True):
        values = TagValues(4, values.state())
        found += values.places(log[start:stop]).tolist()

    assert found == places
    assert values.state() == expected.state()
