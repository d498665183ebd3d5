from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamproc.driver.slices import BatchSizer, Polled, Slice, SliceLimits, split
from streamproc.kafka.log_watch import Doubt


@dataclass(frozen=True)
class Stored:
    """What the tests need of a record."""

    offset: int
    key: bytes | None = b"key1"
    value: bytes | None = bytes(96)


def at(*offsets: int) -> list[Stored]:
    """Make records of 100 bytes."""
    return [Stored(offset) for offset in offsets]


@st.composite
def polls(draw: st.DrawFn) -> list[Stored]:
    """Draw records of one partition with gaps between offsets, some without key or value."""
    steps = draw(st.lists(st.integers(1, 5), min_size=1, max_size=60))
    offset, found = -1, []
    for step in steps:
        offset += step
        key = draw(st.none() | st.integers(0, 30).map(bytes))
        found.append(Stored(offset, key, draw(st.none() | st.integers(0, 300).map(bytes))))
    return found


def size(part: Slice) -> int:
    """Count the bytes that are limited."""
    return sum(len(r.key or b"") + len(r.value or b"") for r in part.records)


@given(polls(), st.integers(1, 20), st.integers(1, 1000))
def test_split_loses_nothing_and_keeps_order(
    records: list[Stored], most: int, most_bytes: int
) -> None:
    """The slices of a poll, put together, are the poll."""
    pace = BatchSizer(SliceLimits(records=most, bytes=most_bytes))
    parts = list(split("t", 3, records, pace))
    assert [record for part in parts for record in part.records] == records
    assert {(part.topic, part.partition) for part in parts} == {("t", 3)}


@given(polls(), st.integers(1, 20), st.integers(1, 1000))
def test_no_slice_passes_its_limits(records: list[Stored], most: int, most_bytes: int) -> None:
    """A slice keeps to both limits, but for a single record that is too large by itself."""
    pace = BatchSizer(SliceLimits(records=most, bytes=most_bytes))
    for part in split("t", 0, records, pace):
        assert 1 <= len(part) <= most
        assert len(part) == 1 or size(part) <= most_bytes


def test_slices_are_as_large_as_they_may_be() -> None:
    """A record goes into the next slice only if this one has no room for it."""
    pace = BatchSizer(SliceLimits(records=4, bytes=250))
    assert [len(part) for part in split("t", 0, at(*range(7)), pace)] == [2, 2, 2, 1]


def test_pace_is_asked_for_every_slice() -> None:
    """What is learned while a poll is handled counts for the rest of that poll."""
    pace = BatchSizer(SliceLimits(records=10, seconds=1.0))
    parts = split("t", 0, at(*range(25)), pace)
    assert len(next(parts)) == 10
    pace.learn(10, seconds=5.0)
    assert [len(part) for part in parts] == [2] * 7 + [1]


def test_slice_knows_its_offsets() -> None:
    """First and last offset are those of its records, whatever lies between."""
    part = Slice("t", 1, tuple(at(5, 9, 12)))
    assert (part.first_offset, part.last_offset, len(part)) == (5, 12, 3)
    assert repr(part) == "<Slice t-1@5..12: 3 records>"


def test_pace_grows_to_the_limit_and_no_further() -> None:
    """Full slices that take next to no time end at the limit on records."""
    pace = BatchSizer(SliceLimits(records=3000))
    grown = []
    for _ in range(6):
        grown.append(pace.records)
        pace.learn(pace.records, seconds=0.001)
    assert grown == [250, 500, 1000, 2000, 3000, 3000]


def test_pace_does_not_grow_on_slices_that_were_not_full() -> None:
    """A small slice says nothing about a large one."""
    pace = BatchSizer(SliceLimits())
    pace.learn(249, seconds=0.0)
    assert pace.records == 250


@given(st.floats(1e-6, 10.0), st.floats(0.01, 5.0))
def test_pace_keeps_a_steady_handler_within_its_time(cost: float, seconds: float) -> None:
    """With a constant cost a record, every slice after the first keeps to the limit, or is one."""
    pace = BatchSizer(SliceLimits(records=100_000, seconds=seconds))
    pace.learn(pace.records, pace.records * cost)
    for _ in range(40):
        assert pace.records == 1 or pace.records * cost <= seconds * (1 + 1e-9)
        pace.learn(pace.records, pace.records * cost)


@pytest.mark.parametrize("field", ["records", "bytes", "seconds"])
def test_limits_must_be_positive(field: str) -> None:
    """A limit of zero is refused by name."""
    with pytest.raises(ValueError, match=field):
        SliceLimits(**{field: 0})


@given(polls().filter(bool), st.integers(1, 20), st.integers(0, 50))
def test_slices_of_a_poll_leave_nothing_out(records: list[Stored], most: int, before: int) -> None:
    """Each slice begins where the one before it ends, and the first where the poll began."""
    begin = records[0].offset - before
    pace = BatchSizer(SliceLimits(records=most))
    parts = list(split("t", 0, Polled(records, begin), pace))
    ends = [part.last_offset + 1 for part in parts]
    assert [part.begin for part in parts] == [begin, *ends[:-1]]


def test_the_first_slice_of_a_poll_has_its_doubt() -> None:
    """What a poll found out about the log concerns the records that come first, and only them."""
    doubt = Doubt(suspect=True, out_of_range=7)
    polled = Polled(at(0, 1, 2, 3, 4), 0, doubt)
    parts = list(split("t", 0, polled, BatchSizer(SliceLimits(records=2))))
    assert [part.doubt for part in parts] == [doubt, Doubt(), Doubt()]
