"""A field of an unusual type costs at most that field, and is reported once."""

import json
import random
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_logs import NOW, record, run, shard, state

from streamproc.decode.event_schema import FeatureType, Topic
from streamproc.monitor import Monitor
from streamproc.pipeline import restore, snapshot
from streamproc.schemas.records import Reason

STRICT = {"strict": True}


def body(**fields: Any) -> bytes:
    """Encode an event as Python does, with NaN and Infinity."""
    return json.dumps({"model_id": "m", "prediction": 0.25} | fields).encode()


@pytest.mark.parametrize(
    "odd",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"-1e999",
        b"nan",
        b"-nan(ind)",
        b"-inf",
        b"1.#QNAN",
        b"[1.5, INF]",
        b"9" * 400,
        b'["red", "blue"]',
        b"[1.5, null]",
        b"[1.5, NaN]",
        b"[[1], [2]]",
        b"{}",
    ],
)
@pytest.mark.parametrize("form", ["%b", "[%b]", "[ %b , %b ]", "%b\n%b"])
def test_an_unreadable_feature_counts_as_missing(odd: bytes, form: str) -> None:
    """The other features of the event are watched, in single events, arrays and lines."""
    text = b'{"model_id": "m", "prediction": 0.25, "features": {"x": 7.5, "odd": ' + odd + b"}}"
    value = form.encode().replace(b"%b", text)
    target = shard()
    outcome = run(target, [record(0, value, key=b"m")])

    assert outcome.dead_letters == []
    assert outcome.events == value.count(b"model_id")
    kinds = target.catalogue.models["m"].layout.kinds
    assert kinds == {"x": FeatureType.NUMBER, "odd": FeatureType.NULL}
    [alert] = [alert for alert in outcome.alerts if alert.detector == "inputs"]
    assert (alert.kind, alert.severity, alert.model_id) == ("system", "warning", "m")
    assert "feature 'odd'" in alert.message
    assert "counts as missing" in alert.message


def test_a_feature_that_becomes_nan_is_an_alert_of_its_quality() -> None:
    """So is what another feature does meanwhile."""
    draw = random.Random(11)
    monitor = Monitor()
    records = [
        record(
            index,
            body(
                features={
                    "moves": draw.gauss(4.0 if index < 1500 else 30.0, 2.0),
                    "breaks": float("nan") if index >= 1500 else draw.gauss(0, 1),
                }
            ),
            key=b"m",
        )
        for index in range(3000)
    ]
    alerts = monitor.process_records("predictions", 0, records)
    assert monitor.dead_letters == []
    assert monitor.events == 3000
    assert {"feature:moves", "quality:breaks"} <= {alert.series for alert in alerts}


def test_nested_objects_are_features_with_dotted_names() -> None:
    """A feature that is named so itself keeps its value."""
    features = {"user": {"age": 31, "home": {"zip": "0815"}}, "user.age": 32, "n": 1}
    target = shard(kind=Topic.FEATURES)
    run(target, [record(0, {"model_id": "m", "features": features})])
    model = target.catalogue.models["m"]
    assert set(model.layout.kinds) == {"user.age", "user.home.zip", "n"}


PREDICTIONS = [
    ([0.2, 0.5, 0.3], {"prediction:0", "prediction:1", "prediction:2"}),
    ([[0.4, 0.6]], {"prediction:0", "prediction:1"}),
    ([0.75], {"prediction"}),
    ({"yes": 1.00003, "no": -0.00002}, {"prediction:yes", "prediction:no"}),
    ({"yes": 0.5, "no": None}, {"prediction:yes"}),
    (None, set()),
    ([3.5, -2.0], set()),
    ({"yes": 17.0}, set()),
    ({}, set()),
]


@pytest.mark.parametrize(
    ("prediction", "series"), PREDICTIONS, ids=[repr(prediction) for prediction, _ in PREDICTIONS]
)
def test_a_prediction_in_another_form_is_watched(prediction: Any, series: set[str]) -> None:
    """Lists are classes by index, rounding errors are cut, an unreadable one costs nothing else."""
    target = shard()
    events = [{"model_id": "m", "features": {"x": 1.5}, "prediction": prediction}] * 2
    outcome = run(target, [record(i, event) for i, event in enumerate(events)])
    assert (outcome.events, outcome.dead_letters) == (2, [])
    assert set(target.catalogue.models["m"].slots) == {"feature:x"} | series


