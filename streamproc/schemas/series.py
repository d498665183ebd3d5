"""Name the series of losses, as alerts and metrics show them."""

from typing import Final

ERROR: Final = "error"
LOG_LOSS, BRIER, SQUARED_ERROR = "metric:log_loss", "metric:brier", "metric:squared_error"
CLASSES: Final = (ERROR,)
SCORED: Final = (ERROR, LOG_LOSS, BRIER)
NUMBERS: Final = (ERROR, SQUARED_ERROR)
