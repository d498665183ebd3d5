"""Likelihood of a change of the mean of skewed values: those of skewness g count as Poisson counts.

Counts of mean 1/g² are as skewed. So rare events are counted, however rare, where a normal
distribution would call each of them many deviations.
"""

import math

from streamproc.detectors.runtime.jit import compiled

SHY = 1.0
"""Square of the skewness that is believed by half: a hundred normal values have one of .06."""
EVEN = 0.01
"""Skewness below which values count as normal."""


@compiled
def skewness(cubes: float, n: float, variance: float) -> float:
    """Estimate the skewness, shrunk the more the smaller it is."""
    skew = cubes / (n * variance * math.sqrt(variance))
    return skew * skew * skew / (skew * skew + SHY)


@compiled
def excess(u: float) -> float:
    """Likelihood of Poisson counts at their own mean, 1 + u times as high as expected."""
    return (1.0 + u) * math.log1p(u) - u if u > -1.0 else 1.0


@compiled
def gained(apart: float, after: float, before: float, skew: float) -> float:
    """Log-likelihood ratio of a place, after which the sum is `apart` beyond what it should be."""
    if abs(skew) < EVEN:
        return 0.5 * apart * apart * (after + before) / (after * before)
    own = after * excess(skew * apart / after) + before * excess(-skew * apart / before)
    return own / (skew * skew)
