"""Bring predictions without labels into the form in which labels are scored."""

import math
from typing import Any

from streamproc.decode.lenient_numbers import as_number
from streamproc.performance.losses import SURE, score
from streamproc.performance.track import MAX_CLASSES, ModelTrack
from streamproc.schemas.class_names import class_key

Stated = tuple[float, float]
"""Number or class code, and probability."""


def stated(track: ModelTrack, prediction: Any) -> Stated:
    """Return a prediction in the form in which labels are scored.

    Parameters
    ----------
    track
        Track of its version.
    prediction
        A number, a class, or class → probability.

    Returns
    -------
    tuple of float
        Number or class code, and probability; NaN where there is none.
    """
    if isinstance(prediction, str) and track.task != "multiclass":  # as `score` reads it
        number = as_number(prediction)
        if number is not None and (track.task == "regression" or not number.is_integer()):
            prediction = number
    if track.task == "regression":
        return (prediction if isinstance(prediction, float) else math.nan), math.nan
    if isinstance(prediction, dict):
        shares = {name: share for name, share in prediction.items() if share is not None}
        scored = score(track.task, shares or {"": 0.0}, "")
        chance = math.nan if scored.chance is None else scored.chance
        return _code(track, str(scored.predicted)), chance
    if track.task == "binary" and isinstance(prediction, float):
        if not 0.0 <= prediction <= 1.0:
            return math.nan, math.nan
        return float(prediction >= SURE), prediction
    return _code(track, class_key(prediction)), math.nan


def _code(track: ModelTrack, name: str) -> float:
    return float(track.classes.index(name)) if name in track.classes else float(MAX_CLASSES)
