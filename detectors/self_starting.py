"""Deviations from a mean that is learned on the way, for charts that expect standardised values.

A chart needs the mean before the change. Learned once from n values and then
frozen, it is wrong by 1/√n deviations for good, and a chart for small shifts
turns that error into false alarms. Here each value is compared with the mean of
all values before it, and divided by the deviation of that difference: on
independent normal values of one mean the results are independent and standard
normal however few values there were (Hawkins 1987; with learned deviation, t
distributed instead).

D. M. Hawkins, "Self-starting CUSUM charts for location and scale", The
Statistician 36, 1987.
"""

import math

from detectors.compiled import compiled
from detectors.params import Param

LEARN = ("both", "mean", "none")

LEARN_PARAM = Param(
    "learn",
    "both",
    "what is learned from the values: mean and deviation, the mean (the deviation is 1), "
    "or none (the mean is 0, the deviation 1)",
    choices=LEARN,
)
WARMUP_PARAM = Param(
    "warmup", 30, "values that are only learned from, where something is", low=2, high=1_000_000
)

FARTHEST = 1e100
"""Values count as no farther from zero than this, so that no square of them overflows."""


@compiled
def bounded(value: float) -> float:
    """Draw a value in to `FARTHEST`."""
    return min(max(value, -FARTHEST), FARTHEST)


@compiled
def residual(value: float, n: float, mean: float, squares: float, both: bool) -> float:  # noqa: FBT001 - compiled
    """Standardise a value by the `n` values before it.

    `mean` is theirs, `squares` the sum of their squared deviations from it.
    While they are all equal there is no unit, and the result is 0; the next
    value of a new level then finds one.
    """
    if not both:
        return (value - mean) * math.sqrt(n / (n + 1.0))
    if squares <= 0.0:
        return 0.0
    return (value - mean) * math.sqrt(n * (n - 1.0) / ((n + 1.0) * squares))
