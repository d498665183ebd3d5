"""Wasserstein-1: the area between two distribution functions, in the unit of the values.

The knob is `alpha`, see `distribution.windowed_test`. Far out the area is large because
one function lies above the other everywhere, so that it is the difference of the
means: P(W > x) ≈ 2 P(N(0, 1) > x / σ), σ the deviation of that difference. The
bound is taken at half of `alpha`, which covers what else adds to the area.
"""

from streamproc.detectors.distribution import binned_kernel as kernel
from streamproc.detectors.distribution import binned_statistics as by
from streamproc.detectors.distribution.windowed_test import BINNED, BinnedBank, BinnedDetector
from streamproc.detectors.runtime.run_length import BY_ARL, by_comparison
from streamproc.detectors.spec import entry


class WassersteinBank(BinnedBank):
    """Many Wasserstein distances; parameters as in `Wasserstein`.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, bins, alpha, against
        As in `Wasserstein`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    kind = by.W1
    scheme = kernel.EQUAL_WIDTH
    owner = "Wasserstein"


class Wasserstein(BinnedDetector):
    """Wasserstein-1 distance of a window from a reference on one series.

    The statistic is how far a value must be moved on average to turn one
    histogram into the other, in the unit of the values: the only one here that
    tells how large a change is, and one that sees shifts of the mean best.

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
    The bins have equal widths, around the middle nine tenths of the first 96
    values and three quarters of that range beyond both its ends; what lies
    farther out counts as at the end. After a constant reference there is no
    width: the distance is then the share of the values that differ, 0 … 1.

    References
    ----------
    E. del Barrio, E. Giné, C. Matrán, "Central Limit Theorems for the
    Wasserstein Distance Between the Empirical and the True Distributions",
    Annals of Probability 27, 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import Wasserstein
    >>> detector = Wasserstein()
    >>> rng = np.random.default_rng(3)
    >>> values = rng.normal(0, [1] * 1000 + [2] * 1000)
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1119
    """

    bank = WassersteinBank


ENTRY = entry(
    "wasserstein",
    "distribution",
    (Wasserstein, WassersteinBank),
    BINNED,
    BY_ARL,
    by_comparison(BINNED),
)
