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

import numpy as np

from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param

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


Moments = tuple[float, float, float]
"""Number of values, their mean, and the sum of their squared deviations from it."""
MOMENTS = {"n": (np.float64, 0.0), "mean": (np.float64, 0.0), "squares": (np.float64, 0.0)}
"""Fields of a record that hold them."""
NO_VALUES: Moments = (0.0, 0.0, 0.0)


def learning(learn: str, warmup: int) -> tuple[bool, bool, float]:
    """Tell compiled loops whether anything is learned, the deviation too, and from when on."""
    return learn != "none", learn == "both", float(warmup)


@compiled
def learned(
    value: float,
    moments: Moments,
    both: bool,  # noqa: FBT001 - compiled
    warmup: float,
) -> tuple[float, bool, Moments]:
    """Standardise a value by those before it, then learn from it.

    Returns the result, whether there were `warmup` values to standardise by, and
    the moments with this value in them. While all values are equal there is no
    unit, and the result is 0; the next value of a new level then finds one.
    """
    n, mean, squares = moments
    apart = value - mean
    known = n + 1.0
    grown = (known, mean + apart * (1.0 / known), squares + apart * apart * ((known - 1.0) / known))
    if n < warmup:
        return 0.0, False, grown
    if not both:
        return apart * math.sqrt(n / known), True, grown
    if squares <= 0.0:
        return 0.0, True, grown
    return apart * math.sqrt(n * (n - 1.0) / (known * squares)), True, grown
