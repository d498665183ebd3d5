"""Hellinger: the distance of the roots of two distributions.

The knob is `alpha`, see `distribution.windowed_test`. 8 k · H² tends to χ² with one
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


class HellingerBank(DivergenceBank):
    """Many Hellinger distances; parameters as in `Hellinger`.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, bins, alpha, against
        As in `Hellinger`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    kind = by.HELLINGER
    owner = "Hellinger"


class Hellinger(DivergenceDetector):
    """Hellinger distance of a window from a reference on one series.

    The statistic is the root of 1 - Σ √(p q) over the bins, 0 … 1, with half a
    value added to each count. It sees any kind of change.

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
    G. Ditzler, R. Polikar, "Hellinger Distance Based Drift Detection for
    Nonstationary Environments", IEEE Symposium on Computational Intelligence in
    Dynamic and Uncertain Environments, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import Hellinger
    >>> detector = Hellinger()
    >>> rng = np.random.default_rng(3)
    >>> values = rng.normal(0, [1] * 1000 + [2] * 1000)
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1129
    """

    bank = HellingerBank


ENTRY = entry(
    "hellinger",
    "distribution",
    (Hellinger, HellingerBank),
    DIVERGENCE,
    BY_ARL,
    by_comparison(DIVERGENCE),
)
