"""Compute the losses of a prediction from its label.

The error is 0 or 1 for classes and the absolute difference for numbers.
"""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from streamproc.decode.lenient_numbers import ROUNDING, as_number
from streamproc.schemas.class_names import Value, class_key
from streamproc.schemas.series import CLASSES, NUMBERS, SCORED, Task

# Bounds the log loss of one label at 34.5, as River does.
MIN_PROBABILITY: Final = 1e-15
# Keeps sums and squares of losses finite.
MAX_NUMBER: Final = 1e150
SURE: Final = 0.5  # from this probability on the positive class is predicted

Predicted = Value | Mapping[str, float]
_BOOLEANS: Final = {"true": True, "false": False, "True": True, "False": False}


class ScoredPrediction(NamedTuple):
    """A prediction with its label and its losses.

    Attributes
    ----------
    task
        Task of the model, configured or inferred.
    sure
        Whether the task is certain: a number in [0, 1] with a label 0 or 1 may be a probability or
        a regression.
    series, losses
        Names of the loss series, and the value of each.
    actual, predicted
        Class or number of the label and of the prediction.
    chance
        Probability of the positive class or, of several classes, of the predicted one; None if the
        model gives none.
    given
        Class → probability; None if the model gives none.
    """

    task: Task
    sure: bool
    series: tuple[str, ...]
    losses: tuple[float, ...]
    actual: str | float
    predicted: str | float
    chance: float | None = None
    given: Mapping[str, float] | None = None


class MismatchError(Exception):
    """The label cannot be compared with the prediction; the message says why."""


def score(
    task: Task | None,
    predicted: Predicted,
    actual: Value,
    *,
    positive: str | None = None,
    strict: bool = False,
) -> ScoredPrediction:
    """Compare a prediction with its label.

    Parameters
    ----------
    task
        The configured task; None to infer it from the types.
    predicted
        The prediction.
    actual
        The label.
    positive
        Label of the positive class, where predictions are its probability; None: true or 1.
    strict
        Whether rounding errors of probabilities and numbers sent as text are refused.

    Returns
    -------
    ScoredPrediction

    Raises
    ------
    MismatchError
        If prediction and label cannot be compared.

    Examples
    --------
    >>> score(None, 0.9, True).losses[0], score(None, {"cat": 0.4, "dog": 0.6}, "cat").losses[0]
    (0.0, 1.0)
    >>> score("regression", 3.0, 5.0).losses
    (2.0, 4.0)
    """
    if not strict:
        predicted, actual = _as_numbers(task, predicted, actual, positive)
    if positive is not None and isinstance(predicted, float) and task != "regression":
        task, actual = "binary", is_positive(actual, positive)
    sure = task is not None
    if task is None:
        task, sure = _guess(predicted, actual)
    if task == "regression":
        return _number(predicted, actual)
    if isinstance(predicted, Mapping):
        return _several(task, predicted, class_key(actual))
    if task == "binary" and isinstance(predicted, float):
        return _chance(predicted, class_key(actual), sure=sure)
    wrong = float(class_key(predicted) != class_key(actual))
    return ScoredPrediction(task, sure, CLASSES, (wrong,), class_key(actual), class_key(predicted))


def _as_numbers(
    task: Task | None, predicted: Predicted, actual: Value, positive: str | None
) -> tuple[Predicted, Value]:
    """Return numbers for those sent as text, and probabilities without rounding errors."""
    if isinstance(predicted, str) and task != "multiclass":
        number = as_number(predicted)
        if number is not None and (task == "regression" or not number.is_integer()):
            predicted = number
    if not isinstance(predicted, float) or task == "multiclass":
        return predicted, actual
    if isinstance(actual, str) and positive is None and task != "binary":
        number = as_number(actual)
        actual = number if number is not None else _BOOLEANS.get(actual, actual)
    outside = predicted < 0.0 or predicted > 1.0
    if outside and task != "regression" and -ROUNDING <= predicted <= 1.0 + ROUNDING:
        of_class = positive is not None or class_key(actual) in {"0", "1"}
        predicted = min(max(predicted, 0.0), 1.0) if of_class else predicted
    return predicted, actual


def _guess(predicted: Predicted, actual: Value) -> tuple[Task, bool]:
    """Infer (task, certain); two numbers are a regression unless they may be probabilities."""
    if isinstance(predicted, Mapping):
        two = len(predicted) == 2
        return (
            "binary"
            if two and {class_key(name) for name in predicted} == {"0", "1"}
            else "multiclass"
        ), True
    if not isinstance(predicted, float):
        return ("binary" if isinstance(predicted, bool) else "multiclass"), True
    if isinstance(actual, bool):
        return "binary", True
    if 0.0 <= predicted <= 1.0 and actual in (0.0, 1.0):
        return "binary", False
    return "regression", True


def _number(predicted: Predicted, actual: Value) -> ScoredPrediction:
    if not isinstance(predicted, float) or not isinstance(actual, float):
        raise MismatchError(
            f"a regression's prediction and label are numbers, not {_kind(predicted)} and"
            f" {_kind(actual)}; set models[].task if this model is not a regression, or"
            " models[].positive if its predictions are probabilities and its labels texts"
        )
    apart = min(
        abs(
            min(max(predicted, -MAX_NUMBER), MAX_NUMBER) - min(max(actual, -MAX_NUMBER), MAX_NUMBER)
        ),
        MAX_NUMBER,
    )
    return ScoredPrediction("regression", True, NUMBERS, (apart, apart * apart), actual, predicted)  # noqa: FBT003


def _chance(predicted: float, actual: str, *, sure: bool) -> ScoredPrediction:
    if not 0.0 <= predicted <= 1.0:
        raise MismatchError(
            "a number that a binary model predicts is the probability of its positive class, and"
            f" {predicted:g} is outside [0, 1]; set models[].task"
        )
    if actual not in ("0", "1"):
        raise MismatchError(
            "the label of a probability of the positive class must be true or false, 1 or 0, not"
            f" {actual!r}; set models[].positive to the label of that class, or send the predicted"
            " class, or class → probability"
        )
    right = predicted if actual == "1" else 1.0 - predicted
    claimed = "1" if predicted >= SURE else "0"
    losses = (float(claimed != actual), -math.log(max(right, MIN_PROBABILITY)), (1.0 - right) ** 2)
    return ScoredPrediction("binary", sure, SCORED, losses, actual, claimed, predicted)


def _several(task: Task, predicted: Mapping[str, float], actual: str) -> ScoredPrediction:
    """Score class → probability; the multiclass Brier score is the sum over classes."""
    given = {class_key(name): chance for name, chance in predicted.items()}
    claimed = max(given, key=lambda name: given[name])
    right = given.get(actual, 0.0)
    brier = sum(chance * chance for chance in given.values()) - right * right + (1.0 - right) ** 2
    losses = (float(claimed != actual), -math.log(max(min(right, 1.0), MIN_PROBABILITY)), brier)
    chance = given[claimed]
    if task == "binary":
        chance = given.get("1", chance if claimed == "1" else 1.0 - chance)
        losses = (*losses[:2], losses[2] / 2.0)  # as for a single probability
    return ScoredPrediction(task, True, SCORED, losses, actual, claimed, chance, given)  # noqa: FBT003


def is_positive(label: Value, positive: str) -> bool:
    """Whether a label is that of the positive class, of which the configuration has the name."""
    return label if isinstance(label, bool) else class_key(label) == class_key(positive)


def _kind(value: Predicted) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    return "a number" if isinstance(value, float) else "class → probability"
