"""Jensen-Shannon: the divergence of two distributions from their average.

The knob is `alpha`, see `distribution.windowed_test`. 8 k · JS tends to χ² with one
degree of freedom less than there are bins, k = n m / (n + m).
"""

from streamproc.detectors.distribution import binned_statistics as by
from streamproc.detectors.distribution.divergence import (
    DIVERGENCE,
    DivergenceBank,
    DivergenceDetector,
)
from streamproc.detectors.runtime.run_length import BY_ARL, by_comparison
from streamproc.detectors.spec import entry


class JensenShannonBank(DivergenceBank):
    """Many Jensen-Shannon divergences; parameters as in `JensenShannon`.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, bins, alpha, against
        As in `JensenShannon`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    kind = by.JS
    owner = "JensenShannon"


class JensenShannon(DivergenceDetector):
    """Jensen-Shannon divergence of a window from a reference on one series.

    The statistic is the mean divergence of both histograms from their average,
    in nats, 0 … ln 2, with half a value added to each count. It sees any kind
    of change.

    Parameters
    ----------
    reference, window, stride, bins, alpha, against
        As in `DivergenceDetector`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    References
    ----------
    J. Lin, "Divergence Measures Based on the Shannon Entropy", IEEE
    Transactions on Information Theory 37, 1991.
    M. L. Menéndez, J. A. Pardo, L. Pardo, M. C. Pardo, "The Jensen-Shannon
    Divergence", Journal of the Franklin Institute 334, 1997 (the limit).

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import JensenShannon
    >>> detector = JensenShannon()
    >>> rng = np.random.default_rng(3)
    >>> values = rng.normal(0, [1] * 1000 + [2] * 1000)
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1129
    """

    bank = JensenShannonBank


ENTRY = entry(
    "jensen_shannon",
    "distribution",
    (JensenShannon, JensenShannonBank),
    DIVERGENCE,
    BY_ARL,
    by_comparison(DIVERGENCE),
)