@pytest.mark.parametrize("usual", [0.5, {"a": 0.75, "b": 0.25}, "a"], ids=repr)
def test_a_prediction_that_is_null_now_and_then_is_a_gap(usual: Any) -> None:
    """It is neither a number nor a vote against each class; later predictions are watched."""
    target = shard()
    events = [
        {"model_id": "m", "features": {"x": 1.5}, "prediction": None if i % 3 == 0 else usual}
        for i in range(60)
    ]
    outcome = run(target, [record(i, event) for i, event in enumerate(events)], range(1, 60, 7))
    assert outcome.events == 60
    once = shard()
    run(once, [record(i, e) for i, e in enumerate(events) if e["prediction"] is not None])
    for series in target.catalogue.models["m"].slots:
        if series.startswith("prediction"):
            assert state(target)[f"m/{series}"] == state(once)[f"m/{series}"]


def test_ids_versions_and_tags_become_text() -> None:
    """An integer id is a duplicate of itself, and its label finds the event."""
    monitor = Monitor()
    events = [
        {
            "model_id": "m",
            "event_id": 41,
            "model_version": 3,
            "tags": {"shop": 9},
            "prediction": 1.5,
        },
        {"model_id": "m", "event_id": "41", "label": 2.5},
    ]
    monitor.process(events)
    [outcome] = monitor.outcomes
    assert (outcome.event_id, outcome.model_version, outcome.tags) == ("41", "3", {"shop": "9"})
    assert (outcome.prediction, outcome.label, outcome.status) == (1.5, 2.5, "labelled")


TIMES = [
    ("2026-03-01T12:00:00", "UTC", "2026-03-01T12:00:00+00:00"),
    ("2026-03-01 12:00:00.25", "UTC", "2026-03-01T12:00:00.25+00:00"),
    ("2026-07-01T12:00:00", "Europe/Berlin", "2026-07-01T10:00:00+00:00"),
    ("2026-07-01T12:00:00+0200", "Asia/Tokyo", "2026-07-01T10:00:00+00:00"),
    (1_772_366_400_000_000, "UTC", "2026-03-01T12:00:00+00:00"),
    (1_772_366_400_000_000_000, "UTC", "2026-03-01T12:00:00+00:00"),
    ("1772366400000", "UTC", "2026-03-01T12:00:00+00:00"),
]


@pytest.mark.parametrize(("ts", "zone", "expected"), TIMES)
def test_a_time_without_a_zone_or_in_smaller_units_is_read(
    ts: Any, zone: str, expected: str
) -> None:
    """Times of events and of labels, in the zone of the configuration."""
    monitor = Monitor({"topics": {"zone": zone}})
    monitor.process(
        [
            {"model_id": "m", "event_id": "a", "ts": ts, "prediction": 1.5},
            {"model_id": "m", "event_id": "a", "ts": ts, "label": 1.0},
        ]
    )
    [outcome] = monitor.outcomes
    assert outcome.ts == outcome.label_ts == datetime.fromisoformat(expected)


def test_an_unknown_zone_is_an_error_of_the_configuration() -> None:
    """The message names the field and shows an example."""
    with pytest.raises(Exception, match=r"topics\.zone.*Europe/Berlin"):
        Monitor({"topics": {"zone": "Middle/Earth"}})
    assert ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    "fields",
    [
        {"model_id": 7},
        {"event_id": 1.5},
        {"event_id": True},
        {"ts": "tomorrow"},
        {"ts": float("nan")},
        {"ts": True},
    ],
    ids=repr,
)
def test_what_identifies_an_event_stays_strict(fields: dict[str, Any]) -> None:
    """A wrong model, event or time is a dead letter."""
    outcome = run(shard(), [record(0, body(**fields))])
    assert outcome.events == 0
    assert [letter.reason for letter in outcome.dead_letters] == [Reason.WRONG_TYPE]


@pytest.mark.parametrize(
    "fields",
    [
        {"features": {"a": float("nan")}},
        {"features": {"a": {"b": 1}}},
        {"event_id": 7},
        {"prediction": None},
        {"prediction": [0.5, 0.5]},
        {"prediction": {"a": 1.00001}},
        {"ts": "2026-03-01T12:00:00"},
        {"ts": 1_772_366_400_000_000},
    ],
    ids=repr,
)
def test_strict_refuses_all_of_it(fields: dict[str, Any]) -> None:
    """With `strict: true` each such event is a dead letter, and without it none is."""
    strict = run(shard(STRICT), [record(0, body(**fields))])
    assert (strict.events, len(strict.dead_letters), strict.alerts) == (0, 1, [])
    lenient = run(shard(), [record(0, body(**fields))])
    assert (lenient.events, lenient.dead_letters) == (1, [])


@pytest.mark.parametrize(
    "header",
    [
        b'"application/json"',
        b'{"schema":{"type":"string","optional":false},"payload":"application/json"}',
        b"text/json; charset=utf-8",
        b"application/vnd.kafka.json.v2+json",
    ],
)
def test_content_types_of_spring_and_connect_are_json(header: bytes) -> None:
    """Quoted headers, and headers of Connect's JsonConverter."""
    outcome = run(shard(), [record(0, body(), headers=(("content-type", header),))])
    assert (outcome.events, outcome.dead_letters) == (1, [])


