"""The compiled linear models next to River's own, on events as they come in service."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from online.outcome_streams import NOW, Row, asked_then_labelled, config
from river import linear_model, optim, preprocessing

from streamproc.online.partition_models import PartitionModels

ROWS = 160
NEW = 80  # from this row on events have another feature
CLASSES = {"binary": [False, True], "multiclass": ["low", "middle", "high"]}
NAMES = {
    "binary": "linear_model.LogisticRegression",
    "multiclass": "linear_model.SoftmaxRegression",
    "regression": "linear_model.LinearRegression",
}


def draw_rows(task: str, seed: int, missing: float) -> list[Row]:
    """Draw rows whose features lie in units of their own; some are null, some are not there."""
    draw = random.Random(seed)
    units = {name: (10 ** draw.uniform(-3, 3), draw.gauss(0, 5)) for name in "abcd"}
    rows: list[Row] = []
    for number in range(ROWS):
        z = {name: draw.gauss(0, 1) for name in ("abc" if number < NEW else "abcd")}
        level = z["a"] - z["b"] + draw.gauss(0, 0.5)
        x: dict[str, Any] = {
            name: units[name][0] * (value + units[name][1])
            for name, value in z.items()
            if draw.random() >= missing
        }
        if draw.random() < missing:
            x["c"] = None
        rows.append((x, _label(task, level)))
    return rows


def _label(task: str, level: float) -> Any:
    if task == "regression":
        return 20 + 4 * level
    names = CLASSES[task]
    return names[min(len(names) - 1, max(0, int(level + len(names) / 2)))]


def rivers(task: str, rows: Sequence[Row], delay: int, l2: float, rate: float) -> list[Any]:
    """Return what River's own model answers to each row, its labels `delay` rows late."""
    make: dict[str, Callable[[], Any]] = {
        "binary": lambda: linear_model.LogisticRegression(optim.SGD(rate), l2=l2),
        "multiclass": lambda: linear_model.SoftmaxRegression(optim.SGD(rate), l2=l2),
        "regression": lambda: linear_model.LinearRegression(optim.SGD(rate), l2=l2),
    }
    model = preprocessing.StandardScaler() | make[task]()
    answers: list[Any] = []
    for number in range(len(rows) + delay + 1):
        if number > delay:
            x, y = rows[number - delay - 1]
            model.learn_one(_known(x), y)
        if number < len(rows):
            x = _known(rows[number][0])
            if task == "regression":
                answers.append(model.predict_one(x))
            else:
                answers.append(model.predict_proba_one(x))
    return answers


def _known(x: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in x.items() if value is not None}


def ours(task: str, rows: list[Row], delay: int, l2: float, rate: float) -> Any:
    """Return the answers of the online model, whose labels come as late."""
    last: Any = {NAMES[task]: {"l2": l2, "optimizer": {"optim.SGD": {"lr": rate}}}}
    learners = PartitionModels(config(["preprocessing.StandardScaler", last]), "outcomes", 0)
    learned = learners.process(asked_then_labelled(rows, delay + 1), NOW)
    assert [alert for alert in learned.alerts if alert.kind == "system"] == []
    return learned.answers


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10**6),
    delay=st.sampled_from([0, 1, 40]),
    l2=st.sampled_from([0.0, 1e-4, 0.05]),
    rate=st.sampled_from([0.001, 0.01, 0.05]),
    missing=st.sampled_from([0.0, 0.2]),
)
@pytest.mark.parametrize("task", NAMES)
def test_answers_are_rivers(
    task: str, seed: int, delay: int, l2: float, rate: float, missing: float
) -> None:
    """To 1e-9: with and without L2, with missing features, and with a new one midway."""
    rows = draw_rows(task, seed, missing)
    expected = rivers(task, rows, delay, l2, rate)
    answers = ours(task, rows, delay, l2, rate)
    assert len(answers) == len(expected) == ROWS
    for answer, said in zip(answers, expected, strict=True):
        if task == "regression":
            assert answer.prediction == pytest.approx(said, rel=1e-9, abs=1e-9)
            continue
        found = answer.event().probabilities or {}
        named = {_name(label): share for label, share in said.items()}
        for label in found.keys() | named.keys():
            assert found.get(label, 0.0) == pytest.approx(named.get(label, 0.0), abs=1e-9)
    assert task == "regression" or len(answers[-1].event().probabilities) == len(CLASSES[task])


def _name(label: Any) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)
