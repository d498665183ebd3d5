"""How far two histograms over the same bins lie apart: each statistic with its bound.

`reference` and `window` are counts over the same `bins`, of n and m values;
`k = n m / (n + m)`. A bound is where the statistic's null distribution falls
to the level that the caller chose, for the masses that both histograms show
together: so one rare value more than before is judged as rare.
"""

import math
from typing import Any

from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.jit import compiled

KS, CVM, W1, CHI2, G, PSI, JS, HELLINGER = range(8)
HALF = 0.5
"""Added to each count where a logarithm or a root would make much of an empty bin: a window
of 200 leaves one of 32 bins empty all the time, and false alarms would be 200 times `alpha`."""
ITERATIONS = 2
"""Of the power method: in fine bins its start is off by a seven-hundredth, and each step brings
that down to a sixteenth or less; 6 would cost 200 ns a value."""


@compiled
def kolmogorov(reference: Any, window: Any, bins: int, n: float, m: float) -> float:
    """Largest distance of the two distribution functions, at the edges of the bins."""
    below, largest = 0.0, 0.0
    for i in range(bins - 1):
        below += reference[i] / n - window[i] / m
        largest = max(largest, abs(below))
    return largest


@compiled
def cramer(reference: Any, window: Any, bins: int, n: float, m: float) -> float:
    """Mean of the squared distance over both samples, times k."""
    below, total = 0.0, 0.0
    for i in range(bins - 1):
        below += reference[i] / n - window[i] / m
        weight = reference[i] + window[i] + reference[i + 1] + window[i + 1]
        total += weight * below * below
    return total * n * m / (2.0 * (n + m) * (n + m))


@compiled
def cramer_scale(reference: Any, window: Any, bins: int, work: Floats) -> float:
    """Largest eigenvalue of the limit of `cramer` for these masses: 1/π² in fine equal bins."""
    share = 0.0
    for i in range(bins):
        share += reference[i] + window[i]
    level, value = 0.0, 0.0
    for i in range(bins - 1):
        level += (reference[i] + window[i]) / share
        work[i] = level * (1.0 - level)
    for _ in range(ITERATIONS):
        # y = C W x for C(i, j) = min(F_i, F_j) - F_i F_j, by running sums.
        right, moment, norm, level = 0.0, 0.0, 0.0, 0.0
        for i in range(bins - 1):
            level += (reference[i] + window[i]) / share
            weight = reference[i] + window[i] + reference[i + 1] + window[i + 1]
            pull = work[i] * weight / (2.0 * share)
            norm += work[i] * pull
            right += pull
            moment += level * pull
        if norm == 0.0:
            return 0.0
        left, along, level = 0.0, 0.0, 0.0
        for i in range(bins - 1):
            level += (reference[i] + window[i]) / share
            weight = (reference[i] + window[i] + reference[i + 1] + window[i + 1]) / (2.0 * share)
            pull = work[i] * weight
            right -= pull
            left += level * pull
            new = left + level * right - level * moment
            along += new * pull
            work[i] = new
        value = along / norm
    return value


@compiled
def wasserstein(reference: Any, window: Any, bins: int, n: float, m: float) -> float:
    """Area between the distribution functions, in widths of a bin."""
    below, total = 0.0, 0.0
    for i in range(bins - 1):
        below += reference[i] / n - window[i] / m
        total += abs(below)
    return total


@compiled
def wasserstein_scale(reference: Any, window: Any, bins: int, n: float, m: float) -> float:
    """Deviation of the difference of both means, in widths of a bin.

    Far out `wasserstein` is that difference: one function is above the other
    everywhere.
    """
    mean, squares = 0.0, 0.0
    for i in range(bins):
        mass = (reference[i] + window[i]) / (n + m)
        mean += mass * i
        squares += mass * i * i
    return math.sqrt(max(squares - mean * mean, 0.0) * (n + m) / (n * m))


@compiled
def chi2(reference: Any, window: Any, bins: int, n: float, m: float) -> float:
    """Pearson's statistic of two samples."""
    total, ratio = 0.0, n / m
    for i in range(bins):
        both = reference[i] + window[i]
        if both > 0:
            apart = reference[i] - window[i] * ratio
            total += apart * apart / both
    return total / ratio


@compiled
def likelihood_ratio(reference: Any, window: Any, bins: int, xlogx: Floats) -> float:
    """Twice the log-likelihood ratio of two distributions against one; `xlogx[i]`: i ln i.

    It is divided as Williams says, so that its mean is that of χ² where bins
    are nearly empty too; else false alarms would be 3 times `alpha` there.
    """
    total, n, m, used, inverse = 0.0, 0, 0, 0, 0.0
    for i in range(bins):
        a, b = reference[i], window[i]
        if a + b > 0:
            n, m, used = n + a, m + b, used + 1
            inverse += 1.0 / (a + b)
            total += xlogx[a] + xlogx[b] - xlogx[a + b]
    if used < 2:
        return 0.0
    both = float(n + m)
    total += xlogx[n + m] - xlogx[n] - xlogx[m]
    sizes = both / n + both / m - 1.0
    divisor = 1.0 + sizes * (both * inverse - 1.0) / (6.0 * both * (used - 1))
    return max(2.0 * float(total) / divisor, 0.0)


@compiled
def stability(reference: Any, window: Any, bins: int, n: float, m: float) -> float:
    """Stability index of a population, 0 or more."""
    total = 0.0
    all_n, all_m = smoothed_sizes(reference, window, bins, n, m)
    for i in range(bins):
        if reference[i] + window[i] > 0:
            p, q = (reference[i] + HALF) / all_n, (window[i] + HALF) / all_m
            total += (p - q) * math.log(p / q)
    return total


@compiled
def jensen_shannon(reference: Any, window: Any, bins: int, n: float, m: float) -> float:
    """Jensen-Shannon divergence, in nats: 0 … ln 2."""
    total = 0.0
    all_n, all_m = smoothed_sizes(reference, window, bins, n, m)
    for i in range(bins):
        if reference[i] + window[i] > 0:
            p, q = (reference[i] + HALF) / all_n, (window[i] + HALF) / all_m
            total += p * math.log(2.0 * p / (p + q)) + q * math.log(2.0 * q / (p + q))
    return max(total / 2.0, 0.0)


@compiled
def hellinger(reference: Any, window: Any, bins: int, n: float, m: float) -> float:
    """Hellinger distance, 0 … 1."""
    overlap = 0.0
    all_n, all_m = smoothed_sizes(reference, window, bins, n, m)
    for i in range(bins):
        if reference[i] + window[i] > 0:
            overlap += math.sqrt((reference[i] + HALF) * (window[i] + HALF))
    return math.sqrt(max(1.0 - overlap / math.sqrt(all_n * all_m), 0.0))


@compiled
def smoothed_sizes(
    reference: Any, window: Any, bins: int, n: float, m: float
) -> tuple[float, float]:
    """Sizes of both samples with half a value more in every bin that has any."""
    used = 0
    for i in range(bins):
        used += reference[i] + window[i] > 0
    return n + HALF * used, m + HALF * used
