"""BOCPD: the probability, given all values, that the level or the spread has changed.

`hazard` trades false alarms for delay. Where the values are normal and the
prior is right, the odds of a change are `hazard` times a Shiryaev-Roberts
statistic, whose mean grows by 1 a value while nothing changes. So the expected
number of values until a false alarm is at least
threshold / (1 - threshold) / hazard.
"""

from typing import Any, Unpack

import numpy as np

from streamproc.detectors.bank import Bank, Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.errors import StateError
from streamproc.detectors.mean import bocpd_kernel as kernel
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.runtime.slots import State, blank_record
from streamproc.detectors.spec import entry

PARAMS = (
    Param(
        "hazard",
        1e-4,
        "chance that a value begins something new",
        low=0.0,
        high=1.0,
        above=True,
        below=True,
    ),
    Param(
        "threshold",
        0.99,
        "probability of a change that alarms",
        low=0.0,
        high=1.0,
        below=True,
    ),
    Param("max_lengths", 32, "run lengths kept", low=2, high=1_000),
    Param("min_instances", 2, "values before the first alarm", low=1, high=1_000_000_000),
    Param("prior_mean", 0.0, "expected level, in units of the values"),
    Param("prior_values", 0.1, "values that the expected level is worth", low=0.0, above=True),
    Param("prior_shape", 1.0, "half the values that the spread is worth", low=0.0, above=True),
    Param("prior_rate", 1.0, "shape times expected variance", low=0.0, above=True),
)


class BOCPDBank(Bank):
    """Many BOCPDs; parameters as in `BOCPD`.

    Parameters
    ----------
    size
        Number of slots, of 16 bytes and 32 a run length: 1,040 by default.
    hazard, threshold, max_lengths, min_instances
        As in `BOCPD`.
    prior_mean, prior_values, prior_shape, prior_rate
        As in `BOCPD`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    def __init__(  # noqa: PLR0913 - a prior of four numbers
        self,
        size: int = 0,
        *,
        hazard: float = 1e-4,
        threshold: float = 0.99,
        max_lengths: int = 32,
        min_instances: int = 2,
        prior_mean: float = 0.0,
        prior_values: float = 0.1,
        prior_shape: float = 1.0,
        prior_rate: float = 1.0,
        **_: Unpack[ByArl],
    ) -> None:
        given: dict[str, Any] = {
            "hazard": hazard,
            "threshold": threshold,
            "max_lengths": max_lengths,
            "min_instances": min_instances,
            "prior_mean": prior_mean,
            "prior_values": prior_values,
            "prior_shape": prior_shape,
            "prior_rate": prior_rate,
        }
        check_params("BOCPD", PARAMS, given)
        self._limits = (float(hazard), float(threshold), float(min_instances))
        self._prior = (
            float(prior_mean),
            float(prior_values),
            float(prior_shape),
            float(prior_rate),
        )
        self._ratios = kernel.log_ratios(float(prior_shape))
        runs = (np.float64, (max_lengths,))
        blank = blank_record(
            {
                "count": (np.int64, 0),
                "alarmed": (np.bool_, False),
                "weights": (runs, 0.0),
                "lengths": (runs, 0.0),
                "means": (runs, 0.0),
                "rates": (runs, 0.0),
            }
        )
        super().__init__(blank, size)

    def load(self, state: State) -> None:
        """Take the place of the bank that made `state`, to the last bit."""
        self._check(state)
        count, capacity = state["count"], self._blank["weights"].shape[0]
        if count.min(initial=0) < 0 or count.max(initial=0) > capacity:
            msg = f"BOCPDBank: state 'count' exceeds [0, {capacity}]"
            raise StateError(msg)
        super().load(state)

    def run_lengths(self, slot: int) -> tuple[Floats, Floats]:
        """Tell what a slot believes: how long its present state has lasted.

        Parameters
        ----------
        slot
            Its number.

        Returns
        -------
        lengths, weights
            float64: lengths in values, ascending, and their probabilities,
            which sum to 1; empty before the first value.
        """
        record = self._records[slot]
        lengths = record["lengths"][: record["count"]]
        order = np.argsort(lengths)
        return lengths[order], record["weights"][: record["count"]][order]

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right, writing into `hits`."""
        outputs = (hits.row, hits.statistic, hits.threshold)
        kernel.scan(values, tasks, self._records, self._limits, self._prior, self._ratios, outputs)


class BOCPD(Detector):
    """Bayesian online change point detection of level and spread, on one series.

    Holds every length that the present run may have, with its probability, and
    for each what its values say about level and variance of a normal
    distribution. Alarms when the probability that no run has ended since the
    start falls below 1 - `threshold`.

    Parameters
    ----------
    hazard
        Chance that a value begins something new, in (0, 1): one over the
        expected length of a run. The knob between false alarms and delay.
    threshold
        Probability of a change that alarms, in [0, 1). The expected number of
        values until a false alarm is at least threshold / (1 - threshold) /
        hazard on normal values, 990,000 by default.
    max_lengths
        Run lengths kept, 2 or more: when there are more, the least probable is
        forgotten in favour of no change. The work of a value is proportional
        to it. More than 32 finds small changes little sooner.
    min_instances
        Values before the first alarm, 1 or more.
    prior_mean
        Expected level of a run, in the unit of the values.
    prior_values
        Number of values that this expectation is worth, above 0: .1 says that
        levels lie 3 deviations from it.
    prior_shape
        Half the number of values that the expected variance is worth, above 0.
    prior_rate
        `prior_shape` times the expected variance, above 0, in squared units of
        the values.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    Notes
    -----
    The prior is in the unit of the values: standardise them, or say what they
    are like. Values with heavier tails than the normal distribution's alarm more
    often, as each wild one may be a separate run.

    References
    ----------
    R. Adams, D. MacKay, "Bayesian Online Changepoint Detection",
    arXiv:0710.3742, 2007.
    K. Murphy, "Conjugate Bayesian analysis of the Gaussian distribution",
    University of British Columbia, 2007, for the update of the prior.

    Examples
    --------
    >>> from streamproc.detectors import BOCPD
    >>> detector = BOCPD()
    >>> for i in range(200):
    ...     detector.update((-1) ** i + (0.0 if i < 100 else 4.0))
    ...     if detector.drift_detected:
    ...         print(i)
    102
    """

    def __init__(
        self,
        hazard: float = 1e-4,
        threshold: float = 0.99,
        max_lengths: int = 32,
        min_instances: int = 2,
        prior_mean: float = 0.0,
        prior_values: float = 0.1,
        prior_shape: float = 1.0,
        prior_rate: float = 1.0,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            BOCPDBank(
                1,
                hazard=hazard,
                threshold=threshold,
                max_lengths=max_lengths,
                min_instances=min_instances,
                prior_mean=prior_mean,
                prior_values=prior_values,
                prior_shape=prior_shape,
                prior_rate=prior_rate,
            )
        )


ENTRY = entry(
    "bocpd",
    "mean",
    (BOCPD, BOCPDBank),
    PARAMS,
    # A variance known to be 1 (that of half a million values): one that is learned makes ties
    # and rare events alarm. Binary series rarer than 1 in 20 still do: they are far from normal.
    {"max_lengths": 16, "prior_values": 1.0, "prior_shape": 1e6, "prior_rate": 1e6, **BY_ARL},
    ThresholdParam("hazard", loose=0.1, strict=1e-14, reach=3e5, tunable=False),
)
