import json

import pytest
from record_logs import record, run, shard, state

from streamproc.decode.event_schema import Topic
from streamproc.schemas.records import Reason

GOOD = {"model_id": "m", "features": {"a": 1.5, "b": True}, "prediction": 0.5}
DEEP = b'{"model_id": "m", "prediction": 1, "x": ' + b"[" * 5000 + b"]" * 5000 + b"}"

BAD = [
    (None, Reason.EMPTY),
    (b"", Reason.EMPTY),
    (b"  \n", Reason.EMPTY),
    (b"[]", Reason.EMPTY),
    (b"not json", Reason.NOT_JSON),
    (b'{"model_id": "m", "prediction": 1', Reason.NOT_JSON),
    (b'{"prediction": 1}', Reason.MISSING_FIELD),
    (b'{"model_id": "m", "features": {"a": 1}}', Reason.MISSING_FIELD),
    (b'{"model_id": "", "prediction": 1}', Reason.WRONG_TYPE),
    (json.dumps({"model_id": "m" * 256, "prediction": 1}).encode(), Reason.WRONG_TYPE),
    (b'{"model_id": 7, "prediction": 1}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "ts": "yesterday"}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "ts": 1e30}', Reason.WRONG_TYPE),
    (b'{"model_id": "m\xff", "prediction": 1}', Reason.NOT_UTF8),
    (b"\xff\xfe\x00", Reason.NOT_JSON),
    (b'"a string"', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "ts": "0001-01-01T00:00:00+10:00"}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "ts": "9999-12-31T23:59:59-10:00"}', Reason.WRONG_TYPE),
    (b'[{"model_id": "m", "prediction": 1}', Reason.NOT_JSON),
    (DEEP, Reason.TOO_DEEP),
    (b"[" * 5000, Reason.TOO_DEEP),
    (b'{"model_id": "m", "prediction": 1, "x": "' + b"x" * 10_000_000 + b'"}', Reason.TOO_LARGE),
]


# Fields that are converted, or count as missing, unless `strict` is set.
ODD = [
    (b'{"model_id": "m", "prediction": NaN}', Reason.NOT_JSON),
    (b'{"model_id": "m", "prediction": Infinity}', Reason.NOT_JSON),
    (b'{"model_id": "m", "prediction": 1e999}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "features": {"a": -1e999}}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": ' + b"9" * 400 + b"}", Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": null}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": [1]}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": {"cat": 1.5}}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": {}}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "features": [1]}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "features": {"a": {"b": 1}}}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "features": {"a": ["x"]}}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "event_id": 7}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "tags": {"a": 1}}', Reason.WRONG_TYPE),
    (b'{"model_id": "m", "prediction": 1, "ts": "2026-01-05T10:00:00"}', Reason.WRONG_TYPE),
]
STRICT = {"strict": True}


@pytest.mark.parametrize(
    ("value", "reason", "config"),
    [(*bad, None) for bad in BAD] + [(*bad, STRICT) for bad in BAD + ODD],
    ids=lambda value: repr(value)[:48],
)
@pytest.mark.parametrize("learned", [False, True], ids=["new model", "known model"])
def test_a_bad_record_alone_is_a_dead_letter(
    *, value: bytes | None, reason: Reason, config: dict[str, bool] | None, learned: bool
) -> None:
    """A record that cannot be read is one dead letter, unchanged; its neighbours are watched."""
    target = shard(config)
    before = [record(0, GOOD)] if learned else []
    records = [*before, record(1, value, key=b"m"), record(2, GOOD)]

    outcome = run(target, records)

    [letter] = outcome.dead_letters
    assert (letter.reason, letter.offset, letter.value) == (reason, 1, value)
    assert (letter.topic, letter.partition, letter.key, letter.timestamp) == (
        "predictions",
        0,
        b"m",
        1000,
    )
    assert letter.detail
    assert outcome.events == len(records) - 1


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\x00b", "ä€😀", "", " ", "a.b/c"])
def test_any_name_is_a_feature(name: str) -> None:
    """A name that JSON has to escape is watched as any other, time after time."""
    event = {"model_id": "m", "features": {name: 1.5}, "prediction": {name: 0.5}}
    target = shard()
    outcome = run(target, [record(index, event) for index in range(3)])

    assert (outcome.events, outcome.dead_letters) == (3, [])
    assert set(target.catalogue.models["m"].slots) == {f"feature:{name}", f"prediction:{name}"}


