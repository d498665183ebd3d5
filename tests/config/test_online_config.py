"""What `online:` takes, and how it refuses the rest."""

import importlib
import inspect
import sys
from typing import Any

import pytest

from streamproc.config.baseline import Rule
from streamproc.config.load import load
from streamproc.config.river_classes import ALLOWED_CLASSES
from streamproc.config.river_spec import ModelSpec
from streamproc.errors import ConfigError

SCALED = ["preprocessing.StandardScaler", {"linear_model.LogisticRegression": {"l2": 0.001}}]


def refused(model: object, **more: object) -> str:
    """Give the message for a model that is not taken."""
    with pytest.raises(ConfigError) as caught:
        load({"models": [{"id": "m", "online": {"model": model, **more}}]})
    return str(caught.value)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("os.system", "models[0].online.model: there is no such class"),
        ("subprocess.Popen", "there is no such class"),
        ({"linear_model.LogisticRegresion": {}}, "did you mean `linear_model.LogisticRegression`?"),
        (["preprocessing.StandardScaler"], "is a transformer; expected here: classifier"),
        (["naive_bayes.GaussianNB", "naive_bayes.GaussianNB"], "expected here: transformer"),
        ({"linear_model.LogisticRegression": {"l3": 1}}, "LogisticRegression.l3: unknown paramet"),
        ({"linear_model.LogisticRegression": {"l2": -1}}, "l2: expected a number from 0"),
        ({"linear_model.LogisticRegression": {"l2": "1"}}, "l2: expected a number from 0"),
        ({"linear_model.LogisticRegression": {"l2": True}}, "l2: expected a number from 0"),
        ({"linear_model.LogisticRegression": {"optimizer": "optim.losses.Log"}}, "binary loss"),
        ({"linear_model.LogisticRegression": 5}, "expected a mapping of parameters"),
        ({"tree.HoeffdingTreeClassifier": {"grace_period": 1.5}}, "expected a whole number"),
        ({"tree.HoeffdingTreeClassifier": {"leaf_prediction": "x"}}, "`mc`, `nb`, `nba`"),
        ("ensemble.BaggingClassifier", "`model` is missing"),
        ([], "expected at least one class"),
        (5, "expected a class of River"),
    ],
)
def test_a_model_that_is_not_on_the_list_is_refused(model: object, message: str) -> None:
    """The message names the field, what is wrong there, and what was probably meant."""
    assert message in refused(model)


def test_a_refused_class_is_not_imported() -> None:
    """A dotted path outside of the list runs nothing, not even an import."""
    sys.modules.pop("antigravity", None)
    refused(["antigravity.fly"])
    assert "antigravity" not in sys.modules


def test_a_deeply_nested_model_is_refused() -> None:
    """Depth cannot exhaust the stack."""
    model: Any = "naive_bayes.GaussianNB"
    for _ in range(14):
        model = {"ensemble.BaggingClassifier": {"model": model}}
    assert "nested deeper" in refused(model)


def test_models_that_draw_have_a_seed() -> None:
    """A replay draws the same: without a seed in the config it is 1."""
    spec = ModelSpec.model_validate("tree.HoeffdingAdaptiveTreeClassifier")
    assert spec.steps == [{"tree.HoeffdingAdaptiveTreeClassifier": {"seed": 1}}]


def test_equal_models_have_equal_hashes() -> None:
    """A class by its name and with an empty mapping is the same model."""
    plain, empty = (
        ModelSpec.model_validate(value)
        for value in ("naive_bayes.GaussianNB", [{"naive_bayes.GaussianNB": None}])
    )
    assert plain.hash == empty.hash
    assert plain.hash != ModelSpec.model_validate("naive_bayes.MultinomialNB").hash


@pytest.mark.parametrize(
    ("model", "floor", "message"),
    [
        ("linear_model.LinearRegression", "majority", "models[0].online.baseline: numbers have no"),
        (
            "linear_model.LogisticRegression",
            "mean",
            "models[0].online.baseline: classes have no",
        ),
    ],
)
def test_a_baseline_that_cannot_predict_is_refused(model: str, floor: str, message: str) -> None:
    """Numbers have no majority and classes no mean: the message says what to take."""
    printed = refused(model, baseline=floor)
    assert message in printed
    assert "or a rule" in printed


def test_the_baseline_is_read_by_its_earlier_key() -> None:
    """`floor` configures what `baseline` does, in a model and in its section `online`."""
    rule = {"feature": "a", "above": 1.0, "then": True, "otherwise": False}
    online = {"model": "naive_bayes.GaussianNB"}
    written = [
        load({"models": [{"id": "*", key: rule, "online": {**online, key: "last"}}]})
        for key in ("baseline", "floor")
    ]
    assert written[0] == written[1]
    assert written[0].models[0].floor == Rule.model_validate(rule)


def test_both_keys_of_the_baseline_are_refused() -> None:
    """A file that has `baseline` and `floor` leaves open which of them counts."""
    with pytest.raises(ConfigError, match=r"models\[0\].floor: is the same key as `baseline`"):
        load({"models": [{"id": "*", "baseline": "last", "floor": "majority"}]})


def test_an_unknown_key_of_a_baseline_is_explained() -> None:
    """A typo inside a rule lists the keys of a rule, under either name of the baseline."""
    for key in ("baseline", "floor"):
        with pytest.raises(ConfigError, match="did you mean `feature`"):
            load({"models": [{"id": "*", key: {"featur": "a", "above": 1.0}}]})


@pytest.mark.parametrize("name", sorted(ALLOWED_CLASSES))
def test_the_list_is_rivers(name: str) -> None:
    """Every class and parameter on the list is one of the River that is installed."""
    module, _, kind = name.rpartition(".")
    known = inspect.signature(getattr(importlib.import_module(f"river.{module}"), kind)).parameters
    assert set(ALLOWED_CLASSES[name].params) <= set(known)
