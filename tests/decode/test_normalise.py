"""Events that are rewritten for the fast decoder give what the lenient decoder gives."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from record_logs import NOW, record, shard

from streamproc.decode import decoder
from streamproc.decode.lenient_numbers import as_number
from streamproc.decode.normalise import normalise

numbers = st.floats(allow_nan=True) | st.integers(-(10**20), 10**20) | st.none() | st.booleans()
texts = st.sampled_from(["1.5", "-0", "-0.0", "1e400", "01", "7", "x: NaN", '":"1', "}", "é"])
values = numbers | texts | st.decimals(allow_nan=False, allow_infinity=False).map(str)
times = st.sampled_from(
    [
        *(None, 1.5, 1_790_000_000_123_456, 1_790_000_000_123_456_789, 10**17, 10**15),
        *("2026-09-21T13:33:20", "2026-09-21 13:33:20.25", "2026-09-21T13:33:20Z"),
        "2026-02-30T00:00:00",
    ]
)
events = st.fixed_dictionaries(
    {"features": st.dictionaries(st.sampled_from(["a", "b", "event_id", "ts"]), values)},
    optional={
        "event_id": st.integers(0, 10**19) | texts,
        "ts": times,
        "prediction": values,
        "tags": st.dictionaries(st.sampled_from(["event_id", "ts", "t"]), texts | st.integers()),
    },
)


def columns(bodies: list[bytes], *, fast: bool, compact: bool) -> tuple[Any, ...]:
    """Watch a log, with or without rewriting, and return its final state and counts."""
    target = shard({"limits": {"recent_events": 0}})
    usual = {"a": 1.5, "b": 2.5, "event_id": 3.5, "ts": 4.5}
    learned = [{"model_id": "m", "prediction": 0.5, "features": usual}] * 20
    odd = {"a": float("nan"), "b": 1.0, "event_id": 1.0, "ts": 1.0}
    learned += [{"model_id": "m", "event_id": 1, "prediction": 0.5, "features": odd}]
    separators = (",", ":") if compact else None
    logs = [json.dumps(each, separators=separators).encode() for each in learned] + bodies
    records = [record(i, body, key=b"m") for i, body in enumerate(logs)]
    target.process(records[:21], NOW)
    if not fast:
        target._reader._scan_odd = lambda _layout, part, *_: part
    outcome = target.process(records[21:], NOW)
    model = target.catalogue.models["m"]
    found: list[Any] = [outcome.events, len(outcome.dead_letters), outcome.fields]
    for series, slot in sorted(model.slots.items()):
        profile = target.catalogue.groups[model.layout].of(series)
        if profile is not None and slot >= 0:
            arrays = profile.watch.state()
            filled = arrays["standardiser.filled"]
            found += [series, int(filled[slot])]
            waiting = arrays["standardiser.waiting"]
            ends = np.cumsum(-(-filled // waiting.shape[1]))
            begin = ends[slot - 1] if slot else 0
            found.append(waiting[begin : ends[slot]].tobytes())
    return tuple(found)


@settings(max_examples=150, deadline=None)
@given(drawn=st.lists(events, min_size=1, max_size=8), compact=st.booleans())
@example(
    drawn=[{"features": {}, "event_id": 1, "tags": {"t": "x: NaN"}, "prediction": 0.0}],
    compact=False,
)
def test_the_fast_and_the_lenient_way_agree(drawn: list[dict[str, Any]], *, compact: bool) -> None:
    """To the last bit, for numbers, counts and dead letters."""
    separators = (",", ":") if compact else None
    bodies = [
        json.dumps({"model_id": "m", **event}, separators=separators).encode() for event in drawn
    ]
    assert columns(bodies, fast=True, compact=compact) == columns(
        bodies, fast=False, compact=compact
    )


def test_odd_events_are_read_by_the_fast_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once they were reported, records with NaN are not decoded one by one."""
    target = shard()
    bodies = [
        json.dumps({"model_id": "m", "prediction": 0.5, "features": {"a": 1.5, "b": float("nan")}})
        for _ in range(900)
    ]
    records = [record(i, body.encode(), key=b"m") for i, body in enumerate(bodies)]
    target.process(
        [record(0, {"model_id": "m", "prediction": 0.5, "features": {"a": 1, "b": 1}})], NOW
    )
    target.process(records[1:100], NOW)

    def fail(*_: Any) -> None:
        pytest.fail("an event was decoded one by one")

    monkeypatch.setattr(decoder.Decoder, "_read_one", fail)
    outcome = target.process(records[100:], NOW)
    assert (outcome.events, outcome.fields["missing"]) == (800, 800)


def test_what_is_plain_is_left_alone() -> None:
    """There is nothing to rewrite, and texts without numbers stay texts."""
    for body in (b'{"features": {"a": 1.5}}', b'{"features": {"a": "NaN"}, "event_id": "7"}'):
        assert normalise(body, utc=True) is None
    for text in (b'"x: NaN"', b'"\\": NaN"'):
        body = b'{"features": {"a": 1.5}, "event_id": 7, "tags": {"t": %b}}' % text
        assert normalise(body, utc=True) is None
    assert as_number("-0") == 0.0
    assert str(as_number("-0")) == "0.0"
