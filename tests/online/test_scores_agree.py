"""Online models and production models are scored by one rule."""

import math
from typing import Any

import numpy as np
import pytest
from online.outcome_streams import NOW, config, outcome

from streamproc.cli.models_try_run import Trial
from streamproc.cli.row_events import RowEvents
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.online.classes import Classes
from streamproc.online.evaluation import losses_of
from streamproc.online.partition_models import PartitionModels
from streamproc.performance.losses import MismatchError, score
from streamproc.schemas.series import BRIER, LOG_LOSS

LOGISTIC = "linear_model.LogisticRegression"
BAYES = "naive_bayes.GaussianNB"
FORMS: dict[str, tuple[str, dict[str, Any], Any, list[Any]]] = {
    "number": (LOGISTIC, {}, 0.8, [True, False, True]),
    "named": (LOGISTIC, {}, {"true": 0.3, "false": 0.7}, [True, False, True]),
    "text labels": (LOGISTIC, {}, 0.8, ["True", "false", "1"]),
    "number as text": (LOGISTIC, {}, "0.8", [True, False, True]),
    "rounding error": (LOGISTIC, {}, 1.00001, [True, False, True]),
    "positive class": (LOGISTIC, {"positive": "fraud"}, 0.8, ["fraud", "ok", "fraud"]),
    "named by text": (
        LOGISTIC,
        {"task": "binary", "positive": "fraud"},
        {"fraud": 0.8, "ok": 0.2},
        ["fraud", "ok", "ok"],
    ),
    "class as text": (LOGISTIC, {"positive": "fraud"}, "fraud", ["fraud", "ok", "fraud"]),
    "task inferred": (BAYES, {}, 0.8, [True, False, True]),
    "two named, task inferred": (BAYES, {}, {"true": 0.3, "false": 0.7}, [True, False, True]),
    "several classes": (
        BAYES,
        {"task": "multiclass"},
        {"cat": 0.5, "dog": 0.3, "cow": 0.2},
        ["cat", "dog", "cat"],
    ),
    "class": (BAYES, {}, "cat", ["cat", "dog", "cat"]),
}


def settings(model: str, **fields: object) -> Config:
    """Configure one online model beside a production model."""
    return load({"models": [{"id": "*", "online": {"model": model}, **fields}]})


@pytest.mark.parametrize("form", FORMS)
def test_the_scores_of_production_are_those_of_its_series(form: str) -> None:
    """`production_…` of a model update are the means of the series on the same outcomes."""
    model, fields, prediction, labels = FORMS[form]
    rows = [
        outcome(n, n, "labelled", features={"a": 1.0}, label=label, prediction=prediction)
        for n, label in enumerate(labels)
    ]
    learners = PartitionModels(settings(model, **fields), "outcomes", 0)
    learners.process(rows, NOW)
    [found] = [each["metrics"] for each in learners.models()]
    scored = [
        score(fields.get("task"), prediction, label, positive=fields.get("positive"))
        for label in labels[model == BAYES :]  # it answers once it has learned a label
    ]
    assert found["production_accuracy"] == pytest.approx(
        1.0 - np.mean([each.losses[0] for each in scored])
    )
    for series, name in ((BRIER, "production_brier"), (LOG_LOSS, "production_log_loss")):
        values = [
            each.losses[each.series.index(series)] for each in scored if series in each.series
        ]
        assert found.get(name) == (pytest.approx(np.mean(values)) if values else None)


@pytest.mark.parametrize("fields", [{"task": "binary"}, {}], ids=["configured", "inferred"])
def test_online_and_production_share_the_unit_of_the_brier_score(fields: Any) -> None:
    """An online model that answers as production does has the same Brier score in an update."""
    rows = [
        outcome(n, n, status, features={"a": 1.0}, **more)
        for n, (status, more) in enumerate(
            [
                ("labelled", {"label": True, "prediction": {"true": 0.5, "false": 0.5}}),
                ("labelled", {"label": False, "prediction": {"true": 1.0, "false": 0.0}}),
                ("labelled", {"label": True, "prediction": {"true": 0.5, "false": 0.5}}),
            ]
        )
    ]
    learners = PartitionModels(settings("dummy.PriorClassifier", **fields), "outcomes", 0)
    learners.process(rows, NOW)
    [found] = [each["metrics"] for each in learners.models()]
    assert found["brier"] == pytest.approx(found["production_brier"])


@pytest.mark.parametrize("label", [0, 1, 2])
def test_an_online_prediction_is_scored_as_a_production_prediction_is(label: int) -> None:
    """The losses of probabilities are the same for an online model and for production."""
    shares = {"0": 0.5, "1": 0.5 - 1e-17, "2": 0.0}
    answer = np.array([0.0, *shares.values()])
    expected = score("multiclass", shares, str(label)).losses
    assert losses_of(answer, float(label)) == pytest.approx(expected)


@pytest.mark.parametrize("written", [True, "true", "True", 1.0, "1"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_class_is_the_same_however_it_is_written(task: Any, written: Any) -> None:
    """What production counts as one class is one class for an online model too."""
    classes = Classes(task)
    code = classes.learn(True)  # noqa: FBT003
    assert classes.learn(written) == code
    error, *_ = classes.score(written, "true")
    assert error == 0.0


def test_a_prediction_that_does_not_fit_its_label_is_not_scored() -> None:
    """What production refuses to compare does not count for an online model either."""
    with pytest.raises(MismatchError):
        score("regression", "cat", 1.0)
    assert math.isnan(Classes("regression").score("cat", 1.0)[0])


def test_a_trial_scores_the_classes_of_boolean_labels() -> None:
    """`models try` counts a class that is predicted right as right, though labels are booleans."""
    trial = Trial(config(BAYES), "m")
    events = [
        {"model_id": "m", "event_id": str(n), "features": {"a": n % 2 + n / 100}} for n in range(20)
    ]
    trial.take(
        [
            (n, RowEvents(n, [event, {"model_id": "m", "event_id": str(n), "label": n % 2 == 1}]))
            for n, event in enumerate(events)
        ]
    )
    assert trial.course.loss(10) == 0.0


def test_restored_classes_keep_their_numbers() -> None:
    """States saved when `true` and `1` were two classes keep the positions of their weights."""
    classes = Classes("multiclass")
    classes.restore(["true", "cat", "1", "dog"])
    assert (classes.learn("dog"), classes.learn("cat"), len(classes)) == (3.0, 1.0, 4)