@pytest.mark.parametrize(
    "value",
    [
        b'{"model_id": "m", "prediction": 0.5, "features": {"a": NaN}',
        b'{"model_id": "m", "prediction": 0.5, "features": {"a": NaN, "b": "\\ud800"}}',
        b'{"model_id": "m", "prediction": 0.5, "features": {"a": none}}',
        b'[{"model_id": "m", "prediction": 0.5, "features": {"a": NaN}}',
        b'{"model_id": "m", "prediction": 0.5, "features": {"a": NaN, "a": 1}}',
        b'{"model_id": "m", "prediction": 0.5, "features": {"a": NaN, "b": "\xff"}}',
    ],
)
def test_what_is_not_json_otherwise_stays_a_dead_letter(value: bytes) -> None:
    """Only the tokens NaN and Infinity are taken beyond JSON."""
    outcome = run(shard(), [record(0, value, key=b"m")])
    assert (outcome.events, len(outcome.dead_letters)) == (0, 1)
    assert outcome.dead_letters[0].value == value


def make_odd(
    kind: int, offset: int, event: dict[str, Any], features: dict[str, Any], draw: random.Random
) -> None:
    """Change a field of an event to an unusual type; one of several, or none."""
    match kind:
        case 3:
            features["plain"] = float("nan")
        case 5:
            features["more"] = {"deep": draw.random()}
        case 7:
            event["prediction"] = None
        case 9:
            event["prediction"] = f"{draw.random():.3f}"
        case 11:
            event |= {"event_id": offset, "tags": {"n": 1}}
        case 13:
            features["text"] = None
        case 15:
            event["ts"] = 1_790_000_000_000_000 + 1_000_001 * offset
        case 17:
            event["ts"] = f"2026-09-21 13:33:20.{offset:06d}"


def odd_log() -> list[Any]:
    """Three models with odd fields of each kind between plain events, some of them in batches."""
    draw = random.Random(23)
    records = []
    for offset in range(1200):
        model = "abc"[offset % 3]
        value = draw.gauss(8.0 if offset > 700 else 1.0, 1.0)
        features: dict[str, Any] = {"plain": value, "text": f"{draw.lognormvariate(3, 1):.2f}"}
        event: dict[str, Any] = {"model_id": model, "prediction": draw.random()}
        make_odd(offset % 19, offset, event, features, draw)
        if model == "c":
            features["code"] = draw.choice(["7", "8", "9"])
            features["mixed"] = str(offset) if offset < 120 else "none"
        event["features"] = features
        records.append(record(offset, json.dumps(event).encode(), key=model.encode()))
    for offset in range(33, 1200, 97):
        batch = b"[" + records[offset].value + b"," + records[offset - 1].value + b"]"
        records[offset] = record(offset, batch, key=b"b")
    return records


ODD = odd_log()


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, len(ODD) - 1), max_size=40, unique=True))
def test_lenient_decoding_does_not_depend_on_the_split(cuts: list[int]) -> None:
    """Alerts and state are the same for any slices."""
    unsplit, parts = shard(), shard()
    alerts = run(unsplit, ODD).alerts
    assert alerts
    assert run(parts, ODD, cuts).alerts == alerts
    assert state(parts) == state(unsplit)


def test_event_by_event_is_as_all_at_once() -> None:
    """Slices of one record each give the alerts and the state of one slice."""
    unsplit, parts = shard(), shard()
    alerts = run(unsplit, ODD).alerts
    assert run(parts, ODD, range(1, len(ODD))).alerts == alerts
    assert state(parts) == state(unsplit)


@pytest.mark.parametrize("cut", [40, 100, 500])
def test_a_snapshot_continues_where_it_was(cut: int) -> None:
    """What is undecided or was reported is part of the state."""
    unsplit, first = shard(), shard()
    alerts = run(unsplit, ODD).alerts
    before = run(first, ODD[:cut]).alerts
    saved = snapshot.decode(snapshot.encode(first, "predictions", 0, cut))
    second = restore.restore(
        saved, Topic.PREDICTIONS, "predictions", 0, first.catalogue.config
    ).shard
    assert before + run(second, ODD[cut:]).alerts == alerts
    assert state(second) == state(unsplit)


def test_counts_tell_how_many_fields() -> None:
    """Each conversion and each unreadable field is counted, although it is reported once."""
    values = [body(features={"a": float("nan")}, event_id=i) for i in range(5)]
    outcome = shard().process([record(i, value) for i, value in enumerate(values)], NOW)
    assert outcome.fields == {"missing": 5, "coerced": 5}
    assert [alert.severity for alert in outcome.alerts] == ["info", "warning"]
