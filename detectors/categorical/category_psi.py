"""Population stability index (PSI) of categories.

The knob is `alpha`, see `distribution.windowed_test`. k · PSI tends to χ² with one degree
of freedom less than there are classes, k = n m / (n + m).
"""

from streamproc.detectors.distribution import binned_statistics as by
from streamproc.detectors.distribution.windowed_test import (
    CODED,
    MONITORED,
    CodedBank,
    CodedDetector,
)
from streamproc.detectors.runtime.run_length import BY_ARL, ThresholdParam
from streamproc.detectors.spec import entry


class CategoryStabilityBank(CodedBank):
    """Many population stability indices of categories; parameters as in `CategoryStability`.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, cap, alpha, against
        As in `CategoryStability`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    kind = by.PSI
    owner = "CategoryStability"


class CategoryStability(CodedDetector):
    """Population stability index of a window of categories against a reference on one series.

    The statistic is Σ (p - q) ln(p / q) over the classes, 0 or more, with half
    a value added to each count. The values stand for categories: equal
    ones for the same, and their order means nothing.

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
    B. Yurdakul, "Statistical Properties of Population Stability Index",
    Western Michigan University, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import CategoryStability
    >>> detector = CategoryStability()
    >>> rng = np.random.default_rng(3)
    >>> values = np.append(rng.choice(4, 1000), rng.choice(4, 1000, p=[0.4, 0.2, 0.2, 0.2]))
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1199
    """

    bank = CategoryStabilityBank


ENTRY = entry(
    "category_psi",
    "category",
    (CategoryStability, CategoryStabilityBank),
    CODED,
    {"reference": MONITORED["reference"], **BY_ARL},
    ThresholdParam("alpha", loose=0.5, strict=1e-10, reach=5e5),
)
