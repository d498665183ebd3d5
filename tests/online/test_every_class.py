"""Every class of River that a config may name, alone or as the part that it is for."""

import random
from typing import Any

import pytest
from online.outcome_streams import NOW, Row, asked_then_labelled, config

from streamproc.config.river_classes import ALLOWED_CLASSES
from streamproc.online.partition_models import PartitionModels

LOGISTIC, LINEAR = "linear_model.LogisticRegression", "linear_model.LinearRegression"
# What its parameters need, where they have no default.
GIVEN: dict[str, dict[str, Any]] = {
    "optim.schedulers.Constant": {"learning_rate": 0.01},
    "optim.schedulers.InverseScaling": {"learning_rate": 0.1},
    "optim.initializers.Constant": {"value": 0.1},
    "multiclass.OneVsRestClassifier": {"classifier": LOGISTIC},
    "preprocessing.TargetStandardScaler": {"regressor": LINEAR},
    "ensemble.BaggingRegressor": {"model": LINEAR},
} | {
    name: {"model": "tree.HoeffdingTreeClassifier"}
    for name, allowed in ALLOWED_CLASSES.items()
    if name.startswith("ensemble.") and allowed.role == "classifier"
}
ROWS = 200


def model_with(name: str) -> list[Any]:
    """Return a model that has the class where it belongs."""
    it = {name: GIVEN.get(name, {})}
    adaptive = "tree.HoeffdingAdaptiveTreeClassifier"
    whole: dict[str, list[Any]] = {
        "transformer": [it, LOGISTIC],
        "classifier": [it],
        "regressor": [it],
        "optimizer": [{LOGISTIC: {"optimizer": it}}],
        "scheduler": [{LOGISTIC: {"optimizer": {"optim.SGD": {"lr": it}}}}],
        "binary_loss": [{LOGISTIC: {"loss": it}}],
        "regression_loss": [{LINEAR: {"loss": it}}],
        "initializer": [{LOGISTIC: {"initializer": it}}],
        "detector": [{adaptive: {"drift_detector": it, "grace_period": 20}}],
    }
    return whole[ALLOWED_CLASSES[name].role]


def drawn(kind: str) -> list[Row]:
    """Draw rows that suit every class: nothing is negative, something is a text or missing."""
    draw = random.Random(kind)
    rows: list[Row] = []
    for number in range(2 * ROWS):
        a, b = draw.random(), draw.random()
        x = {"a": a, "b": b if number % 7 else None, "where": draw.choice(["here", "there"])}
        level = a + (b if number < ROWS else -b) + draw.gauss(0, 0.1)
        label: Any = level
        if kind != "regressor":
            label = level > 0.6 if kind == "binary" else str(int(3 * min(max(level, 0), 1.9) / 2))
        rows.append((x, label))
    return rows


@pytest.mark.parametrize("name", ALLOWED_CLASSES)
def test_a_state_goes_on_as_if_it_had_not_been_saved(name: str) -> None:
    """200 events, saved and loaded, 200 more: every answer and every byte as without the pause."""
    settled = config(model_with(name))
    online = settled.models[0].online
    assert online is not None
    kind = online.model.kind if online.model.kind == "regressor" else "classifier"
    log = asked_then_labelled(drawn("binary" if online.model.binary else kind), delay=3)
    half = len(log) // 2

    whole = PartitionModels(settled, "outcomes", 0)
    uninterrupted = whole.process(log[:half], NOW).answers + whole.process(log[half:], NOW).answers
    before, after = (PartitionModels(settled, "outcomes", 0) for _ in range(2))
    answers = before.process(log[:half], NOW).answers
    after.restore(before.state())
    answers += after.process(log[half:], NOW).answers

    assert after.state() == whole.state()
    assert [each.to_json() for each in answers] == [each.to_json() for each in uninterrupted]
    assert whole.models()[0]["learned"] == 2 * ROWS
    assert sum(each.prediction is not None for each in answers) > ROWS
    assert len({each.prediction for each in answers}) > 1 or name.startswith("dummy.")


def test_a_feature_that_is_new_is_no_failure_of_a_scaler() -> None:
    """`MinMaxScaler` has no range for it before its first label: the rest answers, no alert."""
    rows: list[Row] = [({"a": n % 10 / 10}, n % 10 > 4) for n in range(100)]
    rows += [({"a": n % 10 / 10, "new": 1.0 + n}, n % 10 > 4) for n in range(50)]
    settled = config(["preprocessing.MinMaxScaler", LOGISTIC])
    learners = PartitionModels(settled, "outcomes", 0)
    learned = learners.process(asked_then_labelled(rows, delay=10), NOW)
    assert learned.alerts == []
    assert all(each.prediction is not None for each in learned.answers)
    assert learners.models()[0]["learned"] == len(rows)
