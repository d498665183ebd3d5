"""An object that names a key twice is refused wherever it lies, and nothing else is."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_logs import join, outcomes, tagged
from record_logs import record, run, shard

from streamproc.decode.duplicate_keys import suspects
from streamproc.decode.event_schema import Topic
from streamproc.join.entry import InputLog
from streamproc.monitor import LogRecord, Monitor
from streamproc.schemas.records import Reason

Pairs = list[tuple[str, Any]]

texts = st.text(st.sampled_from('ab:",{}\\ é😀\n'), max_size=6)
names = st.text(st.sampled_from('ab:"{\\ é😀'), max_size=3)
numbers = st.floats(-1e6, 1e6) | st.integers(-5, 5) | st.booleans()


def objects(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Pairs]:
    """Draw the pairs of objects in which no key comes twice."""
    return st.lists(st.tuples(names, values), max_size=5, unique_by=lambda pair: pair[0])


class Object:
    """An object as it is written: a list of pairs."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs

    def inner(self) -> "list[Object]":
        """Return it and all objects within."""
        return [self, *(found for _, value in self.pairs for found in _objects(value))]


def _objects(value: Any) -> list[Object]:
    if isinstance(value, Object):
        return value.inner()
    return [found for each in value for found in _objects(each)] if isinstance(value, list) else []


unknown = st.recursive(
    st.none() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | objects(inner).map(Object),
    max_leaves=8,
)


def written(draw: Any, value: Any, gap: str) -> str:
    """Write JSON with some characters of keys spelled by their number, and gaps."""
    if isinstance(value, Object):
        pairs = (
            f"{_spelled(draw, key)}{gap}:{gap}{written(draw, inner, gap)}"
            for key, inner in value.pairs
        )
        return "{" + f"{gap},".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(draw, each, gap) for each in value) + "]"
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


def _spelled(draw: Any, key: str) -> str:
    plain = json.dumps(key, ensure_ascii=draw(st.booleans()))
    if key[:1].isalpha() and draw(st.booleans()):
        return f'"\\u{ord(key[0]):04X}{plain[2:]}' if plain[1] == key[0] else plain
    return plain


@st.composite
def events(draw: Any, *, labels: bool = False) -> tuple[bytes, str | None]:
    """Draw an event, and a key that one of its objects names twice, or None."""
    pairs: Pairs = [("model_id", "m"), ("event_id", draw(texts))]
    if labels:
        pairs += [("label", draw(numbers | texts))]
    else:
        share = objects(st.floats(0, 1)).filter(bool).map(Object)
        pairs += [("prediction", draw(numbers | texts | share))]
        pairs += [("features", Object(draw(objects(st.none() | numbers | texts))))]
        pairs += [("tags", draw(st.none() | objects(texts).map(Object)))]
    pairs += [("ts", draw(st.none() | st.integers(0, 10**9)))]
    pairs += [(f"x{name}", value) for name, value in draw(objects(unknown))]
    event = Object(draw(st.permutations(pairs)))
    filled = [each for each in event.inner() if each.pairs]
    key = None
    if draw(st.booleans()):
        chosen = draw(st.sampled_from(filled))
        key, value = draw(st.sampled_from(chosen.pairs))
        chosen.pairs.insert(draw(st.integers(0, len(chosen.pairs))), (key, value))
    return written(draw, event, draw(st.sampled_from(["", " ", "\n\t"]))).encode(), key


@given(drawn=st.lists(events(), min_size=1, max_size=6))
@settings(deadline=None, max_examples=300)
def test_an_event_is_refused_just_when_a_key_comes_twice(
    drawn: list[tuple[bytes, str | None]],
) -> None:
    """However an event is written, a duplicate key at any depth is reported, and only that."""
    good = {"model_id": "m", "features": {"a": 1}, "prediction": 1}
    target = shard({"limits": {"recent_events": 0}})

    outcome = run(target, [record(0, good), *(record(1 + i, b) for i, (b, _) in enumerate(drawn))])

    wanted = [(1 + i, key) for i, (_, key) in enumerate(drawn) if key is not None]
    found = outcome.dead_letters
    assert [letter.offset for letter in found] == [offset for offset, _ in wanted]
    for letter, (_, key) in zip(found, wanted, strict=True):
        assert (letter.reason, letter.detail) == (
            Reason.DUPLICATE_KEY,
            f"an object names the key {key!r} twice",
        )
    assert outcome.events == 1 + len(drawn) - len(wanted)


