"""ECDD: a control chart of the exponentially weighted error rate.

With `limits="constant"`, `limit` trades false alarms for delay, in standard
deviations of the weighted rate. The paper's own limits depend on the rate so
that a false alarm comes every few hundred values whatever the rate.
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

Curve = tuple[float, float, float, float, float]
"""Factors of 1, p, p^3, p^5 and p^7."""

ARL_400: Curve = (3.97, -6.56, 48.73, -330.13, 848.18)
"""The paper's limits for lambda = 0.2 and 400 expected values until a false alarm: 190 to 290
as simulated, at known rates from .05 to .4.

Its curves for 100 and 1,000 are left out: as printed they fall below 0 at rates of .4 and .5,
and that for 1,000 below that for 400, so they cannot be those limits."""

LIMITS = ("arl_400", "constant")

PARAMS = (
    Param("lambda_val", 0.2, "weight of the newest value", low=0.0, high=1.0, above=True),
    Param("limits", "arl_400", "the paper's, by the error rate, or constant", choices=LIMITS),
    Param("limit", 4.0, "standard deviations that alarm, if limits is constant", low=0.0),
    Param("warning_level", 0.5, "share of the limit that warns", low=0.0, high=1.0),
    Param("min_instances", 30, "values before the first alarm", low=1, high=1_000_000_000),
)

_BLANK = error_record(
    {
        "n": (np.float64, 0.0),
        "wrong": (np.float64, 0.0),
        "weighted": (np.float64, 0.0),
        "start": (np.float64, 1.0),
    }
)


@compiled
def _height(curve: Curve, rate: float) -> float:
    """Evaluate the curve; the paper fitted it up to a rate of one half."""
    p = min(rate, 0.5)
    square = p * p
    cubic = curve[2] + square * (curve[3] + square * curve[4])
    return curve[0] + p * (curve[1] + square * cubic)


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, float, Curve],
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `limits`: see `ECDDBank`."""
    share, warning, least, curve = limits
    for k in range(tasks.shape[0]):
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        n, wrong, weighted, young = record.n, record.wrong, record.weighted, record.start
        alarmed, warned = record.alarmed, record.warned
        for t in range(start, stop):
            value = values[column, t]
            if not is_error_or_not(value):
                record.refused += is_number(value)
                continue
            if alarmed:
                alarmed, n, wrong, weighted, young = False, 0.0, 0.0, 0.0, 1.0
            n += 1.0
            wrong += value
            weighted += share * (value - weighted)
            young *= (1.0 - share) * (1.0 - share)
            warned = False
            # The weighted rate can exceed its limit only where it exceeds the rate.
            rate = wrong / n
            if n < least or weighted <= rate:
                continue
            variance = rate * (1.0 - rate) * (share / (2.0 - share)) * (1.0 - young)
            bound = _height(curve, rate) * math.sqrt(variance)
            alarmed = weighted > rate + bound
            if alarmed:
                hits[0][k], hits[1][k], hits[2][k] = t, weighted, rate + bound
                break
            warned = weighted > rate + warning * bound
        record.n, record.wrong, record.weighted, record.start = n, wrong, weighted, young
        record.alarmed, record.warned = alarmed, warned


class ECDDBank(ErrorBank):
    """Many ECDDs, ERROR = 1; parameters as in `ECDD`.

    Parameters
    ----------
    size
        Number of slots, of 48 bytes each.
    lambda_val, limits, limit, warning_level, min_instances
        As in `ECDD`.

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
        lambda_val: float = 0.2,
        limits: str = "arl_400",
        limit: float = 4.0,
        warning_level: float = 0.5,
        min_instances: int = 30,
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "ECDD",
            PARAMS,
            {
                "lambda_val": lambda_val,
                "limits": limits,
                "limit": limit,
                "warning_level": warning_level,
                "min_instances": min_instances,
            },
        )
        curve = ARL_400 if limits == "arl_400" else (float(limit), 0.0, 0.0, 0.0, 0.0)
        self._limits = (float(lambda_val), float(warning_level), float(min_instances), curve)
        super().__init__(_BLANK, size)


class ECDD(ErrorDetector):
    """EWMA chart for concept drift, on one series; ERROR = 1, see `binary.base`.

    Follows the exponentially weighted error rate and alarms when it exceeds the
    plain error rate since the last alarm by some standard deviations.

    Parameters
    ----------
    lambda_val
        Weight of the newest value, in (0, 1]; .2 is the paper's, and its
        limits hold for that only.
    limits
        `arl_400`: the paper's, which depend on the error rate so that a false
        alarm comes every few hundred values. `constant`: `limit`.
    limit
        Standard deviations that alarm, 0 or more, if `limits` is `constant`.
        The knob between false alarms and delay. The weighted rate is skewed
        where errors are rare, so that a small `lambda_val` needs a smaller
        limit.
    warning_level
        Share of the limit that warns, in [0, 1]; .5 is the paper's.
    min_instances
        Values before the first alarm, 1 or more: a rate has to be known before
        it can be exceeded.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError, OutOfRangeError
        By `update`, if a value is not 0 or 1.

    Notes
    -----
    A rate above one half uses the paper's limit at one half, where its fit
    ends: as a polynomial of degree 7 it would be deaf beyond.

    References
    ----------
    G. Ross, N. Adams, D. Tasoulis, D. Hand, "Exponentially weighted moving
    average charts for detecting concept drift", Pattern Recognition Letters
    33(2), 2012.

    Examples
    --------
    >>> from streamproc.detectors import ECDD
    >>> detector = ECDD()
    >>> for i in range(400):
    ...     detector.update(i % 10 == 0 if i < 200 else i % 3 > 0)
    ...     if detector.drift_detected:
    ...         print(i)
    203
    """

    def __init__(
        self,
        lambda_val: float = 0.2,
        limits: str = "arl_400",
        limit: float = 4.0,
        warning_level: float = 0.5,
        min_instances: int = 30,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            ECDDBank(
                1,
                lambda_val=lambda_val,
                limits=limits,
                limit=limit,
                warning_level=warning_level,
                min_instances=min_instances,
            )
        )


ENTRY = entry(
    "ecdd",
    "error",
    (ECDD, ECDDBank),
    PARAMS,
    # With .2 three errors in a row are beyond any limit where errors are rare.
    {"lambda_val": 0.005, "limits": "constant", "min_instances": 1000, **BY_ARL},
    ThresholdParam("limit", loose=1.0, strict=12.0, reach=8e6),
)
