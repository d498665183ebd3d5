"""Population stability index (PSI): the symmetric divergence that credit scoring uses.

The knob is `alpha`, see `distribution.windowed_test`. k · PSI tends to χ² with one degree
of freedom less than there are bins, k = n m / (n + m). The folk bounds .1 and .25
mean nothing without k: 8 bins of 500 and 200 values show .05 by chance, 8 of 50 and 20
show .49.
"""

from streamproc.detectors.distribution import binned_statistics as by
from streamproc.detectors.distribution.divergence import (
    DIVERGENCE,
    DivergenceBank,
    DivergenceDetector,
)
from streamproc.detectors.runtime.run_length import BY_ARL, ThresholdParam
from streamproc.detectors.spec import entry


class PopulationStabilityBank(DivergenceBank):
    """Many population stability indices; parameters as in `PopulationStability`.

    Parameters
    ----------
    size
        Number of slots.
    reference, window, stride, bins, alpha, against
        As in `PopulationStability`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    kind = by.PSI
    owner = "PopulationStability"


class PopulationStability(DivergenceDetector):
    """Population stability index of a window against a reference on one series.

    The statistic is Σ (p - q) ln(p / q) over the bins, 0 or more, with half a
    value added to each count. It sees any kind of change, and tails that empty
    or fill best.

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
    B. Yurdakul, "Statistical Properties of Population Stability Index",
    Western Michigan University, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from streamproc.detectors import PopulationStability
    >>> detector = PopulationStability()
    >>> rng = np.random.default_rng(3)
    >>> values = rng.normal(0, [1] * 1000 + [2] * 1000)
    >>> for i, value in enumerate(values):
    ...     detector.update(value)
    ...     if detector.drift_detected:
    ...         print(i)
    1129
    """

    bank = PopulationStabilityBank


ENTRY = entry(
    "psi",
    "distribution",
    (PopulationStability, PopulationStabilityBank),
    DIVERGENCE,
    BY_ARL,
    ThresholdParam("alpha", loose=0.5, strict=1e-10, reach=5e5),
)
