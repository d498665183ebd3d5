import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_logs import (
    BEGIN,
    DAY,
    abreast,
    hard_logs,
    interleaved,
    join,
    outcomes,
    pairs,
    parts,
    tagged,
)

from streamproc.join.entry import InputLog
from streamproc.monitor import LogRecord
from streamproc.schemas.outcomes import OutcomeEvent
from streamproc.schemas.records import Reason

cuts = st.lists(st.integers(0, 2000), max_size=8)


def event(name: str, ts: float, **fields: Any) -> dict[str, Any]:
    """Make a prediction event of model m."""
    return {"model_id": "m", "event_id": name, "ts": ts, "prediction": 0.5} | fields


def label(name: str, ts: float, value: Any, **fields: Any) -> dict[str, Any]:
    """Make a label of model m."""
    return {"model_id": "m", "event_id": name, "ts": ts, "label": value} | fields


def told(*steps: tuple[InputLog, dict[str, Any]], **config: Any) -> list[dict[str, Any]]:
    """Join events and labels in the order given."""
    offsets = dict.fromkeys(InputLog, 0)
    target, found = join(**config), []
    for log, fields in steps:
        [(_, record)] = tagged(log, [fields])
        record = type(record)(offsets[log], record.value, record.timestamp, record.key)
        offsets[log] += 1
        found.append(target.process([(log, record)]))
    return outcomes(found)


E, F, L = InputLog.PREDICTIONS, InputLog.FEATURES, InputLog.LABELS


@given(seed=st.integers(0, 10**6), cut=cuts)
@settings(deadline=None, max_examples=60)
def test_the_joined_multiset_is_right_however_labels_come(seed: int, cut: list[int]) -> None:
    """Labels shuffled, three times, revised, missing, early: each pair is told exactly once."""
    draw = random.Random(seed)
    logs = hard_logs(draw.randint(1, 120), seed)
    mixed = interleaved(draw, tagged(E, logs.events * 3), tagged(L, logs.labels))
    target = join()

    joined = [target.process(part) for part in parts(mixed, cut)]

    assert pairs(joined) == logs.pairs


@given(seed=st.integers(0, 10**6), cut=cuts)
@settings(deadline=None, max_examples=60)
def test_any_split_gives_the_same_outcomes_in_the_same_order(seed: int, cut: list[int]) -> None:
    """One record at a time or all at once: the outcomes are the same bytes."""
    draw = random.Random(seed)
    logs = hard_logs(draw.randint(1, 80), seed)
    mixed = interleaved(draw, tagged(E, logs.events), tagged(L, logs.labels))
    whole, split = join("1d", max_pending=40), join("1d", max_pending=40)

    at_once = outcomes([whole.process(mixed)])
    in_parts = outcomes([split.process(part) for part in parts(mixed, cut)])

    assert in_parts == at_once


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 40), st.integers(0, 2)), max_size=25),
    st.dictionaries(st.integers(0, 4), st.integers(0, 40)),
    st.lists(st.integers(0, 4), max_size=10),
    st.integers(0, 10**6),
    st.integers(0, 10**6),
)
@settings(deadline=None, max_examples=300)
def test_late_and_unmatched_do_not_depend_on_what_was_read_first(
    labels: list[tuple[int, int, int]], times: dict[int, int], sent: list[int], one: int, other: int
) -> None:
    """Whether a label counts is a matter of the logs, not of which was read a week ahead."""
    # In units of a tenth of the horizon: up to four horizons apart, so all rules have their say.
    events = [(name, times[name]) for name in (*times, *sent) if name in times]
    first = [event(f"e{name}", BEGIN + ts * DAY / 10) for name, ts in events]
    second = [label(f"e{name}", BEGIN + ts * DAY / 10, value) for name, ts, value in labels]
    logs = tagged(E, first), tagged(L, second)
    orders = [abreast(random.Random(seed), DAY, *logs) for seed in (one, other)]

    # What waits until then is unmatched; only so is everything told.
    end = tagged(E, [event(f"end{number}", BEGIN + 50 * DAY) for number in range(6)])
    found = [outcomes([join("1d").process([*order, *end])]) for order in orders]

    assert by_id(found[0]) == by_id(found[1])


