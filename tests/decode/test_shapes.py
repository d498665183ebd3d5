"""What an event costs depends on what it holds, not on what its model has held or holds by turns.

Work is counted, not time: layouts that are built, and records that are read one by one.
"""

import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import record, run, shard, state

from streamproc.decode import duplicate_keys, layout
from streamproc.decode.decoder import Decoder
from streamproc.detect import series_registry

PATIENT = {"policy": {"update_interval": "1s", "resolve_after": 500}}


def usual(draw: random.Random, model: str = "m", **fields: Any) -> dict[str, Any]:
    """Draw an event with three features."""
    features = {name: draw.gauss(0, 1) for name in "abc"}
    return {"model_id": model, "prediction": draw.random(), "features": features} | fields


def growing_log() -> list[Any]:
    """Two models whose events bring new features, kinds and classes, in forms by turns."""
    draw = random.Random(5)
    records = []
    for offset in range(1500):
        late = 4.0 * (offset > 900)
        event = usual(draw, "mn"[offset % 2])
        event["features"]["a"] += late
        if offset % 7 == 0:
            kind = (1.5, "text", [1.0, 2.0], None)[offset % 4]
            event["features"][f"new {offset % 250}"] = kind
        if offset % 5 == 0:
            event["features"][f"often {offset % 3}"] = draw.gauss(late, 1)
        if offset % 11 == 0:
            event["features"]["a"] = "odd"
        share = draw.random() / 4 + late / 8
        forms = (event["prediction"], {"yes": share, "no": 1 - share}, draw.choice("xyz"))
        event["prediction"] = forms[offset % 3] if offset > 300 else forms[0]
        if offset % 40 == 0:
            event["prediction"] = {"yes": share, f"rare {offset}": 1 - share}
        records.append(record(offset, event))
    for offset in range(33, 1500, 97):
        batch = b"[" + records[offset].value + b"," + records[offset - 1].value + b"]"
        records[offset] = record(offset, batch, key=b"n")
    return records


LOG = growing_log()


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, len(LOG) - 1), max_size=40, unique=True))
def test_growth_and_forms_by_turns_do_not_depend_on_the_split(cuts: list[int]) -> None:
    """A log that grows and answers in forms by turns gives the same in any slices."""
    unsplit, parts = shard(PATIENT), shard(PATIENT)
    alerts = run(unsplit, LOG).alerts
    assert alerts
    assert run(parts, LOG, cuts).alerts == alerts
    assert state(parts) == state(unsplit)


def test_event_by_event_is_as_all_at_once() -> None:
    """Slices of one event each give the state and the alerts of one slice."""
    unsplit, parts = shard(PATIENT), shard(PATIENT)
    alerts = run(unsplit, LOG).alerts
    assert run(parts, LOG, range(1, len(LOG))).alerts == alerts
    assert state(parts) == state(unsplit)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the layouts that are built."""
    counts: Counter[str] = Counter()
    build = series_registry.Layout

    def counted(*arguments: Any) -> Any:
        counts["layouts"] += 1
        return build(*arguments)

    monkeypatch.setattr(series_registry, "Layout", counted)
    return counts


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the records that are read one by one, and those that no decoder of a layout reads."""
    counts: Counter[str] = Counter()
    for name in ("_read_one", "_read_any"):
        read = getattr(Decoder, name)

        def counted(*arguments: Any, read: Any = read, name: str = name) -> Any:
            counts[name] += 1
            return read(*arguments)

        monkeypatch.setattr(Decoder, name, counted)
    return counts


def test_a_record_full_of_new_names_builds_two_layouts(built: Counter[str]) -> None:
    """Events that each name another feature share one layout, however many they are."""
    draw = random.Random(1)
    events = [usual(draw) for _ in range(400)]
    for number, event in enumerate(events):
        event["features"][f"word {number}"] = 1.0
    target = shard()
    outcome = run(target, [record(0, json.dumps(events).encode(), key=b"m")])
    assert outcome.events == 400
    assert target.catalogue.series == 404
    assert built["layouts"] <= 2


def test_forms_by_turns_build_no_layout_a_turn(built: Counter[str]) -> None:
    """Numbers, probabilities and labels by turns are one shape."""
    draw = random.Random(1)
    forms = (0.5, {"yes": 0.25, "no": 0.75}, "yes")
    log = [record(at, usual(draw, prediction=forms[at % 3])) for at in range(300)]
    target = shard()
    run(target, log, range(30, 300, 30))
    assert built["layouts"] <= 3
    series = {name for name in target.catalogue.models["m"].slots if name.startswith("prediction")}
    assert series == {"prediction", "prediction:yes", "prediction:no"}