@pytest.mark.parametrize("timestamp", [2**62, -(2**62), 253_402_300_800_000])
def test_a_record_from_no_year_is_a_dead_letter(timestamp: int) -> None:
    """Where the record's time counts, it must be one; where the event has its own, it may not."""
    records = [
        record(0, GOOD, timestamp=timestamp),
        record(1, GOOD | {"ts": 1.7e9}, timestamp=timestamp),
        record(2, GOOD, timestamp=timestamp),
    ]
    outcome = run(shard(), records)

    assert outcome.events == 1
    assert [letter.offset for letter in outcome.dead_letters] == [0, 2]


def test_a_name_that_no_alert_could_hold_is_a_dead_letter() -> None:
    """A feature's name has at most 1,000 characters."""
    events = [{"model_id": "m", "features": {"x" * size: 1}} for size in (1000, 1001)]
    outcome = run(shard(kind=Topic.FEATURES), [record(i, event) for i, event in enumerate(events)])

    assert outcome.events == 1
    assert "1001 characters" in outcome.dead_letters[0].detail


def test_a_bad_event_of_a_batch_leaves_its_neighbours_alone() -> None:
    """In an array and in lines, the bad event alone is a dead letter, with its place and bytes."""
    good = json.dumps(GOOD).encode()
    bad = b'{"model_id": "m", "prediction": "x", "ts": "never"}'
    array = b"[" + good + b" ,  " + bad + b"," + good + b"]"
    lines = b"\n".join([good, bad, b"", good]) + b"\n"

    outcome = run(shard(), [record(0, array), record(1, lines)])

    assert outcome.events == 4
    assert [(x.offset, x.index, x.value) for x in outcome.dead_letters] == [
        (0, 1, bad),
        (1, 1, bad),
    ]


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (b"application/json", True),
        (b"Application/JSON; charset=utf-8", True),
        (b"application/x-ndjson", True),
        (b"application/avro", False),
        (b"\xff", False),
        (None, False),
    ],
)
def test_the_content_type_selects_the_form(*, header: bytes | None, accepted: bool) -> None:
    """JSON and NDJSON are read; another content type is a dead letter that names it."""
    records = [record(i, GOOD, headers=(("Content-Type", header),)) for i in range(2)]

    outcome = run(shard(), records)

    assert outcome.events == (2 if accepted else 0)
    assert {x.reason for x in outcome.dead_letters} <= {Reason.UNSUPPORTED_CONTENT_TYPE}


def test_an_object_printed_over_several_lines_is_one_event() -> None:
    """Line breaks inside of one JSON object do not make lines of events of it."""
    outcome = run(shard(), [record(0, json.dumps(GOOD, indent=2).encode())])

    assert (outcome.events, outcome.dead_letters) == (1, [])


def test_lines_without_a_content_type_are_read() -> None:
    """Several objects, one a line, are several events even when no header says so."""
    outcome = run(shard(), [record(0, b"\n".join([json.dumps(GOOD).encode()] * 3))])

    assert (outcome.events, outcome.dead_letters) == (3, [])


def test_unknown_fields_are_ignored() -> None:
    """A field that the contract does not know changes nothing."""
    plain, extended = shard(), shard()
    run(plain, [record(i, GOOD) for i in range(3)])
    outcome = run(extended, [record(i, GOOD | {"schema": {"deep": [1]}}) for i in range(3)])

    assert outcome.dead_letters == []
    assert state(plain) == state(extended)


def test_every_kind_of_feature_is_watched() -> None:
    """Numbers, booleans and texts are a series each, a list is three; only null is counted."""
    features = {"n": 1, "flag": False, "text": "DE", "list": [0.1, 0.2], "never": None}
    target = shard()
    run(target, [record(0, {"model_id": "m", "features": features, "prediction": 0.1})])

    model = target.catalogue.models["m"]
    plain = {"feature:n", "feature:flag", "feature:text", "prediction"}
    assert set(model.slots) == plain | {f"feature:list:{of}" for of in ("norm", "direction", "mmd")}
    assert target.catalogue.unwatched() == 1


@pytest.mark.parametrize(
    ("predictions", "series"),
    [
        ([0.5, 1, True], {"prediction"}),
        (["cat", "dog", "cat"], {"prediction:cat", "prediction:dog"}),
        ([{"cat": 0.9, "dog": 0.1}, {"cat": 1.0}], {"prediction:cat", "prediction:dog"}),
    ],
)
def test_each_form_of_prediction_has_its_series(
    predictions: list[object], series: set[str]
) -> None:
    """A number is one series; a class, or probabilities of classes, is one series a class."""
    target = shard()
    events = [{"model_id": "m", "prediction": prediction} for prediction in predictions]
    outcome = run(target, [record(i, event) for i, event in enumerate(events)])

    assert outcome.events == len(events)
    assert set(target.catalogue.models["m"].slots) == series


