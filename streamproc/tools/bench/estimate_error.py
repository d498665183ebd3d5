"""Measure how far performance estimates are from the errors that labels show later.

`python -m streamproc.tools.bench.estimate_error FILE` measures it.
The rows of elec2 are answered by models whose labels come 500 rows late. Every 100 rows the loss of
the last 500 answers, none of which has its label yet, is estimated; when the labels are there, the
estimates are compared with what it was.
"""

import argparse
import csv
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from river import linear_model, naive_bayes, preprocessing, tree

from streamproc.performance.estimate import CUT_AFTER, Estimate
from streamproc.performance.losses import score
from streamproc.schemas.series import Task

DELAY: Final = 500
EVERY: Final = 100
TRAINED: Final = 4000
"""Rows that a static model learns from; it is judged on what follows."""

Row = tuple[dict[str, float], bool, float]  # features, class, and number to be predicted


class Distance(NamedTuple):
    """Mean distances to the loss that 500 answers turned out to have.

    Attributes
    ----------
    loss
        Mean of that loss.
    estimate
        Distance of the estimate.
    claim
        Of what the model itself says; None for a regression.
    known
        Of the loss of the last 500 answers whose labels are known: what one has without estimates.
    """

    loss: float
    estimate: float
    claim: float | None
    known: float


def rows(file: Path) -> list[Row]:
    """Read elec2: the class is `target`, the number the price of the state (`feat_2`)."""
    with gzip.open(file, "rt") as lines:
        found = []
        for row in csv.DictReader(lines):
            target = row.pop("target") == "1"
            features = {name: float(value) for name, value in row.items()}
            found.append((features, target, features["feat_2"]))
        return found


def answers(model: Any, task: Task, data: Sequence[Row], *, learns: bool) -> list[float]:
    """Return what a model says of each row: the chance of the positive class, or a number."""
    predicted: list[float] = []
    for number, (features, *_) in enumerate(data):
        if learns and number >= DELAY:
            _learn(model, task, data[number - DELAY])
        elif not learns and number < TRAINED:
            _learn(model, task, data[number])
        if task == "regression":
            predicted.append(float(model.predict_one(_without_price(features))))
        else:
            predicted.append(float(model.predict_proba_one(features).get(True, 0.5)))
    return predicted


def distance(task: Task, predicted: Sequence[float], data: Sequence[Row], start: int) -> Distance:
    """Replay predictions and their delayed labels; compare estimates with the actual errors."""
    truths: list[bool | float] = [row[2] if task == "regression" else row[1] for row in data]
    judged = [score(task, one, truth) for one, truth in zip(predicted, truths, strict=True)]
    losses = np.array([one.losses[0] for one in judged])
    estimate, found = Estimate(), []
    for now in range(start + DELAY, len(predicted)):
        known = now - DELAY
        chance = judged[known].chance
        code = predicted[known] if task == "regression" else float(predicted[known] >= 0.5)
        estimate.learn(task, code, chance, losses[known])
        if task == "regression" and known == start + CUT_AFTER:
            estimate.cut(predicted[start:known], losses[start:known].tolist())
        if known < start + DELAY or now % EVERY:
            continue
        new, old = slice(known + 1, now + 1), slice(known + 1 - DELAY, known + 1)
        numbers = np.array(predicted[new])
        chances = np.full(DELAY, np.nan) if chance is None else numbers
        expected = estimate.mean(task, numbers, chances)
        claim = np.minimum(numbers, 1 - numbers).mean()
        found.append((losses[new].mean(), expected, claim, losses[old].mean()))
    loss, expected, claims, last = np.array(found).T
    return Distance(
        float(loss.mean()),
        float(np.abs(expected - loss).mean()),
        None if task == "regression" else float(np.abs(claims - loss).mean()),
        float(np.abs(last - loss).mean()),
    )


MODELS: Final[dict[str, tuple[Task, Callable[[], Any]]]] = {
    "logistic regression": (
        "binary",
        lambda: preprocessing.StandardScaler() | linear_model.LogisticRegression(),
    ),
    "naive Bayes": ("binary", naive_bayes.GaussianNB),
    "Hoeffding adaptive tree": ("binary", lambda: tree.HoeffdingAdaptiveTreeClassifier(seed=1)),
    "linear regression": ("regression", linear_model.LinearRegression),  # all lie in [0, 1]
    "Hoeffding adaptive tree, regression": (
        "regression",
        lambda: tree.HoeffdingAdaptiveTreeRegressor(seed=1),
    ),
}


def table(data: Sequence[Row]) -> str:
    """Measure every model, learning and static, and write it as Markdown."""
    lines = [
        "| model | | loss | estimate off by | own claim off by | last known off by |",
        "|---|---|---|---|---|---|",
    ]
    for name, (task, make) in MODELS.items():
        for learns in (True, False):
            predicted = answers(make(), task, data, learns=learns)
            found = distance(task, predicted, data, 0 if learns else TRAINED)
            cells = [_shown(value, task) for value in found]
            lines.append(f"| {name} | {'learning' if learns else 'static'} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _learn(model: Any, task: Task, row: Row) -> None:
    features, label, number = row
    if task == "regression":
        model.learn_one(_without_price(features), number)
    else:
        model.learn_one(features, label)


def _without_price(features: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in features.items() if name != "feat_2"}


def _shown(value: float | None, task: Task) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if task == "regression" else f"{100 * value:.1f}"


def _file() -> Path:
    parser = argparse.ArgumentParser(
        prog="python -m streamproc.tools.bench.estimate_error",
        description="Compare estimated losses with those that labels show later.",
    )
    parser.add_argument("file", type=Path, help="elec2 as csv.gz, with a column target")
    file: Path = parser.parse_args().file
    if not file.is_file():
        parser.error(f"{file} does not exist")
    return file


if __name__ == "__main__":
    print(table(rows(_file())))  # noqa: T201  a command