def test_forms_by_turns_are_read_by_the_decoder_of_their_layout(alone: Counter[str]) -> None:
    """Once all forms are known, no event of a canary is decoded twice."""
    draw = random.Random(1)
    forms = (0.5, {"yes": 0.25, "no": 0.75}, "yes")
    log = [record(at, usual(draw, prediction=forms[at % 3])) for at in range(600)]
    target = shard()
    run(target, log[:200], range(20, 200, 20))
    alone.clear()
    run(target, log[200:])
    assert alone["_read_any"] == 0


def test_a_model_that_has_grown_is_soon_read_in_scans_again(alone: Counter[str]) -> None:
    """After a slice with new names, few events of the next one are decoded one by one."""
    draw = random.Random(1)
    log = []
    for offset in range(2000):
        event = usual(draw)
        event["features"][f"name {min(offset, 40)}"] = 1.0
        log.append(record(offset, event))
    target = shard()
    run(target, log[:1000])
    alone.clear()
    run(target, log[1000:])
    assert alone["_read_one"] <= 100


def test_forms_by_turns_of_one_model_do_not_slow_a_new_one_down(alone: Counter[str]) -> None:
    """Events of a new model are read in scans, however little scans found in those before it."""
    draw = random.Random(1)
    forms = (0.5, {"yes": 0.25, "no": 0.75})
    turns = [usual(draw, "turns", prediction=forms[at % 2]) for at in range(6000)]
    log = [record(at, event) for at, event in enumerate(turns)]
    log += [record(6000 + at, usual(draw)) for at in range(2000)]
    target = shard()
    run(target, log[:6000], range(600, 6000, 600))
    alone.clear()
    run(target, log[6000:], [1000])
    assert alone["_read_one"] <= 600


def test_a_wide_model_costs_no_struct_of_all_its_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where few events of thousands of names are read alone, no decoder of all names is made."""
    made: list[int] = []
    typed = layout.typed

    def counted(shape: Any, topic: Any) -> Any:
        made.append(shape.features)
        return typed(shape, topic)

    monkeypatch.setattr(layout, "typed", counted)
    draw = random.Random(1)
    log = []
    for offset in range(3000):
        event = usual(draw, model_version="7")
        event["features"][f"name {offset % 600}"] = draw.gauss(8.0 * (offset > 2500), 1)
        log.append(record(offset, event))
    alerts = run(shard(), log, range(500, 3000, 500)).alerts
    assert {alert.model_version for alert in alerts} == {"7"}
    assert max(made, default=0) < 600


def test_a_label_that_another_form_came_between_is_not_forgotten() -> None:
    """Of labels by turns with numbers a class is 0 where another one is predicted."""
    log = [
        record(at, {"model_id": "m", "prediction": 0.5 if at % 2 else "xy"[at % 4 // 2]})
        for at in range(200)
    ]
    target = shard()
    run(target, log)
    model = target.catalogue.models["m"]
    profile = target.catalogue.groups[model.layout].of("prediction:x")
    assert profile is not None
    assert profile.watch.level(model.slots["prediction:x"]).mean == 0.5


def test_classes_beyond_the_cap_are_decoded_once(alone: Counter[str]) -> None:
    """Probabilities and labels of classes that nobody watches cost no second decoder."""
    draw = random.Random(1)
    labels = [record(at, usual(draw, prediction=f"class {at}")) for at in range(300)]
    shares = [
        record(at, usual(draw, "n", prediction={f"class {at}": 1.0})) for at in range(300, 600)
    ]
    target = shard()
    run(target, labels[:150] + shares[:150], range(10, 300, 10))
    alone.clear()
    run(target, labels[150:] + shares[150:])
    assert alone["_read_any"] == 0


def test_a_stray_of_one_model_leaves_the_others_read_side_by_side(alone: Counter[str]) -> None:
    """A value of another kind makes only its model read one by one."""
    draw = random.Random(1)
    log = [record(at, usual(draw, f"m{at % 50}")) for at in range(2000)]
    stray = usual(draw, "m0")
    stray["features"]["a"] = "text"
    log[1500] = record(1500, stray)
    target = shard()
    run(target, log[:1500], range(100, 1500, 100))
    alone.clear()
    run(target, log[1500:])
    assert alone["_read_one"] <= 10


def test_many_keys_and_escaped_ones_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that JSON escapes, or the 513th, costs no look at each key with an expression."""
    names = ["größe", *(f"f{number}" for number in range(600))]
    body = json.dumps({"features": dict.fromkeys(names, 1)}).encode()

    def never(_: bytes) -> None:
        pytest.fail("each key is looked at")

    monkeypatch.setattr(duplicate_keys, "_first_twice", never)
    assert duplicate_keys.find_duplicate_key(body) is None
