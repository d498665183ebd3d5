"""The worker's fast decoder and the contract's models must take and refuse the same events."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streamproc.decode.event_schema import Topic
from streamproc.decode.structs import DECODE_ERRORS, GENERIC, in_range
from streamproc.schemas.events import EventError, FeatureEvent, PredictionEvent, parse_event

numbers = st.integers() | st.floats() | st.sampled_from([10**400, 1e308, -0.0, 10**19, 1 << 64])
scalars = st.none() | st.booleans() | numbers | st.text(max_size=3)
lists = st.lists(numbers | scalars, max_size=3)
mappings = st.dictionaries(st.text(max_size=2), scalars | lists, max_size=3)
times = st.sampled_from(
    [
        *("2026-01-05T10:00:00Z", "2026-01-05 10:00:00.123456789+05:30", "2026-01-05T10:00:00"),
        *("2026-01-05T10:00:60Z", "2026-01-05T24:00:00Z"),
        *("0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"),
        *("2026-01-05", "1767607200", 1e11, 1e15, -62_135_596_800, -62_135_596_801, 10**30),
        *(253_402_300_799_999, 253_402_300_799_999.9, 253_402_300_800_000, 99_999_999_999.5),
    ]
)
probabilities = st.dictionaries(st.text(max_size=2), st.floats(-0.1, 1), max_size=2)
tags = st.dictionaries(st.text(max_size=2), st.text(max_size=2) | scalars, max_size=2)
# One field at a time is made strange: two wrong ones would hide each other.
versions = st.sampled_from(["1", "1.0", "1.12", "1.", "2", "10", " 1", 1, 1.9, 2, 0.9, "1\n"])
changes = st.one_of(
    st.fixed_dictionaries({"model_id": scalars | st.just("x" * 256)}),
    st.fixed_dictionaries({"features": mappings | scalars | lists}),
    st.fixed_dictionaries({"prediction": scalars | lists | mappings | probabilities}),
    st.fixed_dictionaries({"ts": scalars | times | lists}),
    st.fixed_dictionaries({"event_id": scalars}),
    st.fixed_dictionaries({"model_version": scalars}),
    st.fixed_dictionaries({"tags": tags | scalars}),
    st.fixed_dictionaries({"schema_version": versions | scalars | lists}),
    st.fixed_dictionaries({"source": st.text(max_size=2) | st.lists(st.text(), max_size=2)}),
)
bases = st.sampled_from([{"model_id": "m", "features": {}}, {"model_id": "m", "prediction": 1}])
events = st.builds(lambda base, change: base | change, bases, changes)


def contract(event: dict[str, Any]) -> PredictionEvent | FeatureEvent | None:
    """Give what the contract makes of a mapping; None when it refuses it."""
    try:
        parsed = parse_event(event)
    except EventError:
        return None
    assert isinstance(parsed, PredictionEvent | FeatureEvent)
    return parsed


def worker(event: dict[str, Any]) -> Any:
    """Give what the worker's decoder makes of it as JSON; None when it refuses it."""
    topic = Topic.PREDICTIONS if "prediction" in event else Topic.FEATURES
    try:
        decoded = GENERIC[topic].decode(json.dumps(event).encode())
    except DECODE_ERRORS:
        return None
    return decoded if in_range(decoded.ts, 0) else None


@given(event=events)
def test_both_take_and_refuse_the_same_events(event: dict[str, Any]) -> None:
    """A dead letter of the worker is an error of `Monitor`, and values come out alike."""
    ours, theirs = contract(event), worker(event)
    assert (ours is None) == (theirs is None)
    if ours is not None:
        assert ours.features == theirs.features
        assert getattr(ours, "prediction", 0) == getattr(theirs, "prediction", 0)
        assert (ours.event_id, ours.tags) == (theirs.event_id, theirs.tags)


def test_the_test_can_tell_them_apart() -> None:
    """A wrong type is refused by both, a right one taken by both."""
    assert worker({"model_id": "m", "features": {"x": 1}}) is not None
    assert worker({"model_id": "m", "features": {"x": {}}}) is None
    assert issubclass(msgspec.ValidationError, DECODE_ERRORS)
