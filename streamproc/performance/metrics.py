"""How good a model is on its last labels: River's metrics, over a window and fading.

Computed from the last labels when somebody asks, and not with each label. Over the window each
label counts once; fading, a label counts half as much as one `HALF_LIFE` later.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streamproc.config.model import Task

Floats = NDArray[np.float64]

WINDOW: Final = 500
"""Labels of the window: 28 of them more or less wrong at a tenth is what chance does."""
HALF_LIFE: Final = 50.0
"""Labels after which one counts half; the oldest of the window then counts a thousandth."""
ACTUAL, PREDICTED, CHANCE, EXPECTED = range(4)
"""Columns of a window: class or number that was true, and said; probability; expected loss."""
_BINS: Final = 10


def compute_metrics(rows: Floats, task: Task, *, fading: bool = False) -> dict[str, float]:
    """Return every metric that these labels give.

    Parameters
    ----------
    rows
        (labels, 4), oldest first; see `ACTUAL` and the other columns. Classes are codes, the
        positive class of a binary model 1.
    task
        What the model does.
    fading
        Whether older labels count less.

    Returns
    -------
    dict
        `accuracy`, `f1` (of several classes their mean), `roc_auc` and `calibration_error` where
        there are probabilities; of a regression `mae` and `r2`; and what was expected before the
        labels were known: `expected_accuracy` or `expected_mae`. A metric that is not defined on
        these labels is left out.

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
    found = _of_numbers(rows, weights) if task == "regression" else _of_classes(rows, weights, task)
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
    truth, said = rows[:, ACTUAL] == of, rows[:, PREDICTED] == of
    both, either = weights[truth & said].sum(), weights[truth].sum() + weights[said].sum()
    return float(2.0 * both / either) if either else 0.0


def _roc_auc(positive: Any, chance: Floats, weights: Floats) -> float:
    """Return the chance that a positive one has a higher score than a negative one; ties half."""
    yes, no = weights * positive, weights * ~positive
    if not yes.any() or not no.any():
        return float("nan")
    _, place = np.unique(chance, return_inverse=True)
    of_yes, of_no = np.bincount(place, yes), np.bincount(place, no)
    below = np.cumsum(of_no) - of_no / 2.0
    return float((of_yes * below).sum() / (yes.sum() * no.sum()))


def _calibration_error(happened: Any, chance: Floats, weights: Floats) -> float:
    """Return how far probabilities are from shares, on average over ten bins."""
    place = np.minimum((chance * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(place, weights * (happened - chance), minlength=_BINS)
    return float(np.abs(gaps).sum() / weights.sum())
