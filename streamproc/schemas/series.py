"""Name the tasks of models and the series of their losses, as alerts and metrics show them."""

from typing import Final, Literal

Task = Literal["binary", "multiclass", "regression"]
"""What a model predicts."""
JOINT: Final = "features"
"""Series of how the numeric features of a model vary together."""
SEGMENT: Final = "segment:"
"""Prefix of the names of series of segments within a partition; see `segment_series`."""
ERROR: Final = "error"
LOG_LOSS, BRIER, SQUARED_ERROR = "metric:log_loss", "metric:brier", "metric:squared_error"
ESTIMATED: Final = "metric:estimated"
"""Series of the error that a model's predictions let expect, before their labels arrive."""
PER_ESTIMATE: Final = 10
"""Predictions in one value of that series. Single ones would cost as much as their labels."""
CLASSES: Final = (ERROR,)
SCORED: Final = (ERROR, LOG_LOSS, BRIER)
NUMBERS: Final = (ERROR, SQUARED_ERROR)
