import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from label_logs import BEGIN, DAY, Tagged, interleaved, join, outcomes, parts, tagged

from streamproc.join.entry import InputLog
from streamproc.join.prediction_windows import SIZE
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
