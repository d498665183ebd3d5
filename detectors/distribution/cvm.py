"""Cramér-von Mises: the mean squared distance of two distribution functions.

The knob is `alpha`, see `distribution.windowed_test`. Its limit is a weighted sum of χ²,
whose tail P(T > x) ≈ √2 P(χ²(1) > x / λ) hangs on the largest weight λ: 1/π² without
ties, and computed for the bins at hand in general.
"""

from streamproc.detectors.distribution import binned_statistics as by
from streamproc.detectors.distribution.windowed_test import BINNED, BinnedBank, BinnedDetector
from streamproc.detectors.runtime.run_length import BY_ARL, by_comparison
from streamproc.detectors.spec import entry


class CramerVonMisesBank(BinnedBank):
    """Many Cramér-von Mises tests; parameters as in `CramerVonMises`.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, bins, alpha, against
        As in `CramerVonMises`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    kind = by.CVM
    owner = "CramerVonMises"


class CramerVonMises(BinnedDetector):
    """Cramér-von Mises test of a window against a reference on one series.

    The statistic is k times the mean over both samples of the squared distance
    of their empirical distribution functions, k = n m / (n + m), taken at the
    edges of the bins. All of the bulk counts, not only where the distance is
    largest, so shifts are found a little earlier than by Kolmogorov-Smirnov.

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

    References
    ----------
    T. W. Anderson, "On the Distribution of the Two-Sample Cramér-von Mises
    Criterion", Annals of Mathematical Statistics 33, 1962.
    V. M. Zolotarev, "Concerning a Certain Probability Problem", Theory of
    Probability and its Applications 6, 1961 (the tail).

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import CramerVonMises
    >>> detector = CramerVonMises()
    >>> rng = np.random.default_rng(3)
    >>> values = rng.normal(0, [1] * 1000 + [2] * 1000)
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1189
    """

    bank = CramerVonMisesBank


ENTRY = entry(
    "cvm",
    "distribution",
    (CramerVonMises, CramerVonMisesBank),
    BINNED,
    BY_ARL,
    by_comparison(BINNED),
)
