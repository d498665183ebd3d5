"""Labels and predictions that are sent in another form are scored as what they mean."""

import random
from typing import Any

import pytest

from streamproc.monitor import Monitor
from streamproc.online.classes import Classes
from streamproc.performance.losses import MismatchError, score


@pytest.mark.parametrize("predicted", [1.00004, -0.00003, 1.0 + 2**-23])
@pytest.mark.parametrize("label", [1.0, 0.0, True, "1", "false"])
def test_a_rounding_error_beside_a_bound_is_the_bound(predicted: float, label: Any) -> None:
    """A probability of float32 stays one."""
    cut = min(max(predicted, 0.0), 1.0)
    assert score(None, predicted, label) == score(None, cut, label)
    assert score("binary", predicted, label).task == "binary"
    with pytest.raises(MismatchError):
        score("binary", predicted, label, strict=True)


def test_a_regression_beside_a_bound_is_not_rounded() -> None:
    """Where the task or the label says regression, the number is what it is."""
    assert score("regression", 1.00004, 1.0).losses[0] == pytest.approx(0.00004)
    assert score(None, 1.00004, 3.5).losses[0] == pytest.approx(2.49996)
    assert score(None, 1.01, 1.0).task == "regression"


@pytest.mark.parametrize(("predicted", "label"), [("12.5", 10.0), (12.5, "10.00"), ("12.5", "10")])
def test_numbers_as_text_are_numbers(predicted: Any, label: Any) -> None:
    """Of predictions, of labels and of both."""
    assert score(None, predicted, label) == score(None, 12.5, 10.0)
    assert score("regression", predicted, label).losses[0] == 2.5


def test_classes_as_text_stay_classes() -> None:
    """Integers as text are compared as classes, and so is everything of a multiclass model."""
    assert score(None, "3", "3").task == "multiclass"
    assert score("multiclass", "0.5", "0.5").losses == (0.0,)


def test_the_positive_class_is_named_by_the_configuration() -> None:
    """Labels as texts beside a probability give a binary classifier, with all its metrics."""
    draw = random.Random(4)
    events: list[dict[str, Any]] = []
    for index in range(3000):
        chance = draw.random()
        is_stolen = draw.random() < (chance if index < 2000 else 1 - chance)
        label = "stolen" if is_stolen else draw.choice(["ok", "unclear"])
        events += [
            {"model_id": "m", "event_id": str(index), "ts": 1.7e9 + index, "prediction": chance},
            {"model_id": "m", "event_id": str(index), "ts": 1.7e9 + index, "label": label},
        ]
    monitor = Monitor({"models": [{"id": "m", "positive": "stolen"}]})
    alerts = monitor.process(events)
    assert monitor.dead_letters == []
    assert any(alert.series == "error" and "accuracy" in alert.message for alert in alerts)
    monitor = Monitor()
    monitor.process(events)
    assert len(monitor.dead_letters) == 3000
    assert "models[].positive" in monitor.dead_letters[0].detail


def test_an_online_model_learns_the_positive_class() -> None:
    """Every other label is the negative class; without the setting texts do not fit."""
    classes = Classes("binary", "stolen")
    assert [classes.learn(label) for label in ("stolen", "ok", "unclear", True)] == [1, 0, 0, 1]
    assert Classes("binary").learn("stolen") is None
    assert Classes("regression").learn("12.50") == 12.5