@given(drawn=events(labels=True))
@settings(deadline=None, max_examples=100)
def test_a_label_is_refused_just_when_a_key_comes_twice(drawn: tuple[bytes, str | None]) -> None:
    """A label with a key given twice is a dead letter, and joined to nothing."""
    body, key = drawn

    done = join().process([(InputLog.LABELS, LogRecord(0, body, 1000))])

    reasons = [letter.reason for letter in done.dead_letters]
    assert reasons == ([] if key is None else [Reason.DUPLICATE_KEY])


def test_an_event_that_is_refused_is_not_joined() -> None:
    """What was refused as a prediction is not a prediction for labels either."""
    twice = b'{"model_id": "m", "event_id": "1", "prediction": 1, "prediction": 0}'
    [(_, label)] = tagged(InputLog.LABELS, [{"model_id": "m", "event_id": "1", "label": 1}])

    done = join().process(
        [(InputLog.PREDICTIONS, LogRecord(0, twice, 1000)), (InputLog.LABELS, label)]
    )

    assert outcomes([done]) == []


@pytest.mark.parametrize("learned", [False, True], ids=["new model", "known model"])
@pytest.mark.parametrize("kind", [Topic.PREDICTIONS, Topic.FEATURES])
def test_only_the_event_with_the_key_is_refused(kind: Topic, *, learned: bool) -> None:
    """Of a record that holds several events the others are watched."""
    good = b'{"model_id": "m", "features": {"a": 1, "b": 2}, "prediction": 1}'
    bad = b'{"model_id": "m", "features": {"a": 1, "a": 1}, "prediction": 1}'
    target = shard(kind=kind)
    before = [record(0, good, key=b"m")] if learned else []
    lines = b"\n".join((good, bad, good))

    outcome = run(target, [*before, record(1, lines, key=b"m"), record(2, bad, key=b"m")])

    letters = [(letter.offset, letter.index, letter.value) for letter in outcome.dead_letters]
    assert letters == [(1, 1, bad), (2, -1, bad)]
    assert outcome.events == len(before) + 2


def test_an_object_of_any_size_and_depth_is_read() -> None:
    """Many keys and nested objects do not make an event invalid."""
    deep: Any = 1
    for _ in range(100):
        deep = {"a": deep}
    many = {f"f{i}": 1.5 for i in range(1500)}
    event = {"model_id": "m", "features": many, "prediction": 1, "deep": deep}
    body = json.dumps(event)
    again = body.replace('"f1499"', '"f7"').encode()

    outcome = run(shard(), [record(0, body.encode()), record(1, again)])

    assert [letter.offset for letter in outcome.dead_letters] == [1]
    assert "'f7'" in outcome.dead_letters[0].detail


def test_the_pipeline_without_kafka_refuses_too() -> None:
    """`Monitor` gives the same dead letter as a worker."""
    monitor = Monitor()

    body = b'{"model_id": "m", "prediction": 1, "pred\\u0069ction": 0.5}'
    monitor.process_records("predictions", 0, [LogRecord(0, body)])

    [letter] = monitor.dead_letters
    assert (letter.reason, monitor.events) == (Reason.DUPLICATE_KEY, 0)
    assert letter.detail == "an object names the key 'prediction' twice"


def test_plain_events_are_in_no_doubt() -> None:
    """Names that two objects share, and colons in texts, cost no second look."""
    plain = (
        b'{"model_id":"a:b","tags":{"a":"\\"a\\":1"},"prediction":{"a":0.5,"b":0.5},'
        b'"features":{"a":1,"b":null,"model_id":"{\\"x\\":1,\\"x\\":1}"}}'
    )

    assert suspects([plain, None, b"", plain], 10_000) == frozenset()
