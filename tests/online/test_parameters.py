"""The plain parameters in the updates answer as the model does."""

import math
from typing import Any

import pytest
from online.model_streams import LINEAR, changing
from online.outcome_streams import NOW, asked_then_labelled, config

from streamproc.client.local_model import LocalModel
from streamproc.online import predictors
from streamproc.online.features import inputs
from streamproc.online.partition_models import PartitionModels
from streamproc.schemas.model_updates import ModelUpdate


def linear(step: dict[str, Any], x: dict[str, Any]) -> Any:
    """Answer as docs/models.md says of the form `linear`."""
    link, weights, intercept = step["link"], step["weights"], step["intercept"]
    if link == "softmax":
        raw = {
            name: sum(row.get(key, 0) * value for key, value in x.items()) + intercept[name]
            for name, row in weights.items()
        }
        total = sum(map(math.exp, raw.values()))
        return {name: math.exp(value) / total for name, value in raw.items()}
    value = sum(weights.get(key, 0) * number for key, number in x.items()) + intercept
    return value if link == "identity" else {"true": 1 / (1 + math.exp(-value))}


def answered(parameters: dict[str, Any], features: dict[str, Any]) -> Any:
    """Take features through the steps, as a service in any language would."""
    x: dict[str, Any] = inputs(features, texts=True)
    *scalers, last = parameters["steps"]
    for step in scalers:
        means, scales = step["mean"], step["scale"]
        x = {
            key: 0.0 if scales and not scales.get(key) else (value - means[key]) / scales[key]
            for key, value in x.items()
            if key in means
        }
    if last["form"] == "linear":
        return linear(last, x)
    number, shares = getattr(predictors, last["form"])(last)(x)
    return number if shares is None else shares


SMALL = {"grace_period": 50, "delta": 0.01}
MODELS: list[tuple[str, Any]] = [
    *LINEAR.items(),
    (
        "regression",
        ["preprocessing.StandardScaler", {"linear_model.LinearRegression": {"l1": 0.1}}],
    ),
    ("binary", "naive_bayes.GaussianNB"),
    ("multiclass", ["preprocessing.StandardScaler", "naive_bayes.GaussianNB"]),
    *(
        (task, {f"tree.{kind}Classifier": SMALL | {"leaf_prediction": leaf}})
        for kind in ("HoeffdingTree", "HoeffdingAdaptiveTree", "ExtremelyFastDecisionTree")
        for task, leaf in (("binary", "nba"), ("multiclass", "nb"), ("multiclass", "mc"))
    ),
    *(
        ("regression", {f"tree.{kind}Regressor": SMALL | {"leaf_prediction": leaf}})
        for kind in ("HoeffdingTree", "HoeffdingAdaptiveTree")
        for leaf in ("adaptive", "model", "mean")
    ),
]


@pytest.mark.parametrize(("task", "model"), MODELS)
def test_parameters_answer_as_the_model(task: str, model: Any) -> None:
    """From an update alone, by the page or by the client, answers are the model's, to 1e-9."""
    learners = PartitionModels(config(model, interval="1s"), "outcomes", 0)
    rows = changing(task, 900, 600)
    trees = "tree." in str(model)
    if trees:
        rows = [
            (x | ({} if n % 7 else {"a": None}) | {"c": "uvw"[n % 3]}, y)
            if task != "regression"
            else (x, y)
            for n, (x, y) in enumerate(rows)
        ]
    records = asked_then_labelled(rows)
    compared = 0
    update: ModelUpdate | None = None
    for place in range(0, len(records), 2):
        learned = learners.process(records[place : place + 2], NOW)
        [answer] = learned.answers
        if update is not None and place % 20 == 0:
            told = ModelUpdate.from_json(update.to_json())
            assert told.parameters is not None
            said = answered(told.parameters, rows[place // 2][0])
            if task == "regression":
                assert said == pytest.approx(answer.prediction, rel=1e-9, abs=1e-9)
            else:
                assert answer.probabilities is not None
                assert said == pytest.approx(
                    {name: answer.probabilities[name] for name in said}, rel=1e-9, abs=1e-9
                )
            local = LocalModel.of(told).predict(rows[place // 2][0])
            if task == "regression":
                assert local.prediction == pytest.approx(answer.prediction, rel=1e-9, abs=1e-9)
            else:
                assert local.probabilities == pytest.approx(
                    answer.probabilities, rel=1e-9, abs=1e-9
                )
            compared += 1
        update = next((each for each in learned.updates if each.step == "learned"), update)
    assert compared > 50


def test_a_model_with_no_plain_form_says_so() -> None:
    """An ensemble's updates have no parameters: its answers are on `online-predictions`."""
    bag = {"ensemble.BaggingClassifier": {"model": "naive_bayes.GaussianNB", "n_models": 2}}
    learners = PartitionModels(config(bag, interval="1s"), "outcomes", 0)
    learned = learners.process(asked_then_labelled(changing("binary", 10, 5)), NOW)
    assert learned.updates
    assert {update.parameters is None for update in learned.updates} == {True}
