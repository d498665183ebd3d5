"""Tails of the distributions that tests refer to, and where they fall below a level."""

import math
from collections.abc import Callable


def chi2_tail(x: float, freedom: int) -> float:
    """P(χ² > x) for a whole number of degrees of freedom, 1 or more.

    Parameters
    ----------
    x
        0 or more.
    freedom
        Degrees of freedom.
    """
    half = x / 2.0
    odd = freedom % 2 == 1
    # Q(k + 2) = Q(k) + (x/2)^(k/2) e^(-x/2) / Γ(k/2 + 1), from Q(1) or Q(2).
    tail = math.erfc(math.sqrt(half)) if odd else math.exp(-half)
    term = math.sqrt(half / math.pi) * 2.0 * math.exp(-half) if odd else half * math.exp(-half)
    for k in range(3 if odd else 4, freedom + 1, 2):
        tail += term
        term *= half / (k / 2.0)
    return tail


def chi2_bound(level: float, freedom: int) -> float:
    """Where P(χ² > x) = level; infinite for no freedom, where nothing can differ."""
    return falls_to(level, lambda x: chi2_tail(x, freedom)) if freedom > 0 else math.inf


def falls_to(level: float, tail: Callable[[float], float]) -> float:
    """Find where a tail, decreasing from 0 on, falls to `level`: to the last bit or so."""
    low, high = 0.0, 1.0
    while tail(high) > level:
        low, high = high, 2.0 * high
    while low < (middle := (low + high) / 2.0) < high:
        low, high = (middle, high) if tail(middle) > level else (low, middle)
    return high


def two_sample_ks_tail(least: int, n: int) -> float:
    """P(n · D >= least) of two samples of n values without ties, exact.

    Parameters
    ----------
    least
        n times the largest distance of the two empirical distributions, 1 … n.
    n
        Values in each sample.

    References
    ----------
    B. V. Gnedenko, V. S. Korolyuk, "On the maximum discrepancy between two
    empirical distributions", Doklady Akademii Nauk SSSR 80, 1951.
    """
    paths = sum((-1) ** (k - 1) * math.comb(2 * n, n - k * least) for k in range(1, n // least + 1))
    return min(1.0, float(2 * paths / math.comb(2 * n, n)))
