"""Outcomes of models whose error rises because of one feature, which is known."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from outcome_logs import outcome

from streamproc.schemas.alerts import AlertEvent

CHANGE: Final = 1500
NUMBERS: Final = ("amount", "age", "km", "speed", "income", "rate")
WEIGHTS: Final = np.array([1.2, 0.9, -1.0, 0.8, 0.7, -0.9])
KINDS: Final = ("moved", "unit", "constant", "missing", "region", "category")

Rows = list[dict[str, Any]]


def planted(kind: str, seed: int, count: int, *, numbers: bool = False) -> tuple[Rows, str]:
    """Draw outcomes, and name the feature that explains why errors rise at `CHANGE`.

    Two features depend on each other, two more have no influence on anything, and one of the latter
    moves by a standard deviation in the cases that end with `+other`. `numbers`: of a regression.
    """
    kind, _, other = kind.partition("+")
    draw = np.random.default_rng(seed)
    true = draw.normal(size=(count, len(NUMBERS)))
    true[:, 1] = 0.5 * true[:, 0] + np.sqrt(0.75) * true[:, 1]
    column, late = seed % len(NUMBERS), np.arange(count) >= CHANGE
    shop = draw.choice(["a", "b", "c"], size=count, p=[0.6, 0.3, 0.1])
    noise = np.full(count, 0.3)
    if kind == "moved":
        true[late, column] += 1.5
        noise = 0.15 * np.exp(1.2 * np.clip(true[:, column], -3, 3))
    if kind == "category":
        shop[late] = draw.choice(["a", "b", "c"], size=int(late.sum()), p=[0.1, 0.2, 0.7])
        noise = np.where(shop == "c", 3.0, noise)
    seen, wrong = _corrupted(kind, true, column, late, draw)
    idle = draw.normal(size=(count, 2)) + np.outer(late & (other != ""), [1.0, 0.0])
    hard = draw.logistic(size=count) if not numbers else draw.normal(size=count)
    truth, predicted = true @ WEIGHTS + noise * hard, np.nan_to_num(seen) @ WEIGHTS
    rows: Rows = []
    for at in range(count):
        features: dict[str, Any] = {
            name: None if np.isnan(value) else value
            for name, value in zip(NUMBERS, seen[at].tolist(), strict=True)
        }
        features |= {"shop": str(shop[at]), "x": idle[at, 0], "y": idle[at, 1]}
        if numbers:
            answer, label = float(predicted[at]), float(truth[at] + 4.0 * wrong[at])
        else:
            answer = float(1.0 / (1.0 + np.exp(-np.clip(2.0 * predicted[at], -30, 30))))
            label = bool((truth[at] > 0) ^ wrong[at])
        rows.append(outcome(at, answer, label, features=features))
    return rows, "shop" if kind == "category" else NUMBERS[column]


def _corrupted(
    kind: str, true: Any, column: int, late: Any, draw: np.random.Generator
) -> tuple[Any, Any]:
    """Return what the model sees, and where the label is another one than before."""
    seen, wrong = true.copy(), np.zeros(len(true), bool)
    if kind == "unit":
        seen[late, column] *= 100.0
    if kind == "constant":
        seen[late, column] = 2.0
    if kind == "missing":
        seen[late, column] = np.nan
    if kind == "region":
        wrong = late & (true[:, column] > 0.6)
    if kind == "everywhere":
        wrong = late & (draw.random(len(true)) < 0.35)
    return seen, wrong


def named(alerts: list[AlertEvent]) -> list[str] | None:
    """Return the features that the first incident of errors names; None without one."""
    errors = [each for each in alerts if each.kind in {"concept", "performance"}]
    errors = [each for each in errors if each.source.offset >= CHANGE and each.detector != "floor"]
    if not errors:
        return None
    parts = errors[0].contributors or ()
    return [part.series for part in parts if part.series.startswith("feature:")]


def hits(
    kind: str, seeds: range, monitor: Callable[..., list[AlertEvent]], **how: Any
) -> list[bool]:
    """Say for each seed with an alarm whether the right feature is named first."""
    found = []
    for seed in seeds:
        rows, right = planted(kind, seed, CHANGE + 400, **how)
        names = named(monitor(rows))
        if names is not None:
            found.append(names[:1] == [f"feature:{right}"])
    return found