def test_a_feature_that_comes_later_is_watched_from_then_on() -> None:
    """New features of a known model become series, and the ones it had go on."""
    target = shard()
    late = GOOD | {"features": {"a": 1.0, "b": False, "late": 3.0}}
    run(target, [record(0, GOOD), record(1, late), record(2, GOOD), record(3, late)])

    model = target.catalogue.models["m"]
    slots = target.catalogue.groups[model.layout].by_column[0].watch
    counts = {name: int(slots.quiet([slot])[0]) for name, slot in model.slots.items()}
    assert counts["feature:a"] == counts["prediction"] == 4
    assert counts["feature:late"] == 2


def test_a_prediction_on_the_features_topic_is_ignored() -> None:
    """The features topic has features only; whatever else an event holds is an unknown field."""
    target = shard(kind=Topic.FEATURES)
    outcome = run(target, [record(0, GOOD)])

    assert outcome.events == 1
    assert set(target.catalogue.models["m"].slots) == {"feature:a", "feature:b"}


def test_features_are_required_on_their_topic() -> None:
    """An event of the features topic without features is a dead letter."""
    outcome = run(shard(kind=Topic.FEATURES), [record(0, {"model_id": "m"})])

    assert [x.reason for x in outcome.dead_letters] == [Reason.MISSING_FIELD]


def test_more_features_than_allowed_is_a_dead_letter() -> None:
    """An event with more features than limits.max_features is refused and names the limit."""
    wide = {"model_id": "m", "prediction": 1, "features": {f"f{i}": 1.0 for i in range(4)}}
    outcome = run(shard({"limits": {"max_features": 3}}), [record(0, wide)])

    [letter] = outcome.dead_letters
    assert letter.reason is Reason.TOO_MANY_FEATURES
    assert "limits.max_features" in letter.detail


def test_a_key_that_names_another_model_is_no_matter() -> None:
    """The model is the one that the event names, whatever the record's key says."""
    other = {"model_id": "o", "features": {"a": 2.0, "b": False}, "prediction": 0.1}
    target = shard()
    records = [record(i, (GOOD, other)[i % 2], key=b"one key") for i in range(6)]
    outcome = run(target, records)

    assert outcome.events == 6
    assert {m: int(x.layout.events[x.row]) for m, x in target.catalogue.models.items()} == {
        "m": 3,
        "o": 3,
    }


@pytest.mark.parametrize("version", ['"1"', '"1.0"', '"1.17"', "1", "1.5", "null"])
@pytest.mark.parametrize("learned", [False, True], ids=["new model", "known model"])
def test_a_minor_version_is_read(*, version: str, learned: bool) -> None:
    """An event of this major version is watched, whatever a later minor adds to it."""
    target = shard()
    if learned:
        run(target, [record(0, GOOD)])
    later = f'{{"model_id": "m", "prediction": 1, "schema_version": {version}, "new": [{{}}]}}'
    assert run(target, [record(1, later.encode(), key=b"m")]).events == 1


@pytest.mark.parametrize("version", ['"2"', '"2.0"', '"0.9"', '"10"', "2", "0.5", "1e3"])
@pytest.mark.parametrize("rest", ['"model_id": "m", "prediction": 1', '"model": "m"'])
@pytest.mark.parametrize("learned", [False, True], ids=["new model", "known model"])
def test_another_major_version_is_named(*, version: str, rest: str, learned: bool) -> None:
    """An event of another major version is a dead letter for that reason, whatever it holds."""
    target = shard()
    if learned:
        run(target, [record(0, GOOD)])
    before = state(target)
    value = f'{{{rest}, "schema_version": {version}}}'.encode()
    [letter] = run(target, [record(1, value, key=b"m")]).dead_letters
    assert letter.reason is Reason.UNSUPPORTED_VERSION
    assert state(target) == before


@pytest.mark.parametrize("version", ['"latest"', '""', "[2]", "true", '"1."', '"1\\n"'])
def test_what_is_no_version_is_a_wrong_type(version: str) -> None:
    """Nobody guesses what a version is meant to be."""
    value = f'{{"model_id": "m", "prediction": 1, "schema_version": {version}}}'.encode()
    [letter] = run(shard(), [record(0, value)]).dead_letters
    assert letter.reason is Reason.WRONG_TYPE
