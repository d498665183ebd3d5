"""Export the parameters of a model in the plain forms of docs/models.md."""

import math
from typing import Any

from streamproc.online.classes import Classes
from streamproc.online.linear import Linear
from streamproc.online.model_version import ModelVersion
from streamproc.online.tree_export import tree_form


def plain(contestant: ModelVersion, classes: Classes) -> dict[str, Any] | None:
    """Give the parameters of a model; None when it has no plain form.

    Returns
    -------
    dict or None
        ``{"form": "pipeline", "steps": […]}``: scalers, and last a ``linear`` model,
        ``gaussian_nb`` or a ``tree``, see docs/models.md.
    """
    engine = contestant.engine
    if isinstance(engine, Linear):
        return {"form": "pipeline", "steps": engine.parameters(classes.texts)}
    model: Any = getattr(engine, "model", None)
    parts = list(model.steps.values()) if type(model).__name__ == "Pipeline" else [model]
    steps = [_step(part, classes.texts) for part in parts]
    return None if None in steps else {"form": "pipeline", "steps": steps}


def _step(part: Any, names: list[str]) -> dict[str, Any] | None:
    name = type(part).__name__
    if name == "StandardScaler" and part.window_size is None:
        mean = {key: float(value) for key, value in part.means.items()}
        scale = {key: math.sqrt(value) for key, value in part.vars.items()}
        return {"form": "scaler", "mean": mean, "scale": scale if part.with_std else None}
    if name in {"LogisticRegression", "LinearRegression"}:
        return _generalised(part, name)
    if name == "SoftmaxRegression":
        weights = {names[int(code)]: dict(row) for code, row in part.weights.items()}
        intercept = dict.fromkeys(weights, 0.0)
        return {"form": "linear", "link": "softmax", "weights": weights, "intercept": intercept}
    if name == "GaussianNB":
        return _naive_bayes(part, names)
    return tree_form(part, names)


def _generalised(part: Any, name: str) -> dict[str, Any] | None:
    link = "logit" if name == "LogisticRegression" else "identity"
    if type(part.loss).__name__ not in {"Log", "Squared", "Absolute", "Huber", "Quantile"}:
        return None
    weights = {key: float(value) for key, value in part.weights.items()}
    return {"form": "linear", "link": link, "weights": weights, "intercept": float(part.intercept)}


def _naive_bayes(part: Any, names: list[str]) -> dict[str, Any]:
    mean: dict[str, dict[str, float]] = {}
    variance: dict[str, dict[str, float]] = {}
    for code in part.class_counts:
        of_class = part.gaussians.get(code, {})
        mean[names[int(code)]] = {key: float(each.mu) for key, each in of_class.items()}
        variance[names[int(code)]] = {
            key: float(each._var.get())  # noqa: SLF001 - River gives only its root
            for key, each in of_class.items()
        }
    counts = {names[int(code)]: int(n) for code, n in part.class_counts.items()}
    return {"form": "gaussian_nb", "counts": counts, "mean": mean, "variance": variance}
