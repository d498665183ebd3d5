"""How wrong a prediction was, once its label is known: the numbers that error series are made of.

**An error is 1** for a class that was not the true one, and the absolute difference for a number.
"""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from streamproc.config.model import Task
from streamproc.schemas.series import CLASSES, NUMBERS, SCORED

# A class that was given no chance at all costs 34.5, as in River: one label must not cost infinity.
MIN_PROBABILITY: Final = 1e-15
# Sums and squares of what is larger would not be finite.
MAX_NUMBER: Final = 1e150
SURE: Final = 0.5  # from this probability on the positive class is what was said

Value = float | bool | str
Predicted = Value | Mapping[str, float]
_SAME: Final = {"true": "1", "false": "0", "True": "1", "False": "0"}


class ScoredPrediction(NamedTuple):
    """A prediction beside its label.

    Attributes
    ----------
    task
        What the model does.
    sure
        Whether that is certain; numbers from 0 to 1 with labels 0 and 1 may be either.
    series, losses
        Names of the series, and the value of each.
    truth, said
        The class, or the number, that was right and that was said.
    chance
        Probability of the positive class; of several classes that of the one that was said; None
        where the model gives none.
    given
        Class → probability, where the model gives them.
    """

    task: Task
    sure: bool
    series: tuple[str, ...]
    losses: tuple[float, ...]
    truth: str | float
    said: str | float
    chance: float | None = None
    given: Mapping[str, float] | None = None


class MismatchError(Exception):
    """A label that does not go with its prediction; the message says why."""


def score(task: Task | None, said: Predicted, truth: Value) -> ScoredPrediction:
    """Compare a prediction with its label.

    Parameters
    ----------
    task
        As configured; None: as the types tell.
    said
        The prediction.
    truth
        The label.

    Raises
    ------
    MismatchError
        If one cannot be compared with the other.

    Examples
    --------
    >>> score(None, 0.9, True).losses[0], score(None, {"cat": 0.4, "dog": 0.6}, "cat").losses[0]
    (0.0, 1.0)
    >>> score("regression", 3.0, 5).losses
    (2.0, 4.0)
    """
    sure = task is not None
    if task is None:
        task, sure = _guess(said, truth)
    if task == "regression":
        return _number(said, truth)
    if isinstance(said, Mapping):
        return _several(task, said, class_name(truth))
    if task == "binary" and isinstance(said, float):
        return _chance(said, class_name(truth), sure=sure)
    wrong = float(class_name(said) != class_name(truth))
    return ScoredPrediction(task, sure, CLASSES, (wrong,), class_name(truth), class_name(said))


def _guess(said: Predicted, truth: Value) -> tuple[Task, bool]:
    """Infer the task; a number beside a number is a regression unless both look like chances."""
    if isinstance(said, Mapping):
        two = len(said) == 2
        return (
            "binary" if two and {class_name(name) for name in said} == {"0", "1"} else "multiclass"
        ), True
    if not isinstance(said, float):
        return ("binary" if isinstance(said, bool) else "multiclass"), True
    if isinstance(truth, bool):
        return "binary", True
    if 0.0 <= said <= 1.0 and truth in (0.0, 1.0):
        return "binary", False
    return "regression", True


def _number(said: Predicted, truth: Value) -> ScoredPrediction:
    if not isinstance(said, float) or not isinstance(truth, float):
        raise MismatchError(
            f"a regression's prediction and label are numbers, not {_kind(said)} and"
            f" {_kind(truth)}; set models[].task if this model is not a regression"
        )
    apart = min(
        abs(min(max(said, -MAX_NUMBER), MAX_NUMBER) - min(max(truth, -MAX_NUMBER), MAX_NUMBER)),
        MAX_NUMBER,
    )
    return ScoredPrediction("regression", True, NUMBERS, (apart, apart * apart), truth, said)  # noqa: FBT003


def _chance(said: float, truth: str, *, sure: bool) -> ScoredPrediction:
    if not 0.0 <= said <= 1.0:
        raise MismatchError(
            f"a binary model's number is the probability of its positive class, and {said:g} is"
            " none; set task: of the model"
        )
    if truth not in ("0", "1"):
        raise MismatchError(
            f"beside a probability of the positive class a label is true or false, 1 or 0, not"
            f" {truth!r}; send the predicted class, or class → probability"
        )
    right = said if truth == "1" else 1.0 - said
    claimed = "1" if said >= SURE else "0"
    losses = (float(claimed != truth), -math.log(max(right, MIN_PROBABILITY)), (1.0 - right) ** 2)
    return ScoredPrediction("binary", sure, SCORED, losses, truth, claimed, said)


def _several(task: Task, said: Mapping[str, float], truth: str) -> ScoredPrediction:
    """Compare class → probability; the Brier score is the sum over classes."""
    given = {class_name(name): chance for name, chance in said.items()}
    claimed = max(given, key=lambda name: given[name])
    right = given.get(truth, 0.0)
    brier = sum(chance * chance for chance in given.values()) - right * right + (1.0 - right) ** 2
    losses = (float(claimed != truth), -math.log(max(min(right, 1.0), MIN_PROBABILITY)), brier)
    chance = given[claimed]
    if task == "binary":
        chance = given.get("1", chance if claimed == "1" else 1.0 - chance)
        losses = (*losses[:2], losses[2] / 2.0)  # of one class, as for a single probability
    return ScoredPrediction(task, True, SCORED, losses, truth, claimed, chance, given)  # noqa: FBT003


def class_name(value: Value) -> str:
    """Give one name to each class, however it is written: true, "true", 1 and 1.0 are the same."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return _SAME.get(value, value)


def _kind(value: Predicted) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a text"
    return "a number" if isinstance(value, float) else "class → probability"
