"""Kolmogorov-Smirnov: the largest distance of two distribution functions.

The knob is `alpha`, see `distribution.windowed_test`. Its theory is Smirnov's limit,
P(D > x) ≈ 2 exp(-2 k x²) with k = n m / (n + m); finite samples, ties and bins
make it an upper bound.
"""

from streamproc.detectors.distribution import binned_statistics as by
from streamproc.detectors.distribution.windowed_test import BINNED, BinnedBank, BinnedDetector
from streamproc.detectors.runtime.run_length import BY_ARL, by_comparison
from streamproc.detectors.spec import entry


class KolmogorovSmirnovBank(BinnedBank):
    """Many Kolmogorov-Smirnov tests; parameters as in `KolmogorovSmirnov`.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, bins, alpha, against
        As in `KolmogorovSmirnov`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    kind = by.KS
    owner = "KolmogorovSmirnov"


class KolmogorovSmirnov(BinnedDetector):
    """Kolmogorov-Smirnov test of a window against a reference on one series.

    The statistic is the largest distance of the empirical distribution
    functions, 0 … 1, taken at the edges of the bins. It sees shifts of the bulk
    best, changes of the tails least.

    Parameters
    ----------
    reference, window, stride, bins, alpha, against
        As in `BinnedDetector`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    Notes
    -----
    With 32 bins of equal mass the distance misses at most what lies within one
    bin, a thirty-second; the exact one needs all values of both samples.

    References
    ----------
    N. V. Smirnov, "Table for Estimating the Goodness of Fit of Empirical
    Distributions", Annals of Mathematical Statistics 19, 1948.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import KolmogorovSmirnov
    >>> detector = KolmogorovSmirnov()
    >>> rng = np.random.default_rng(3)
    >>> values = rng.normal(0, [1] * 1000 + [2] * 1000)
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1639
    """

    bank = KolmogorovSmirnovBank


ENTRY = entry(
    "ks",
    "distribution",
    (KolmogorovSmirnov, KolmogorovSmirnovBank),
    BINNED,
    BY_ARL,
    by_comparison(BINNED),
)
