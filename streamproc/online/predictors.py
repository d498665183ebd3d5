"""Predict with the plain parameters of a naive Bayes model or a tree."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

Inputs = Mapping[str, float | str]
Answer = tuple[float | None, dict[str, float] | None]
"""A number, or class → probability."""
Predictor = Callable[[Inputs], Answer]

_MIN_DENSITY: Final = 1e-9
"""River's naive Bayes adds it to each density."""


def gaussian_nb(step: Mapping[str, Any]) -> Predictor:
    """Answer as Gaussian naive Bayes.

    Examples
    --------
    >>> one = {"a": 1.0}
    >>> counts = {"x": 3, "y": 1}
    >>> step = {"counts": counts, "mean": {"x": one, "y": one}, "variance": {"x": one, "y": one}}
    >>> _, shares = gaussian_nb(step)({"a": 5.0})
    >>> {name: round(share, 2) for name, share in shares.items()}
    {'x': 0.75, 'y': 0.25}
    """
    counts, means, variances = step["counts"], step["mean"], step["variance"]
    total = sum(counts.values())

    def answer(x: Inputs) -> Answer:
        logs = {
            name: math.log(n / total)
            + sum(
                math.log(
                    _MIN_DENSITY + _density(value, means[name].get(key), variances[name].get(key))
                )
                for key, value in x.items()
                if not isinstance(value, str)
            )
            for name, n in counts.items()
        }
        return None, softmax(logs)

    return answer


def tree(step: Mapping[str, Any]) -> Predictor:
    """Answer as a Hoeffding tree.

    Examples
    --------
    >>> leaves = [{"value": 1.0}, {"value": 2.0}]
    >>> root = {"feature": "a", "at_most": 0.5, "children": leaves, "heavier": 1}
    >>> answers = tree({"classes": None, "root": root})
    >>> answers({"a": 0.5}), answers({})
    ((1.0, None), (2.0, None))
    """
    root, classes = step["root"], step["classes"]

    def answer(x: Inputs) -> Answer:
        leaves = [] if root is None else _leaves(root, x)
        if classes is None:
            numbers = [_number(leaf, x) for leaf in leaves]
            return (sum(numbers) / len(numbers) if numbers else 0.0), None
        shares = dict.fromkeys(classes, 0.0)
        for leaf in leaves:
            for name, share in _votes(leaf, x).items():
                shares[name] = shares.get(name, 0.0) + share
        total = sum(shares.values())
        weighed = total and any("error" in leaf for leaf in leaves)
        return None, ({key: each / total for key, each in shares.items()} if weighed else shares)

    return answer


def _leaves(node: Mapping[str, Any], x: Inputs) -> list[Mapping[str, Any]]:
    """Go down to the leaf, and to those of the alternate trees on the way, which vote too."""
    found: list[Mapping[str, Any]] = []
    times = 1
    while "children" in node:
        if "alternate" in node:
            found += _leaves(node["alternate"], x) * times
        branch = _branch(node, x)
        # River meets a node twice that it reaches without knowing the way.
        times = 1 if branch is not None else 2
        node = node["children"][node["heavier"] if branch is None else branch]
    return [*found, node]


def _branch(node: Mapping[str, Any], x: Inputs) -> int | None:
    """Tell the way; None when the event does not say it."""
    value = x.get(node["feature"])
    if value is None:
        return None
    if "at_most" in node:
        return 0 if not isinstance(value, str) and value <= node["at_most"] else 1
    if "equals" in node:
        return 0 if value == node["equals"] else 1
    values: list[Any] = node["values"]
    return values.index(value) if value in values else None


def _number(leaf: Mapping[str, Any], x: Inputs) -> float:
    if "value" in leaf:
        return float(leaf["value"])
    weights, total = leaf["weights"], float(leaf["intercept"])
    for name, value in x.items():
        if not isinstance(value, str):
            total += weights.get(name, 0.0) * value
    return total


def _votes(leaf: Mapping[str, Any], x: Inputs) -> dict[str, float]:
    counts = leaf["counts"]
    total = sum(counts.values())
    if not total:
        return {}
    votes = {name: n / total for name, n in counts.items()}
    if "features" in leaf:
        votes = softmax({name: _log(leaf, x, name, share) for name, share in votes.items()})
    if "error" in leaf:  # a leaf that errs less has more to say
        factor = sum(votes.values()) * leaf["error"] ** 2
        return {name: vote / factor for name, vote in votes.items()} if factor else votes
    return votes


def _log(leaf: Mapping[str, Any], x: Inputs, name: str, share: float) -> float:
    if not share:
        return 0.0
    total = math.log(share)
    for key, of_class in leaf["features"].items():
        value, seen = x.get(key), of_class.get(name)
        if value is None or seen is None:
            continue
        if isinstance(seen, Mapping):
            n = seen.get(str(value), 0.0)
            total += math.log(n / sum(seen.values())) if n else 0.0
        elif seen[1] > 0 and not isinstance(value, str):
            off = (value - seen[0]) ** 2 / (2.0 * seen[1])
            total -= off + 0.5 * math.log(math.tau) + 0.5 * math.log(seen[1])
    return total


def _density(value: float, mean: float | None, variance: float | None) -> float:
    if mean is None or not variance:
        return 0.0
    return math.exp(-((value - mean) ** 2) / (2 * variance)) / math.sqrt(math.tau * variance)


def softmax(logs: Mapping[str, float]) -> dict[str, float]:
    """Return the shares of classes from the logarithms of their weights, up to a constant."""
    if not logs:
        return {}
    top = max(logs.values())
    shares = {name: math.exp(value - top) for name, value in logs.items()}
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}
