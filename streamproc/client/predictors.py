"""Build predictors from the plain forms of model parameters."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from streamproc.online.predictors import Inputs, Predictor, gaussian_nb, softmax, tree

Transform = Callable[[Inputs], Inputs]
Parameters = Mapping[str, Any]


class FormError(Exception):
    """Parameters have an unsupported form, which the message names."""


def predictor(parameters: Parameters) -> Predictor:
    """Return a predictor with these model parameters.

    Parameters
    ----------
    parameters
        As in a `ModelUpdate`.

    Raises
    ------
    FormError
        If the form is not supported.

    Examples
    --------
    >>> linear = {"form": "linear", "link": "identity", "weights": {"km": 2.0}, "intercept": 1.0}
    >>> predictor(linear)({"km": 3.0})
    (7.0, None)
    """
    steps = parameters.get("steps", [parameters])
    try:
        *before, last = steps
        transforms = [_TRANSFORMS[step["form"]](step) for step in before]
        answer = _MODELS[last["form"]](last)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        forms = [step.get("form") for step in steps if isinstance(step, Mapping)]
        raise FormError(f"its parameters have the unknown form {forms}") from error
    return lambda x: answer(_through(transforms, x))


def _through(transforms: Sequence[Transform], x: Inputs) -> Inputs:
    for transform in transforms:
        x = transform(x)
    return x


def _numbers(x: Inputs) -> dict[str, float]:
    return {name: value for name, value in x.items() if not isinstance(value, str)}


def _scaler(step: Parameters) -> Transform:
    means, scales = step["mean"], step["scale"]

    def scaled(x: Inputs) -> Inputs:
        moved = {name: value - means.get(name, 0.0) for name, value in _numbers(x).items()}
        if scales is None:
            return moved
        return {
            name: value / scale if (scale := scales.get(name)) else 0.0
            for name, value in moved.items()
        }

    return scaled


def _linear(step: Parameters) -> Predictor:
    weights, intercept, link = step["weights"], step["intercept"], step["link"]
    if link == "softmax":
        return lambda x: (
            None,
            softmax({name: _sum(x, weights[name], intercept[name]) for name in weights}),
        )
    if link == "logit":
        return lambda x: (None, _two(_sigmoid(_sum(x, weights, intercept))))
    if link != "identity":
        raise ValueError(link)
    return lambda x: (_sum(x, weights, intercept), None)


def _sum(x: Inputs, weights: Mapping[str, float], intercept: float) -> float:
    total = 0.0
    for name, weight in weights.items():
        value = x.get(name)
        if value is not None and not isinstance(value, str):
            total += weight * value
    return total + intercept


def _two(positive: float) -> dict[str, float]:
    return {"false": 1.0 - positive, "true": positive}


def _sigmoid(value: float) -> float:
    # As River's: what is beyond is certain.
    if abs(value) > _CERTAIN:
        return 1.0 if value > 0 else 0.0
    return 1.0 / (1.0 + math.exp(-value))


_CERTAIN: Final = 30.0
_TRANSFORMS: Final[Mapping[str, Callable[[Parameters], Transform]]] = {"scaler": _scaler}
_MODELS: Final[Mapping[str, Callable[[Parameters], Predictor]]] = {
    "linear": _linear,
    "gaussian_nb": gaussian_nb,
    "tree": tree,
}
