"""Compute River's metrics over a model's last labels, unweighted or exponentially weighted.

They are computed on demand, not at each label.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streamproc.schemas.series import Task

Floats = NDArray[np.float64]

WINDOW: Final = 500
"""Labels in the window."""
HALF_LIFE: Final = 50.0
"""Labels after which a label has half its weight; the oldest of the window has a thousandth."""
ACTUAL, PREDICTED, CHANCE, EXPECTED = range(4)
"""Columns of a window: class code or number of label and prediction, probability, expected loss."""
_BINS: Final = 10


def compute_metrics(rows: Floats, task: Task, *, fading: bool = False) -> dict[str, float]:
    """Return all metrics that are defined for these labels.

    Parameters
    ----------
    rows
        (labels, 4), oldest first; see `ACTUAL` and the other columns. Classes are codes, the
        positive class of a binary model 1.
    task
        Task of the model.
    fading
        Whether weights halve every `HALF_LIFE` labels.

    Returns
    -------
    dict
        `accuracy`, `f1` (macro average of several classes), `roc_auc` and `calibration_error` if
        there are probabilities; for a regression `mae` and `r2`; and the estimate made without
        labels: `expected_accuracy` or `expected_mae`. Undefined metrics are left out.

    Examples
    --------
    >>> rows = np.array([[1, 1, 0.9, 0.1], [0, 1, 0.6, 0.4]])
    >>> compute_metrics(rows, "binary")["accuracy"]
    0.5
    """
    if not len(rows):
        return {}
    weights = np.ones(len(rows))
    if fading:
        weights = 0.5 ** (np.arange(len(rows))[::-1] / HALF_LIFE)
    with np.errstate(over="ignore", invalid="ignore"):  # squares of 1e200 are infinite: left out
        found = (
            _of_numbers(rows, weights) if task == "regression" else _of_classes(rows, weights, task)
        )
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def _of_numbers(rows: Floats, weights: Floats) -> dict[str, Any]:
    truth, wrong = rows[:, ACTUAL], rows[:, ACTUAL] - rows[:, PREDICTED]
    spread = _mean((truth - _mean(truth, weights)) ** 2, weights)
    found = {
        "mae": _mean(np.abs(wrong), weights),
        "expected_mae": _mean(rows[:, EXPECTED], weights),
    }
    if spread > 0.0 and len(rows) > 1:
        found["r2"] = 1.0 - _mean(wrong**2, weights) / spread
    return found


def _of_classes(rows: Floats, weights: Floats, task: Task) -> dict[str, Any]:
    right = rows[:, ACTUAL] == rows[:, PREDICTED]
    found = {
        "accuracy": _mean(right, weights),
        "expected_accuracy": 1.0 - _mean(rows[:, EXPECTED], weights),
    }
    classes = [1.0] if task == "binary" else np.unique(rows[:, :2]).tolist()
    found["f1"] = np.mean([_f1(rows, weights, of) for of in classes])
    chance = rows[:, CHANCE]
    if np.isnan(chance).any():
        return found
    if task == "binary":
        found["roc_auc"] = _roc_auc(rows[:, ACTUAL] == 1.0, chance, weights)
        found["calibration_error"] = _calibration_error(rows[:, ACTUAL] == 1.0, chance, weights)
    else:
        found["calibration_error"] = _calibration_error(right, chance, weights)
    return found


def _mean(values: Any, weights: Floats) -> Any:
    return np.average(values, weights=weights)


def _f1(rows: Floats, weights: Floats, of: float) -> float:
    actual, predicted = rows[:, ACTUAL] == of, rows[:, PREDICTED] == of
    total = weights[actual].sum() + weights[predicted].sum()
    return float(2.0 * weights[actual & predicted].sum() / total) if total else 0.0


def _roc_auc(positive: Any, chance: Floats, weights: Floats) -> float:
    """Return the probability that a positive has a higher score than a negative; ties half."""
    yes, no = weights * positive, weights * ~positive
    if not yes.any() or not no.any():
        return float("nan")
    _, place = np.unique(chance, return_inverse=True)
    of_yes, of_no = np.bincount(place, yes), np.bincount(place, no)
    below = np.cumsum(of_no) - of_no / 2.0
    return float((of_yes * below).sum() / (yes.sum() * no.sum()))


def _calibration_error(happened: Any, chance: Floats, weights: Floats) -> float:
    """Return the expected calibration error over ten bins of equal width."""
    place = np.minimum((chance * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(place, weights * (happened - chance), minlength=_BINS)
    return float(np.abs(gaps).sum() / weights.sum())
