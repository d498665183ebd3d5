"""Labels through `Monitor`, without Kafka."""

import json
import random
from typing import Any

from streamproc import Monitor
from streamproc.schemas.outcomes import OutcomeEvent
from streamproc.schemas.records import Reason

NAME: dict[str, Any] = {"model_id": "fraud", "event_id": "1"}
LOG = [NAME | {"ts": 1.7e9, "prediction": 0.9}, NAME | {"ts": 1.7e9 + 60, "label": True}]


def test_labels_are_joined_with_their_events() -> None:
    """What a worker writes to the topic of outcomes, `Monitor` shows."""
    monitor = Monitor()
    monitor.process(LOG)
    [outcome] = monitor.outcomes
    assert (outcome.status, outcome.prediction, outcome.label) == ("labelled", 0.9, True)


def test_a_label_is_joined_in_a_later_call() -> None:
    """Events wait from call to call, and each call shows what it joined."""
    monitor = Monitor()
    monitor.process(LOG[:1])
    assert monitor.outcomes == []
    monitor.process(LOG[1:])
    assert [outcome.event_id for outcome in monitor.outcomes] == ["1"]


def test_outcomes_that_are_given_are_read_as_they_are() -> None:
    """A replay of outcomes joins nothing again: their order is that of the log."""
    first = Monitor()
    first.process(LOG)
    given = [json.loads(outcome.to_json()) for outcome in first.outcomes]
    replay = Monitor()
    replay.process([*LOG, *given])
    assert replay.outcomes == [OutcomeEvent.model_validate_json(json.dumps(o)) for o in given]


def test_a_label_that_is_none_is_a_dead_letter() -> None:
    """It is reported with its reason, and the label beside it counts."""
    monitor = Monitor()
    monitor.process([*LOG[:1], NAME | {"label": [1]}, *LOG[1:]])
    assert [letter.reason for letter in monitor.dead_letters] == [Reason.WRONG_TYPE]
    assert len(monitor.outcomes) == 1


def test_one_rounding_error_keeps_a_classifier_a_classifier() -> None:
    """A probability of 1 + 1e-7 among thousands is 1; later errors are alerts on accuracy.

    Sums of float32 exceed 1 by that much (fastText issue 718, ranger issue 183).
    """
    draw, monitor, alerts = random.Random(3), Monitor(), []
    for number in range(3000):
        score = 1.0 + 1e-7 if number == 700 else draw.random()
        truth = draw.random() < score
        event = {"model_id": "m", "event_id": str(number), "ts": 1.7e9 + number}
        label = int(truth) if number < 2000 else int(not truth)
        alerts += monitor.process([event | {"prediction": score}, event | {"label": label}])
    assert alerts
    assert all(alert.source.offset > 1900 for alert in alerts)
    assert any("accuracy" in alert.message for alert in alerts)
