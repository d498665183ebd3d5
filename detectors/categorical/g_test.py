"""G test of categories: the likelihood ratio of recent ones against a reference.

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


class GTestBank(CodedBank):
    """Many G tests of categories; parameters as in `GTest`.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, cap, alpha, against
        As in `GTest`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    kind = by.G
    owner = "GTest"


class GTest(CodedDetector):
    """G test of a window of categories against a reference on one series.

    The statistic is twice the log-likelihood ratio of two distributions
    against one, by Williams' divisor. The values stand for categories: equal
    ones for the same, and their order means nothing. Classes that vanish or
    appear weigh more than in Pearson's test.

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
    R. R. Sokal, F. J. Rohlf, "Biometry", Freeman, 1981.
    D. A. Williams, "Improved Likelihood Ratio Tests for Complete Contingency
    Tables", Biometrika 63, 1976.
    S. S. Wilks, "The Large-Sample Distribution of the Likelihood Ratio for
    Testing Composite Hypotheses", Annals of Mathematical Statistics 9, 1938.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import GTest
    >>> detector = GTest()
    >>> rng = np.random.default_rng(3)
    >>> values = np.append(rng.choice(4, 1000), rng.choice(4, 1000, p=[0.4, 0.2, 0.2, 0.2]))
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1199
    """

    bank = GTestBank


ENTRY = entry("g_test", "category", (GTest, GTestBank), CODED, MONITORED, by_comparison(CODED))
