"""HDDM-A: the mean so far against its lowest, by Hoeffding's inequality.

`drift_confidence` trades false alarms for delay. It bounds the chance of a
false alarm of one comparison; each value is one more, so the chance over a long
stream is larger. It needs no model of the values but that they lie in [0, 1].
"""

import math
from typing import Any, ClassVar, Unpack

import numpy as np

from streamproc.detectors.binary.base import (
    ErrorBank,
    ErrorDetector,
    error_record,
    is_number,
    is_share,
)
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.spec import entry

MODES = ("up", "both")
"""Directions: more errors only, or fewer as well."""

PARAMS = (
    Param(
        "drift_confidence",
        0.001,
        "chance of a false alarm a comparison",
        low=0.0,
        high=1.0,
        above=True,
    ),
    Param(
        "warning_confidence",
        0.005,
        "chance of a false warning a comparison",
        low=0.0,
        high=1.0,
        above=True,
    ),
    Param("mode", "up", "up: only a rise alarms; both: a fall as well", choices=MODES),
)

_BLANK = error_record(
    {
        "n": (np.float64, 0.0),
        "mean": (np.float64, 0.0),
        "low_n": (np.float64, 0.0),
        "low_mean": (np.float64, 0.0),
        "low_top": (np.float64, np.inf),
        "high_n": (np.float64, 0.0),
        "high_mean": (np.float64, 0.0),
        "high_top": (np.float64, np.inf),
    }
)

Side = tuple[float, float, float]
"""Count, mean and upper bound of the stretch whose upper bound was lowest. The side that
looks for a fall is that of the negated values, which costs no rounding."""


@compiled
def _cut(side: Side, n: float, mean: float, bound: float) -> Side:
    """Make all values so far the reference, if their upper bound is as low as any before."""
    top = mean + bound
    return (n, mean, top) if side[2] >= top else side


@compiled
def _judge(
    side: Side, n: float, mean: float, logs: tuple[float, float]
) -> tuple[bool, bool, float, float]:
    """Tell of alarm, warning, how far the mean rose and what it had to exceed."""
    count, low, _ = side
    rise = mean - low
    if count == n or rise <= 0.0:
        return False, False, 0.0, 0.0
    shares = (n - count) / count * (1.0 / n)
    bound = math.sqrt(shares / 2 * logs[0])
    if rise >= bound:
        return True, False, rise, bound
    return False, rise >= math.sqrt(shares / 2 * logs[1]), 0.0, 0.0


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, float, bool],
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `limits`: see `HDDMABank`."""
    log_bound, log_drift, log_warning, both = limits
    for k in range(tasks.shape[0]):
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        n, mean, alarmed, warned = record.n, record.mean, record.alarmed, record.warned
        low = (record.low_n, record.low_mean, record.low_top)
        high = (record.high_n, record.high_mean, record.high_top)
        for t in range(start, stop):
            value = values[column, t]
            if not is_share(value):
                record.refused += is_number(value)
                continue
            if alarmed:
                n = mean = 0.0
                low = high = (0.0, 0.0, np.inf)
            n += 1.0
            mean += (1.0 / n) * (value - mean)
            bound = math.sqrt(1.0 / (2.0 * n) * log_bound)
            low = _cut(low, n, mean, bound)
            alarmed, warned, moved, needed = _judge(low, n, mean, (log_drift, log_warning))
            if both:
                high = _cut(high, n, -mean, bound)
                fell, falls, down, least = _judge(high, n, -mean, (log_drift, log_warning))
                warned |= falls
                if fell and not alarmed:
                    alarmed, moved, needed = True, down, least
            if alarmed:
                hits[0][k], hits[1][k], hits[2][k] = t, moved, needed
                break
        record.n, record.mean, record.alarmed, record.warned = n, mean, alarmed, warned
        record.low_n, record.low_mean, record.low_top = low
        record.high_n, record.high_mean, record.high_top = high


class HDDMABank(ErrorBank):
    """Many HDDM-As, ERROR = 1; parameters as in `HDDMA`, arithmetic to the last bit.

    Parameters
    ----------
    size
        Number of slots, of 80 bytes each.
    drift_confidence, warning_confidence, mode
        As in `HDDMA`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    _loop = staticmethod(_scan)

    def __init__(
        self,
        size: int = 0,
        *,
        drift_confidence: float = 0.001,
        warning_confidence: float = 0.005,
        mode: str = "up",
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "HDDMA",
            PARAMS,
            {
                "drift_confidence": drift_confidence,
                "warning_confidence": warning_confidence,
                "mode": mode,
            },
        )
        self._limits = (
            math.log(1.0 / drift_confidence),
            math.log(2.0 / drift_confidence),
            math.log(2.0 / warning_confidence),
            mode == "both",
        )
        super().__init__(_BLANK, size)


class HDDMA(ErrorDetector):
    """Hoeffding's test of the mean, on one series; ERROR = 1, see `binary.base`.

    Remembers the beginning of the stream whose upper confidence bound was
    lowest, and alarms when the mean of everything lies above its mean by more
    than Hoeffding's inequality allows.

    Parameters
    ----------
    drift_confidence
        Bound on the chance of a false alarm in one comparison, in (0, 1];
        .001 is the paper's. The knob between false alarms and delay.
    warning_confidence
        The same of a warning; .005 is the paper's.
    mode
        `up`: only a rise alarms, which is what errors are about. `both`: a
        fall as well (River's `two_sided_test`).

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError, OutOfRangeError
        By `update`, if a value is not in [0, 1]: losses of that range are as
        good as 0 and 1.

    Notes
    -----
    Alarms and warnings equal those of River 0.26.1. All values since the last
    alarm weigh the same, so a change after a long quiet time is found late;
    `HDDMW` forgets.

    References
    ----------
    I. Frías-Blanco, J. del Campo-Ávila, G. Ramos-Jiménez, R. Morales-Bueno,
    A. Ortiz-Díaz, Y. Caballero-Mota, "Online and Non-Parametric Drift Detection
    Methods Based on Hoeffding's Bounds", IEEE Transactions on Knowledge and
    Data Engineering 27(3), 2015.

    Examples
    --------
    >>> from streamproc.detectors import HDDMA
    >>> detector = HDDMA()
    >>> for i in range(800):
    ...     detector.update(i % 10 == 0 if i < 400 else i % 3 == 0)
    ...     if detector.drift_detected:
    ...         print(i)
    480
    """

    _takes_shares: ClassVar[bool] = True

    def __init__(
        self,
        drift_confidence: float = 0.001,
        warning_confidence: float = 0.005,
        mode: str = "up",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            HDDMABank(
                1,
                drift_confidence=drift_confidence,
                warning_confidence=warning_confidence,
                mode=mode,
            )
        )


ENTRY = entry(
    "hddm_a",
    "error",
    (HDDMA, HDDMABank),
    PARAMS,
    {"drift_confidence": 1e-5, "warning_confidence": 1e-4, **BY_ARL},
    ThresholdParam(
        "drift_confidence",
        loose=0.5,
        strict=1e-14,
        reach=8e6,
        tied="warning_confidence",
        tunable=False,
    ),
)
