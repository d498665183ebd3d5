"""Streams whose concept changes, for each task."""

import random
from typing import Any

from online.outcome_streams import Row

LINEAR: dict[str, list[Any]] = {
    "regression": ["preprocessing.StandardScaler", "linear_model.LinearRegression"],
    "binary": ["preprocessing.StandardScaler", "linear_model.LogisticRegression"],
    "multiclass": ["preprocessing.StandardScaler", "linear_model.SoftmaxRegression"],
}
RIVER: dict[str, list[Any]] = {
    "regression": [{"tree.HoeffdingTreeRegressor": {"grace_period": 50}}],
    "binary": ["naive_bayes.GaussianNB"],
    "multiclass": [{"tree.HoeffdingAdaptiveTreeClassifier": {"grace_period": 50}}],
}


def changing(task: str, rows: int, change: int, seed: int = 1) -> list[Row]:
    """Draw rows of three features; from `change` on the label follows from another of them."""
    draw = random.Random(seed)
    found: list[Row] = []
    for row in range(rows):
        x = {name: draw.gauss(place, 1 + place) for place, name in enumerate("abc")}
        signal = x["a"] if row < change else 3 - x["a"] * 2 + (x["b"] - 1) / 4
        noisy = signal + draw.gauss(0, 0.2)
        found.append((x, _label(task, noisy)))
    return found


def _label(task: str, value: float) -> Any:
    if task == "regression":
        return value
    if task == "binary":
        return value > 0
    return "low" if value < -0.5 else "high" if value > 0.5 else "middle"
