"""DDM: the error rate has left its lowest level by several standard errors.

`drift_threshold` trades false alarms for delay. It is a number of standard
errors of a Bernoulli rate; as the lowest of many rates is compared, the chance
of a false alarm is far above that of a single normal test.
"""

import math
from typing import Any, Unpack

import numpy as np

from streamproc.detectors.binary.base import (
    ErrorBank,
    ErrorDetector,
    error_record,
    is_error_or_not,
    is_number,
)
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.spec import entry

PARAMS = (
    Param("warm_start", 30, "values before the first alarm", low=0, high=1_000_000_000),
    Param("warning_threshold", 2.0, "standard errors above the lowest rate that warn", low=0.0),
    Param("drift_threshold", 3.0, "standard errors above the lowest rate that alarm", low=0.0),
)

_BLANK = error_record(
    {
        "n": (np.float64, 0.0),
        "rate": (np.float64, 0.0),
        "lowest_rate": (np.float64, 0.0),
        "lowest_spread": (np.float64, 0.0),
        "lowest": (np.float64, np.inf),
    }
)


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, float],
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `limits`: see `DDMBank`."""
    warm_start, warning, drift = limits
    for k in range(tasks.shape[0]):
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        n, rate, alarmed, warned = record.n, record.rate, record.alarmed, record.warned
        lowest, low_rate, low_spread = record.lowest, record.lowest_rate, record.lowest_spread
        for t in range(start, stop):
            value = values[column, t]
            if not is_error_or_not(value):
                record.refused += is_number(value)
                continue
            if alarmed:
                alarmed, n, rate, lowest = False, 0.0, 0.0, np.inf
            n += 1.0
            rate += (1.0 / n) * (value - rate)
            if n <= warm_start:
                warned = False
                continue
            spread = math.sqrt(rate * (1.0 - rate) / n)
            reached = rate + spread
            if reached <= lowest:
                lowest, low_rate, low_spread = reached, rate, spread
            alarmed = reached > low_rate + drift * low_spread
            warned = not alarmed and reached > low_rate + warning * low_spread
            if alarmed:
                hits[0][k], hits[1][k], hits[2][k] = t, reached, low_rate + drift * low_spread
                break
        record.n, record.rate, record.alarmed, record.warned = n, rate, alarmed, warned
        record.lowest, record.lowest_rate, record.lowest_spread = lowest, low_rate, low_spread


class DDMBank(ErrorBank):
    """Many DDMs, ERROR = 1; parameters as in `DDM`, arithmetic to the last bit.

    Parameters
    ----------
    size
        Number of slots, of 56 bytes each.
    warm_start, warning_threshold, drift_threshold
        As in `DDM`.

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
        warm_start: int = 30,
        warning_threshold: float = 2.0,
        drift_threshold: float = 3.0,
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "DDM",
            PARAMS,
            {
                "warm_start": warm_start,
                "warning_threshold": warning_threshold,
                "drift_threshold": drift_threshold,
            },
        )
        self._limits = (float(warm_start), float(warning_threshold), float(drift_threshold))
        super().__init__(_BLANK, size)


class DDM(ErrorDetector):
    """Drift Detection Method on one series of errors; ERROR = 1, see `binary.base`.

    Remembers where the error rate plus its standard error was lowest, warns
    and alarms when it is some standard errors above that.

    Parameters
    ----------
    warm_start
        Values before the first alarm, 0 or more. A rate needs some 30 values
        to have a standard error worth the name.
    warning_threshold
        Standard errors above the lowest rate that warn, 0 or more; 2 is the
        paper's.
    drift_threshold
        Standard errors above the lowest rate that alarm, 0 or more; 3 is the
        paper's. The knob between false alarms and delay.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError, OutOfRangeError
        By `update`, if a value is not 0 or 1.

    Notes
    -----
    Alarms and warnings equal those of River 0.26.1.

    A start without any error leaves a lowest rate and standard error of 0, so
    that the first error alarms whatever the threshold: with rare errors use a
    `warm_start` that sees a few dozen of them.

    References
    ----------
    J. Gama, P. Medas, G. Castillo, P. Rodrigues, "Learning with Drift
    Detection", SBIA 2004, LNCS 3171.

    Examples
    --------
    >>> from streamproc.detectors import DDM
    >>> detector = DDM()
    >>> for i in range(400):
    ...     detector.update(i % 5 == 0 if i < 200 else i % 2 == 0)
    ...     if detector.drift_detected:
    ...         print(i)
    244
    """

    def __init__(
        self,
        warm_start: int = 30,
        warning_threshold: float = 2.0,
        drift_threshold: float = 3.0,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            DDMBank(
                1,
                warm_start=warm_start,
                warning_threshold=warning_threshold,
                drift_threshold=drift_threshold,
            )
        )


ENTRY = entry(
    "ddm",
    "error",
    (DDM, DDMBank),
    PARAMS,
    # At 1,000 values and rates from .01 on, some error has been seen.
    {"warm_start": 1000, "warning_threshold": 3.0, "drift_threshold": 4.0, **BY_ARL},
    ThresholdParam("drift_threshold", loose=1.7, strict=6.0, reach=8e6, tied="warning_threshold"),
)
