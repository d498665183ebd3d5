import random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from label_logs import BEGIN, DAY, Tagged, interleaved, join, outcomes, parts, tagged

from streamproc.config.load import load
from streamproc.join.entry import InputLog, Watermark
from streamproc.join.join import Join
from streamproc.join.prediction_windows import MAX_TEXT, SIZE
from streamproc.schemas.version_key import MAX_VERSIONS

COUNT = 950


def logs(versions: int = 2) -> tuple[list[Tagged], list[Tagged]]:
    """Make events of a model's versions in turn, some without an id, and their labels."""
    events, labels = [], []
    for number in range(COUNT):
        event: dict[str, Any] = {
            "model_id": "m",
            "ts": BEGIN + number,
            "prediction": number / COUNT,
        }
        event["model_version"] = str(number % versions)
        if number % 5:
            event["event_id"] = f"e{number}"
            label = {"model_id": "m", "event_id": f"e{number}", "ts": BEGIN + number + 60}
            labels.append(label | {"label": True})
        events.append(event)
    return tagged(InputLog.PREDICTIONS, events), tagged(InputLog.LABELS, labels)


def windows(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the prediction windows among outcomes, by id; none is there twice."""
    some = [outcome for outcome in found if "predictions" in outcome]
    by_id = {
        outcome["outcome_id"]: (outcome["model_version"], outcome["predictions"])
        for outcome in some
    }
    assert len(by_id) == len(some)
    return by_id


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 2 * COUNT), max_size=5))
def test_windows_depend_on_the_predictions_alone(seed: int, cuts: list[int]) -> None:
    """A join that begins again reads the labels at other moments, and writes the same windows."""
    events, labels = logs()
    first = labels[:5]
    expected = join().process([*first, *events, *labels[5:]])
    mixed = [*first, *interleaved(random.Random(seed), events, labels[5:])]
    again = join()

    found = [again.process(part) for part in parts(mixed, cuts)]

    assert windows(outcomes(found)) == windows(outcomes([expected]))
    assert len(windows(outcomes(found))) == COUNT // 2 // SIZE * 2


def test_each_prediction_is_in_one_window() -> None:
    """Windows do not overlap, and a repeated event counts once."""
    events, labels = logs(versions=1)
    twice = [each for event in events for each in (event, event)]
    with_id = [event for event in twice if b"event_id" in (event[1].value or b"")]
    found = windows(outcomes([join().process([*labels[:5], *with_id])]))
    values = [value for _, predictions in found.values() for value in predictions]
    assert len(values) == len(set(values)) == COUNT * 4 // 5 // SIZE * SIZE


def test_a_model_without_labels_has_no_windows() -> None:
    """Without labels an error cannot be estimated, and nothing is written."""
    events, _ = logs()
    assert outcomes([join().process(events)]) == []


def test_versions_without_end_take_bounded_memory() -> None:
    """A new version every few events never fills a window, and old ones are dropped."""
    events = [
        {
            "model_id": "m",
            "ts": BEGIN + number,
            "prediction": 0.5,
            "model_version": str(number // 9),
        }
        for number in range(900)
    ]
    target = join()
    target.process(tagged(InputLog.PREDICTIONS, events))
    assert len(target.shelf.clocks(["m"])["m"].recent) == MAX_VERSIONS


def test_a_window_has_the_most_probable_class_only() -> None:
    """A model of a thousand classes does not make its windows a thousand times as large."""
    events = [
        {"model_id": "m", "ts": BEGIN + number, "prediction": {"cat": 0.7, "dog": 0.3}}
        for number in range(SIZE)
    ]
    labels = [
        {"model_id": "m", "event_id": f"e{number}", "ts": BEGIN + DAY / 2, "label": "cat"}
        for number in range(5)
    ]
    records = [*tagged(InputLog.LABELS, labels), *tagged(InputLog.PREDICTIONS, events)]
    [outcome] = outcomes([join().process(records)])
    assert outcome["predictions"] == [{"cat": 0.7}] * SIZE
    assert outcome["status"] == "coverage"
    assert outcome["event_source"]["offset"] == SIZE - 1


def segmented(*tags: str) -> Join:
    """Make an empty join of a model with segments."""
    settings = {"models": [{"id": "m", "segments": {"tags": list(tags)}}]} if tags else {}
    return Join(load(settings), 0)


def with_regions() -> tuple[list[Tagged], list[Tagged]]:
    """Make events of two versions with tags, and labels."""
    _, labels = logs()
    events = [
        {
            "model_id": "m",
            "ts": BEGIN + number,
            "prediction": number / COUNT,
            "model_version": str(number % 2),
            "tags": {"region": f"r{number % 3}", "user": f"u{number}"} if number % 7 else None,
        }
        for number in range(COUNT)
    ]
    return tagged(InputLog.PREDICTIONS, events), labels


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 2 * COUNT), max_size=5))
def test_a_window_has_the_tags_of_its_predictions(cuts: list[int]) -> None:
    """Only the configured ones, by tag, however the log is cut."""
    events, labels = with_regions()
    target = segmented("region", "device")
    found = outcomes(
        [target.process(part) for part in parts([*labels[:5], *events, *labels[5:]], cuts)]
    )
    some = [outcome for outcome in found if "predictions" in outcome]
    assert len(some) == COUNT // 2 // SIZE * 2
    for outcome in some:
        numbers = [round(prediction * COUNT) for prediction in outcome["predictions"]]
        expected = [f"r{number % 3}" if number % 7 else None for number in numbers]
        assert outcome["segments"] == {"region": expected}


def test_segments_that_are_configured_later_count_from_there() -> None:
    """A store of an earlier version or configuration is read, and gives the same predictions."""
    events, labels = with_regions()
    before, half = segmented(), 5 * SIZE // 2
    first = before.process([*labels[:5], *events[:half]])
    after = Join(load({"models": [{"id": "m", "segments": {"tags": ["region"]}}]}), 0, before.shelf)
    found = outcomes([first, after.process(events[half:])])
    plain = outcomes([segmented().process([*labels[:5], *events])])
    assert windows(found) == windows(plain)
    columns = [outcome["segments"]["region"] for outcome in found if "segments" in outcome]
    assert len(columns) == len(windows(found)) - 2
    early = (half - 2 * SIZE) // 2
    assert [column[:early] == [None] * early for column in columns[:3]] == [True, True, False]


def test_segments_that_are_removed_leave_nothing() -> None:
    """Without tags in the configuration none are stored."""
    events, labels = with_regions()
    before = segmented("region")
    before.process([*labels[:5], *events[:150]])
    assert before.shelf.clocks(["m"])["m"].recent_tags
    Join(load({}), 0, before.shelf).process(events[150:160])
    assert before.shelf.clocks(["m"])["m"].recent_tags == {}


def test_tags_take_bounded_memory() -> None:
    """A very long value is left out, and of many versions the last ones are stored."""
    events = [
        {
            "model_id": "m",
            "ts": BEGIN + number,
            "prediction": 0.5,
            "model_version": str(number // 9),
            "tags": {"region": "x" * (MAX_TEXT + number % 2)},
        }
        for number in range(900)
    ]
    target = segmented("region")
    target.process(tagged(InputLog.PREDICTIONS, events))
    stored = target.shelf.clocks(["m"])["m"].recent_tags
    assert len(stored) == MAX_VERSIONS
    assert {len(tags.get("region", "")) for each in stored.values() for tags in each} == {
        *(0, MAX_TEXT)
    }


def test_a_stored_watermark_of_an_earlier_version_is_read() -> None:
    """Its windows go on; the version before reads what this one stores."""
    stored = msgspec.msgpack.encode(Watermark(recent={"7": [0.5]}, recent_tags={"7": [{}]}))
    earlier = msgspec.msgpack.encode(msgspec.msgpack.decode(stored)[:-1])
    found = msgspec.msgpack.decode(earlier, type=Watermark)
    assert (found.recent, found.recent_tags) == ({"7": [0.5]}, {})

    longer = msgspec.msgpack.encode([*msgspec.msgpack.decode(stored), "a later field"])
    assert msgspec.msgpack.decode(longer, type=Watermark).recent == {"7": [0.5]}
