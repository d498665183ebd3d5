import math
import random
from typing import Any

from outcome_logs import labelled, outcome, records, told, truth_shard
from record_logs import run

from streamproc.schemas.alerts import AlertEvent

ALONE = [{"on": "metric:floor", "detectors": ["adwin"]}]


def floors(events: list[dict[str, Any]], floor: Any = None) -> list[AlertEvent]:
    """Return the alerts about the baseline."""
    model = {"id": "*", "watch": ALONE} | ({"floor": floor} if floor is not None else {})
    return told(events, {"models": [model]})


def test_a_model_that_stops_beating_the_majority_is_said_and_its_return_too() -> None:
    """A classifier that falls behind the majority class fires once, and is resolved once back."""
    draw = random.Random(1)
    events = []
    for number in range(8000):
        truth = draw.choice("aab")
        good = not 2000 <= number < 5000
        right = draw.random() < (0.9 if good else 0.5)
        events.append(outcome(number, truth if right else "ab".replace(truth, ""), truth))
    firing, resolved = floors(events)

    assert (firing.kind, firing.series, firing.detector) == ("performance", "metric:floor", "floor")
    assert 2000 < firing.source.offset < 2400
    assert firing.message.startswith("model 'fraud' (version 7) does not beat the majority class:")
    assert ", not 5 % below that of the heuristic, " in firing.message
    assert resolved.status == "resolved"
    assert resolved.incident_id == firing.incident_id
    assert 5000 < resolved.source.offset < 6000


def test_a_model_that_repeats_the_majority_does_not_beat_it() -> None:
    """A model that always predicts the commonest class does not beat that baseline."""
    draw = random.Random(2)
    [alert] = floors([outcome(i, "a", "a" if draw.random() < 0.7 else "b") for i in range(4000)])

    assert "its error rate over recent labels is" in alert.message


def test_a_useful_model_of_rare_events_beats_its_floor() -> None:
    """Where the positive class is rare, probabilities are compared, not the class from one half."""
    draw = random.Random(3)
    events = []
    for number in range(20_000):
        chance = draw.betavariate(0.3, 12)
        events.append(outcome(number, chance, draw.random() < chance))

    assert floors(events) == []


def test_a_regression_has_to_beat_the_mean() -> None:
    """A regression whose predictions have lost their meaning does not beat the mean label."""
    draw = random.Random(4)
    events = []
    for number in range(3000):
        truth = draw.gauss(50, 9)
        predicted = truth + draw.gauss(0, 3) if number < 1500 else draw.gauss(50, 9)
        events.append(outcome(number, predicted, truth))
    [alert] = floors(events)

    assert 1500 < alert.source.offset < 1800
    assert "does not beat the mean of recent labels: its mean absolute error" in alert.message


def test_the_last_label_is_the_last_that_was_known() -> None:
    """Labels that are late serve the heuristic as late as they would serve a user."""
    truth = [2 + math.sin(number / 100) for number in range(4000)]

    def events(delay: float) -> list[dict[str, Any]]:
        return [
            outcome(i, value + 0.2, value, label_ts=1.7e9 + i + delay)
            for i, value in enumerate(truth)
        ]

    assert [alert.status for alert in floors(events(1), "last")] == ["firing"]
    assert floors(events(150), "last") == []


def test_a_rule_looks_at_a_feature() -> None:
    """A rule from the configuration is a floor as any other; a missing feature is not above."""
    rule = {"feature": "x", "above": 0, "then": True, "otherwise": False}
    events = labelled(3000, seed=5)
    for event in events:
        event["prediction"] = event["prediction"] < 0.4
    [alert] = floors(events, rule)

    assert "does not beat the configured rule" in alert.message


def test_it_can_be_left_out() -> None:
    """With no detectors on `metric:floor` there are no alerts."""
    config = {"models": [{"id": "*", "watch": [{"on": "metric:floor", "detectors": []}]}]}

    assert told([outcome(i, "a", "b") for i in range(3000)], config) == []


def test_a_heuristic_that_does_not_fit_is_not_compared() -> None:
    """The mean of classes, and the majority of numbers, are not heuristics."""
    assert floors([outcome(i, "a", "b") for i in range(3000)], "mean") == []
    target = truth_shard({"models": [{"id": "*", "floor": "majority"}]})
    assert run(target, records([outcome(i, 9.0, 1.0) for i in range(600)])).alerts == []
