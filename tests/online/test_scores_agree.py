"""Online models and production models are scored by one rule."""

from typing import Any

import pytest
from online.outcome_streams import NOW, config, outcome

from streamproc.online.classes import Classes
from streamproc.online.partition_models import PartitionModels
from streamproc.performance.losses import score
from streamproc.schemas.series import BRIER


@pytest.mark.parametrize("prediction", [0.8, {"true": 0.3, "false": 0.7}], ids=["number", "named"])
def test_the_brier_score_of_production_is_that_of_its_series(prediction: Any) -> None:
    """`production_brier` of a model update is the mean of `metric:brier` on the same outcomes."""
    labels = [True, False, True]
    rows = [
        outcome(n, n, "labelled", features={"a": 1.0}, label=label, prediction=prediction)
        for n, label in enumerate(labels)
    ]
    learners = PartitionModels(config("linear_model.LogisticRegression"), "outcomes", 0)
    learners.process(rows, NOW)
    [model] = learners.models()
    scored = [score("binary", prediction, label) for label in labels]
    series = [each.losses[each.series.index(BRIER)] for each in scored]
    assert model["metrics"]["production_brier"] == pytest.approx(sum(series) / len(series))


@pytest.mark.parametrize("written", [True, "true", "True", 1.0, "1"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_class_is_the_same_however_it_is_written(task: str, written: Any) -> None:
    """What production counts as one class is one class for an online model too."""
    classes = Classes(task)
    code = classes.learn(True)  # noqa: FBT003
    assert classes.learn(written) == code
    assert classes.production_row(written)[0] == code


def test_restored_classes_keep_their_numbers() -> None:
    """States saved when `true` and `1` were two classes keep the positions of their weights."""
    classes = Classes("multiclass")
    classes.restore(["true", "cat", "1", "dog"])
    assert (classes.learn("dog"), classes.learn("cat"), len(classes)) == (3.0, 1.0, 4)
