"""χ² of categories: Pearson's test of recent ones against a reference.

The knob is `alpha`, see `distribution.windowed_test`. Its limit is χ² with one degree of
freedom less than there are classes.
"""

from streamproc.detectors.distribution import binned_statistics as by
from streamproc.detectors.distribution.windowed_test import (
    CODED,
    MONITORED,
    CodedBank,
    CodedDetector,
)
from streamproc.detectors.runtime.run_length import by_comparison
from streamproc.detectors.spec import entry


class ChiSquareBank(CodedBank):
    """Many χ² tests of categories; parameters as in `ChiSquare`.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, cap, alpha, against
        As in `ChiSquare`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    kind = by.CHI2
    owner = "ChiSquare"


class ChiSquare(CodedDetector):
    """Pearson's χ² test of a window of categories against a reference on one series.

    The values stand for categories: equal ones for the same, and their order means
    nothing.

    Parameters
    ----------
    reference, window, stride, cap, alpha, against
        As in `CodedDetector`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    References
    ----------
    K. Pearson, "On the Probability that Two Independent Distributions of
    Frequency are Really Samples from the Same Population", Biometrika 8, 1911.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import ChiSquare
    >>> detector = ChiSquare()
    >>> rng = np.random.default_rng(3)
    >>> values = np.append(rng.choice(4, 1000), rng.choice(4, 1000, p=[0.4, 0.2, 0.2, 0.2]))
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1199
    """

    bank = ChiSquareBank


ENTRY = entry(
    "chi2", "category", (ChiSquare, ChiSquareBank), CODED, MONITORED, by_comparison(CODED)
)
