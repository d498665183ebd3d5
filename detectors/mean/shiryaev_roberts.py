"""Shiryaev-Roberts: the summed likelihood ratios of a change at every earlier value.

`threshold` is the promise itself: on independent normal values of known mean and
deviation 1 the statistic less the number of values is a martingale, so a run until
a false alarm lasts at least `threshold` values on average. A shift of s deviations
is found after about ln(threshold) / (shift · (s - shift / 2)) values.
"""

import math
from typing import Any, Unpack

import numpy as np

from streamproc.detectors.bank import Bank, Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.mean.self_starting import (
    LEARN_PARAM,
    MOMENTS,
    NO_VALUES,
    WARMUP_PARAM,
    bounded,
    learned,
    learning,
)
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.runtime.slots import blank_record
from streamproc.detectors.spec import entry

STEEPEST = 300.0
"""Largest logarithm of one value's ratio: times the largest threshold it still is a number."""

PARAMS = (
    Param(
        "threshold",
        1e6,
        "values until a false alarm, at least, on average",
        low=1.0,
        high=1e15,
        above=True,
    ),
    Param("shift", 0.5, "change that is looked for, in deviations", low=0.0, high=1e3, above=True),
    Param("mode", "both", "direction that alarms", choices=("both", "up", "down")),
    LEARN_PARAM,
    WARMUP_PARAM,
)

_BLANK = blank_record(
    {
        **MOMENTS,
        "rise": (np.float64, 0.0),
        "fall": (np.float64, 0.0),
        "alarmed": (np.bool_, False),
    }
)


@compiled
def _joined(ratios: float, weight: float, log_ratio: float) -> float:
    """Let a new place join the sum, then multiply it by a value's ratio; 0 if it has no weight."""
    return (1.0 + ratios) * math.exp(min(log_ratio, STEEPEST)) if weight > 0.0 else 0.0


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, float, float, bool, bool, float],
    row: Ints,
    statistic: Floats,
) -> None:
    """Feed every task until its first alarm; `limits`: see `ShiryaevRobertsBank`."""
    threshold, shift, up, down, learns, both, warmup = limits
    half = 0.5 * shift * shift
    for i in range(tasks.shape[0]):
        if i + AHEAD < tasks.shape[0]:
            prefetch(records, tasks[i + AHEAD, 3], 0)
        column, start, stop = tasks[i, 0], tasks[i, 1], tasks[i, 2]
        record = records[tasks[i, 3]]
        moments = (record.n, record.mean, record.squares)
        rise, fall, alarmed = record.rise, record.fall, record.alarmed
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if alarmed:
                alarmed = False
                moments = NO_VALUES
                rise = fall = 0.0
            z = bounded(value)
            if learns:
                z, ready, moments = learned(z, moments, both, warmup)
                if not ready:
                    continue
            rise = _joined(rise, up, shift * z - half)
            fall = _joined(fall, down, -shift * z - half)
            total = up * rise + down * fall
            if total > threshold:
                alarmed = True
                row[i], statistic[i] = t, math.log(total)
                break
        record.n, record.mean, record.squares = moments
        record.rise, record.fall, record.alarmed = rise, fall, alarmed


class ShiryaevRobertsBank(Bank):
    """Many Shiryaev-Roberts tests; parameters as in `ShiryaevRoberts`, 48 bytes a slot.

    Its hits give logarithms of statistic and threshold.

    Parameters
    ----------
    size
        Number of slots.
    threshold, shift, mode, learn, warmup
        As in `ShiryaevRoberts`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        threshold: float = 1e6,
        shift: float = 0.5,
        mode: str = "both",
        learn: str = "both",
        warmup: int = 30,
        **_: Unpack[ByArl],
    ) -> None:
        given = {"threshold": threshold, "shift": shift, "mode": mode}
        check_params("ShiryaevRoberts", PARAMS, given | {"learn": learn, "warmup": warmup})
        self._limits = (
            float(threshold),
            float(shift),
            {"up": 1.0, "both": 0.5, "down": 0.0}[mode],
            {"up": 0.0, "both": 0.5, "down": 1.0}[mode],
            *learning(learn, warmup),
        )
        super().__init__(_BLANK, size)

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; no window, so no `longest`."""
        _scan(values, tasks, self._records, self._limits, hits.row, hits.statistic)
        hits.threshold[hits.row >= 0] = np.log(self._limits[0])


class ShiryaevRoberts(Detector):
    """Shiryaev-Roberts test on one series of normal values.

    Adds up, over every place where a shift might have begun, how much more
    likely the values since are with it than without; with `mode` both, the
    average for a rise and for a fall. Where CUSUM keeps the best place alone,
    this keeps all: it is the faster one if the change comes late in a long
    quiet run (Pollak 1985).

    Parameters
    ----------
    threshold
        Statistic that alarms, above 1: the least average number of values until
        a false alarm. It is so with `learn` none or mean, on normal values;
        with a learned deviation only nearly, and later than `warmup`.
    shift
        Change looked for, in deviations, above 0. Half or twice as large ones
        are found too, later than at best.
    mode
        `up`, `down` or `both`: the direction that alarms.
    learn
        What is learned from the values before the current one: `both` mean and
        deviation, the `mean` alone (the deviation is 1), or `none` (values are
        standardised: mean 0, deviation 1).
    warmup
        Values that are only learned from, 2 or more; unused if nothing is
        learned.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    Notes
    -----
    The sum itself is kept, not its logarithm: below the threshold it cannot
    overflow, since one value multiplies it by no more than e^300.

    References
    ----------
    A. N. Shiryaev, "On optimum methods in quickest detection problems", Theory
    of Probability and its Applications 8, 1963.
    S. W. Roberts, "A comparison of some control chart procedures",
    Technometrics 8, 1966.
    M. Pollak, "Optimal detection of a change in distribution", Annals of
    Statistics 13, 1985.

    Examples
    --------
    >>> from streamproc.detectors import ShiryaevRoberts
    >>> detector = ShiryaevRoberts()
    >>> for i in range(200):
    ...     detector.update(i % 2 + (2.0 if i >= 100 else 0.0))
    ...     if detector.drift_detected:
    ...         print(i)
    108
    """

    def __init__(
        self,
        threshold: float = 1e6,
        shift: float = 0.5,
        mode: str = "both",
        learn: str = "both",
        warmup: int = 30,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            ShiryaevRobertsBank(
                1, threshold=threshold, shift=shift, mode=mode, learn=learn, warmup=warmup
            )
        )


ENTRY = entry(
    "shiryaev_roberts",
    "mean",
    (ShiryaevRoberts, ShiryaevRobertsBank),
    PARAMS,
    # The series' unit is learned already; its mean is not 0 if it is skewed.
    {"learn": "mean", **BY_ARL},
    ThresholdParam("threshold", loose=30.0, strict=1e13, free=("mode",)),
)