def by_id(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Outcomes without their place in the log; of unmatched labels that are equal any counts."""
    return {
        told["outcome_id"]: {} if told["status"] == "unmatched" else told | {"seq": 0}
        for told in found
    }


def test_an_outcome_says_all_that_its_event_and_label_said() -> None:
    """Features, tags, version, prediction, both times, the delay and both records are there."""
    fields = {"features": {"a": 1.5, "b": "x", "c": None}, "tags": {"r": "eu"}}
    [outcome] = told(
        (E, event("1", BEGIN, model_version="7", **fields)), (L, label("1", BEGIN + 60.5, "cat"))
    )

    read = OutcomeEvent.from_json(json.dumps(outcome))
    assert read.features == {"a": 1.5, "b": "x", "c": None}
    assert (read.tags, read.model_version, read.prediction) == ({"r": "eu"}, "7", 0.5)
    assert (read.status, read.revision, read.label, read.delay) == ("labelled", 1, "cat", 60.5)
    assert read.ts is not None
    assert read.ts.timestamp() == BEGIN
    assert read.event_source is not None
    assert read.label_source is not None
    assert (read.event_source.topic, read.label_source.topic) == ("predictions", "labels")


def test_a_late_label_is_told_as_late() -> None:
    """A label past the horizon comes with no features to learn from."""
    [outcome] = told((E, event("1", BEGIN)), (L, label("1", BEGIN + 2 * DAY, 1)), horizon="36h")

    assert (outcome["status"], outcome["delay"]) == ("late", 2 * DAY)
    assert "prediction" not in outcome


def test_labels_are_late_by_their_own_log_not_by_their_own_time() -> None:
    """An old label that comes after newer ones is as late as these."""
    found = told(
        (E, event("1", BEGIN)),
        *[(L, label(name, BEGIN + 2 * DAY, 1)) for name in "234"],
        (L, label("1", BEGIN, 1)),
        horizon="36h",
    )  # fmt: skip

    assert [outcome["status"] for outcome in found] == ["late"]


def test_a_label_whose_event_never_comes_is_told_in_the_end() -> None:
    """It waits as long as the horizon, in the time of the events."""
    found = told(
        (L, label("none", BEGIN, 1)),
        *[(E, event(name, BEGIN + 0.9 * DAY)) for name in "123"],
        *[(E, event(name, BEGIN + 1.1 * DAY)) for name in "456"],
        horizon="1d",
    )  # fmt: skip

    assert [(o["status"], o["event_id"]) for o in found] == [("unmatched", "none")]


def test_each_revision_is_told_even_when_the_labels_came_first() -> None:
    """Nobody can tell from the outcomes whether the labels came before the event."""
    labels = [(L, label("1", BEGIN, value)) for value in (True, False, False, True)]
    after = told((E, event("1", BEGIN)), *labels)
    before = told(*labels, (E, event("1", BEGIN)))

    assert [(o["status"], o["label"]) for o in before] == [
        ("labelled", True), ("revised", False), ("revised", True),
    ]  # fmt: skip
    assert before == after


def test_models_have_their_own_time() -> None:
    """A file of last year, published beside live events, is not late because of them."""
    found = told(
        (E, event("1", BEGIN + 400 * DAY)),
        (L, label("1", BEGIN + 400 * DAY, 1)),
        (E, event("1", BEGIN) | {"model_id": "old"}),
        (L, label("1", BEGIN, 1) | {"model_id": "old"}),
    )

    assert [outcome["status"] for outcome in found] == ["labelled", "labelled"]


@pytest.mark.parametrize("log", [E, L])
def test_a_clock_that_is_a_year_ahead_harms_no_others(log: InputLog) -> None:
    """A time long after that of its record is not believed."""
    wrong = BEGIN + 365 * DAY
    fields = event("far", wrong) if log is E else label("far", wrong, 1)
    steps = [(log, fields), (E, event("1", BEGIN)), (L, label("1", BEGIN + 60, 1))]
    records = [(log, tagged(log, [fields])[0][1]) for log, fields in steps]
    stamped = [
        (log, type(r)(number, r.value, int(BEGIN * 1000), r.key))
        for number, (log, r) in enumerate(records)
    ]

    joined = join().process(stamped)

    assert [o["status"] for o in outcomes([joined])] == ["labelled"]


def test_a_label_that_is_none_is_a_dead_letter() -> None:
    """Each bad label is told once, with its reason; those beside it count."""
    good = {"model_id": "m", "event_id": "1", "label": 1}
    bad = [b"{", b'{"model_id":"m","label":1}', b'{"model_id":"m","event_id":"1","label":[1]}', b""]
    records = [(E, tagged(E, [event("1", 0)])[0][1])]
    for number, body in enumerate([*bad, json.dumps(good).encode()]):
        records.append((L, type(records[0][1])(number, body)))

    joined = join().process(records)

    assert [(letter.reason, letter.topic, letter.offset) for letter in joined.dead_letters] == [
        (Reason.NOT_JSON, "labels", 0),
        (Reason.MISSING_FIELD, "labels", 1),
        (Reason.WRONG_TYPE, "labels", 2),
        (Reason.EMPTY, "labels", 3),
    ]
    assert joined.counts["labelled"] == 1


def test_what_waits_is_bounded_in_time() -> None:
    """Events leave when no label can be joined to them, whether labels come or not."""
    target = join("1h")
    events = [event(str(number), BEGIN + 60 * number) for number in range(3000)]

    target.process(tagged(E, events))

    assert len(target.shelf) < 3.2 * 60


def test_what_waits_is_bounded_in_number() -> None:
    """Past the cap the oldest are given up, and counted; the newest are still joined."""
    target = join(max_pending=100)
    events = [event(str(number), BEGIN) for number in range(150)]

    joined = [
        target.process(tagged(E, events)),
        target.process(tagged(L, [label("149", BEGIN, 1)])),
    ]

    assert len(target.shelf) <= 100
    assert joined[0].counts["given_up"] >= 50
    assert joined[1].counts["labelled"] == 1


def test_events_of_online_models_are_told_when_they_come() -> None:
    """An online model is asked about feature events too, with or without an id; others are not."""
    found = told(
        (F, event("1", BEGIN, features={"a": 1}) | {"prediction": None}),
        (F, {"model_id": "m", "ts": BEGIN, "features": {"a": 2}}),
        (E, event("1", BEGIN) | {"model_id": "other"}),
        (L, label("1", BEGIN, 1)),
        asks=lambda model: model == "m",
    )

    assert [(o["status"], o["features"]) for o in found] == [
        ("asked", {"a": 1}), ("asked", {"a": 2}), ("labelled", {"a": 1}),
    ]  # fmt: skip
    assert len({o["outcome_id"] for o in found}) == 3


def test_an_event_is_joined_alike_however_it_is_written() -> None:
    """With its time as a text, with hundreds of features, or spread over lines: it is the same."""
    features = {f"feature_{number}": 0.5 for number in range(100)}
    one = event("1", BEGIN) | {"features": features}
    text = one | {"ts": datetime.fromtimestamp(BEGIN, UTC).isoformat()}

    said = [told((E, each), (L, label("1", BEGIN, 1))) for each in (one, text)]
    lines = json.dumps(one, indent=1).encode()
    last = tagged(L, [label("1", BEGIN, 1)])
    said.append(outcomes([join().process([(E, LogRecord(0, lines, 0, b"m")), *last])]))

    assert said[0][0]["features"] == features
    assert said[0] == said[1] == said[2]
