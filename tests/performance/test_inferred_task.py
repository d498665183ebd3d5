"""The task that is inferred for a model does not depend on one faulty value."""

import random
from typing import Any

import pytest

from streamproc.monitor import Monitor
from streamproc.schemas.alerts import AlertEvent


def run(odd: dict[int, dict[str, Any]], share: float = 0.0) -> tuple[list[AlertEvent], list[str]]:
    """Return alerts of 4,000 good and 1,000 inverted outcomes, and details of the dead letters.

    `odd` replaces prediction or label of some; `share` of the others are of a regression.
    """
    draw = random.Random(3)
    events: list[dict[str, Any]] = []
    for index in range(5000):
        chance = draw.random()
        is_right = (chance > 0.5) == (index >= 4000)
        outcome: dict[str, Any] = {"prediction": chance, "label": 0 if is_right else 1}
        if draw.random() < share:
            outcome = {"prediction": 7.25, "label": 8.5}
        outcome |= odd.get(index, {})
        common = {"model_id": "m", "event_id": str(index), "ts": 1.7e9 + index}
        events += [common | {name: value} for name, value in outcome.items()]
    monitor = Monitor()
    return monitor.process(events), [letter.detail for letter in monitor.dead_letters]


@pytest.mark.parametrize(
    "odd",
    [
        {"prediction": 57.3},
        {"prediction": -1.0},
        {"prediction": "error"},
        {"label": 2},
        {"label": 0.9999999},
    ],
)
def test_one_odd_outcome_of_a_classifier_is_a_dead_letter(odd: dict[str, Any]) -> None:
    """The others are still scored as classes, and the dead letter names value and setting."""
    alerts, letters = run({1500: odd})
    assert not [alert for alert in alerts if alert.detector == "task"]
    assert any("accuracy" in alert.message for alert in alerts)
    [detail] = letters
    assert "set models[].task" in detail
    assert str(next(iter(odd.values()))) in detail


def test_a_faulty_first_outcome_does_not_make_a_regression_of_a_classifier() -> None:
    """It is one after a hundred outcomes, which an alert says once."""
    alerts, letters = run({0: {"prediction": 57.3}})
    [changed] = [alert for alert in alerts if alert.detector == "task"]
    assert "those since are of a binary classifier" in changed.message
    assert any("accuracy" in alert.message for alert in alerts)
    assert letters == []


def test_a_task_does_not_alternate() -> None:
    """A model of which one outcome in fifty is a regression's becomes one, once."""
    alerts, letters = run({0: {"prediction": 57.3}}, share=0.02)
    assert 1 <= len([alert for alert in alerts if alert.detector == "task"]) <= 3
    assert any(alert.series == "error" and "absolute error" in alert.message for alert in alerts)
    assert len(letters) < 100
