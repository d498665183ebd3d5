"""One event or label with a wrong time harms nothing but itself."""

import json
import random
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_logs import BEGIN, join, outcomes, parts

from streamproc.join.entry import InputLog, Watermark
from streamproc.join.merge_order import Merge
from streamproc.join.store import InMemoryStore
from streamproc.join.watermark import BACKWARD_CONFIRMATIONS
from streamproc.monitor import LogRecord
from streamproc.schemas.records import Record

E, L = InputLog.PREDICTIONS, InputLog.LABELS
HALF_DAY, STEP, DELAY = 43_200.0, 20.0, 600.0
LAST_YEAR = "9999-06-01T00:00:00Z"
Tagged = tuple[InputLog, Record]


def event(name: str, ts: Any) -> dict[str, Any]:
    """Make a prediction event of model m."""
    return {"model_id": "m", "event_id": name, "ts": ts, "prediction": 0.5}


def label(name: str, ts: Any) -> dict[str, Any]:
    """Make a label of model m."""
    return {"model_id": "m", "event_id": name, "ts": ts, "label": True}


def record(fields: dict[str, Any], at: float) -> LogRecord:
    """Make a record that was produced at a time."""
    return LogRecord(int(at), json.dumps(fields).encode(), int(at * 1000), b"m")


def story(count: int = 400) -> list[Tagged]:
    """Produce an event every 20 s, and its label ten minutes later."""
    logs: list[tuple[float, Tagged]] = []
    for number in range(count):
        at = BEGIN + number * STEP
        logs.append((at, (E, record(event(f"{number}", at), at))))
        at += DELAY
        logs.append((at, (L, record(label(f"{number}", at), at))))
    return [tagged for _, tagged in sorted(logs, key=lambda each: each[0])]


def others(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the outcomes of all but the wrong ones, as they are but for their number."""
    return [each | {"seq": 0} for each in found if each.get("event_id") != "wrong"]


def wrong_times(at: float) -> dict[str, Any]:
    """Return wrong times of an event that is produced at a time."""
    return {"year 9999": LAST_YEAR, "negative": -1e9, "12 h ahead": at + HALF_DAY}


@pytest.mark.parametrize("horizon", ["1h", "1w"])
@pytest.mark.parametrize("kind", ["year 9999", "negative", "12 h ahead", "future record"])
@pytest.mark.parametrize("log", [E, L])
@pytest.mark.parametrize("place", [0, 1, 300])
def test_a_wrong_time_changes_no_other_outcome(
    place: int, log: InputLog, kind: str, horizon: str
) -> None:
    """Labels of other events are labelled, late and counted as if it had not come."""
    right = story()
    at = right[place][1].timestamp / 1000
    ts = wrong_times(at).get(kind)
    stamped = at if kind != "future record" else at + HALF_DAY
    fields = (event if log is E else label)("wrong", ts)
    wrong = [*right[:place], (log, record(fields, stamped)), *right[place:]]

    found = others(outcomes([join(horizon).process(wrong)]))

    statuses = [each["status"] for each in found if each["status"] != "coverage"]
    assert statuses == ["labelled"] * 400
    expected = others(outcomes([join(horizon).process(right)]))
    # Coverage counts the wrong event, too.
    assert [each for each in found if each["status"] != "coverage"] == [
        each for each in expected if each["status"] != "coverage"
    ]


@given(
    wrong=st.lists(st.tuples(st.integers(0, 159), st.sampled_from([E, L])), max_size=8),
    cut=st.lists(st.integers(0, 200), max_size=6),
    seed=st.integers(0, 99),
)
def test_any_split_of_wrong_times_gives_the_same(
    wrong: list[tuple[int, InputLog]], cut: list[int], seed: int
) -> None:
    """Whether a time is believed is a matter of its log, not of how it was read."""
    draw, records = random.Random(seed), story(80)
    for place, log in wrong:
        at = records[place][1].timestamp / 1000
        ts = draw.choice(list(wrong_times(at).values()))
        fields = (event if log is E else label)(f"wrong{place}", ts)
        records.insert(place, (log, record(fields, at)))
    whole, split = join("1h"), join("1h")

    in_parts = [split.process(part) for part in parts(records, cut)]

    assert outcomes(in_parts) == outcomes([whole.process(records)])


@pytest.mark.parametrize("clock", ["events", "labels"])
def test_a_state_of_before_with_a_wrong_time_recovers(clock: str) -> None:
    """A watermark of the year 9999 goes back to the times that come, and labels are joined."""
    old: list[Any] = [BEGIN, BEGIN, BEGIN, {}, {}, BEGIN, BEGIN]
    far = datetime(9999, 6, 1, tzinfo=UTC).timestamp()
    old[["events", "labels"].index(clock)] = old[2] = old[5] = old[6] = far
    shelf = InMemoryStore()
    shelf.set_clocks({"m": msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=Watermark)})
    target = join("1h")
    target.shelf = shelf

    found = outcomes([target.process(story(700))])

    labelled = {each["event_id"] for each in found if each["status"] == "labelled"}
    first = BACKWARD_CONFIRMATIONS + int(DELAY / STEP)
    assert labelled >= {str(number) for number in range(first, 700)}
    assert "coverage" in {each["status"] for each in found}


@pytest.mark.parametrize("ts", [LAST_YEAR, -5.0, BEGIN + HALF_DAY])
def test_a_wrong_time_is_reported(ts: Any) -> None:
    """An event before 1970, or hours ahead of its record, is named with its place."""
    right, wrong = event("1", BEGIN), event("wrong", ts)
    joined = join().process([(E, record(right, BEGIN)), (E, record(wrong, BEGIN + 1.0))])

    assert [item.event_id for item in joined.implausible] == ["wrong"]


def stamped(*stamps: int) -> list[LogRecord]:
    """Make records of these times."""
    return [LogRecord(offset, b"", stamp) for offset, stamp in enumerate(stamps)]


def taken(merge: Merge, *ended: InputLog) -> str:
    """Take what there is; return it as letters and times."""
    return " ".join(f"{'el'[log is L]}{r.timestamp}" for log, r in merge.take(ended, 100))


def test_a_label_from_the_future_holds_up_none_behind_it() -> None:
    """A record is no later than those that follow it in its log."""
    merge = Merge([E, L])
    merge.add(E, stamped(1, 2, 3, 4, 5))
    merge.add(L, stamped(1, 9_000_000, 3, 4))
    assert taken(merge) == "e1 l1 e2 l9000000 e3 l3"


def test_labels_that_are_all_from_the_future_are_joined_when_the_logs_were_read() -> None:
    """A producer whose clock is a day fast does not have to be waited for."""
    merge = Merge([E, L])
    merge.add(E, stamped(1, 2))
    merge.add(L, stamped(9_000_000, 9_000_001))
    merge.release()
    assert taken(merge) == "e1"
    merge.release()
    assert taken(merge, E, L) == "l9000000 e2 l9000001"
