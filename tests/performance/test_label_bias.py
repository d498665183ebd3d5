import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_logs import interleaved, join, outcomes, parts, tagged
from outcome_logs import records, truth_shard
from record_logs import run

from streamproc.join.coverage import names_of
from streamproc.join.entry import InputLog
from streamproc.monitor import Monitor
from streamproc.performance.label_bias import LabelBiasTest
from streamproc.schemas.alerts import AlertEvent

BEGIN = 1.7e9
HORIZON = 3600.0
CONFIG = {"labels": {"horizon": "1h", "segments": ["region"]}}
Event = dict[str, Any]


def stream(count: int, chance: Callable[[Event], float], seed: int = 1) -> list[Event]:
    """Draw predictions, one a second, and labels 60 s after some of them."""
    draw = random.Random(seed)
    found: list[tuple[float, Event]] = []
    for number in range(count):
        name, ts = {"model_id": "fraud", "event_id": f"e{number}"}, BEGIN + number
        event = name | {
            "ts": ts, "prediction": draw.random(), "tags": {"region": draw.choice(["eu", "us"])},
        }  # fmt: skip
        found.append((ts, event))
        if draw.random() < chance(event):
            found.append((ts + 60, name | {"ts": ts + 60, "label": 1.0}))
    return [event for _, event in sorted(found, key=lambda each: each[0])]


def bias(events: list[Event], **labels: Any) -> list[AlertEvent]:
    """Return the alerts about label selection bias."""
    found = Monitor(CONFIG | {"labels": CONFIG["labels"] | labels}).process(events)
    return [alert for alert in found if alert.series == "metric:coverage"]


def test_labels_that_come_only_for_low_scores_are_said() -> None:
    """As soon as a seventh of the horizon is old enough, the alert names both shares."""
    [alert] = bias(stream(5000, lambda event: 0.92 if event["prediction"] < 0.5 else 0.03))

    assert (alert.status, alert.kind, alert.detector) == ("firing", "blind", "coverage:score")
    assert "labels of model 'fraud' come for 9" in alert.message
    assert "% of predictions under 0.5 and for " in alert.message
    assert alert.message.endswith("% of those above: errors and learning see only the former")
    assert alert.ts.timestamp() <= BEGIN + HORIZON / 7
    assert alert.before is not None
    assert alert.after is not None
    assert alert.after.mean == pytest.approx(0.92, abs=0.05)
    assert alert.before.mean == pytest.approx(0.03, abs=0.03)


def test_labels_that_come_only_for_a_segment_are_said() -> None:
    """A tag that is named in labels.segments tells who has labels, and is in the alert."""
    [alert] = bias(stream(5000, lambda event: 0.8 if event["tags"]["region"] == "eu" else 0.2))

    assert alert.segment in ({"region": "eu"}, {"region": "us"})
    assert "of predictions with region " in alert.message
    assert "errors and learning see mostly the " in alert.message


def test_labels_that_come_evenly_again_are_said_too() -> None:
    """The incident ends when labels come for all scores alike, be it for half of them or all."""
    for later in (0.5, 1.0):
        firing, resolved = bias(
            stream(
                12_000,
                lambda event, later=later: (
                    float(event["prediction"] < 0.5) if event["ts"] < BEGIN + 4000 else later
                ),
            )
        )

        assert (firing.status, resolved.status) == ("firing", "resolved")
        assert firing.incident_id == resolved.incident_id
        assert "come evenly again" in resolved.message


def test_a_shorter_age_is_compared_sooner() -> None:
    """With compare_after nobody has to wait for the horizon."""
    events = stream(1500, lambda event: float(event["prediction"] < 0.5))

    assert not bias(events)
    assert bias(events, compare_after="10m")


def test_nothing_is_said_where_it_is_switched_off() -> None:
    """A watch with no detectors on metric:coverage leaves it out."""
    events = stream(5000, lambda event: float(event["prediction"] < 0.5))
    watch = [{"on": "metric:coverage", "detectors": []}]

    found = Monitor(CONFIG | {"models": [{"id": "*", "watch": watch}]}).process(events)

    assert not [alert for alert in found if alert.kind == "blind"]


@given(
    st.integers(0, 10**6),
    st.integers(2, 12),
    st.sampled_from(["score", "class"]),
    st.sampled_from([100, 400, 3000]),
)
@settings(max_examples=25, deadline=None)
def test_labels_that_are_missing_at_random_are_never_called_biased(
    seed: int, values: int, by: str, size: int
) -> None:
    """However many have one, and however that and the mix of scores change: no alarm.

    A million comparisons give one alarm in vain at most; these are 100 of 25 streams.
    """
    draw = random.Random(seed)
    test = LabelBiasTest()
    for _ in range(100):
        share, weights = draw.random(), [draw.random() for _ in range(values)]
        counts = {str(value): (0, 0) for value in range(values)}
        for value in draw.choices(range(values), weights, k=size):
            came, found = counts[str(value)]
            counts[str(value)] = came + 1, found + (draw.random() < share)
        assert test.step(counts, ordered=by == "score") is None


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10_000), max_size=5))
@settings(max_examples=10, deadline=None)
def test_any_split_counts_and_says_the_same(seed: int, cuts: list[int]) -> None:
    """However the logs are cut, the same counts are written, and the same alerts come of them."""
    draw = random.Random(seed)
    events = stream(5000, lambda event: 0.9 if event["prediction"] < 0.3 else 0.2, seed)
    logs = [
        tagged(log, [event for event in events if ("label" in event) == (log is InputLog.LABELS)])
        for log in (InputLog.PREDICTIONS, InputLog.LABELS)
    ]
    mixed = interleaved(draw, *logs)
    unsplit, split = join("1h"), join("1h")

    at_once = outcomes([unsplit.process(mixed)])
    in_parts = outcomes([split.process(part) for part in parts(mixed, cuts)])
    log = records(at_once)
    shard = truth_shard()
    found = [alert for cut in parts(log, cuts) for alert in run(shard, cut).alerts]

    assert in_parts == at_once
    assert [o for o in at_once if o["status"] == "coverage"]
    assert found == run(truth_shard(), log).alerts


def test_scores_of_any_size_and_classes_are_told_apart() -> None:
    """Tenths of probabilities, powers of two of other numbers, classes by the likeliest."""
    predictions: list[Any] = [
        0.0,
        0.55,
        1.0,
        1.5,
        300.0,
        -0.5,
        -3.0,
        True,
        "cat",
        {"a": 0.2, "b": 0.8},
    ]

    assert [names_of(prediction, None, ())[0][1] for prediction in predictions] == [
        "0", "0.5", "0.9", "1", "256", "-1", "-4", "true", "cat", "b",
    ]  # fmt: skip


def test_counts_that_are_none_are_a_dead_letter() -> None:
    """More labels than events, or scores that are not numbers, are refused, and nothing is lost."""
    fields = {
        "outcome_id": "1", "status": "coverage", "revision": 0, "model_id": "m", "epoch": 1,
    }  # fmt: skip
    tables = [{"score": {"0.1": [1, 2]}}, {"score": {"low": [2, 1]}}, {"score": {"0.1": [2, 1]}}]
    given = [fields | {"seq": seq, "coverage": table} for seq, table in enumerate(tables)]

    outcome = run(truth_shard(), records(given))

    assert [letter.offset for letter in outcome.dead_letters] == [0, 1]
    assert json.loads(outcome.dead_letters[0].value or b"")["seq"] == 0
