"""HDDM-W: two exponentially weighted means, by McDiarmid's inequality.

`drift_confidence` trades false alarms for delay, `lambda_val` says which
changes are looked for: large for abrupt ones, small for slow ones. The
inequality bounds the chance of a false alarm of one comparison, and each value
is one more.
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
from streamproc.detectors.binary.hddm_a import PARAMS as HDDMA_PARAMS
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.spec import entry

PARAMS = (
    *HDDMA_PARAMS[:2],
    Param("lambda_val", 0.05, "weight of the newest value", low=0.0, high=1.0, above=True),
    HDDMA_PARAMS[2],
)


def _side(name: str) -> dict[str, tuple[Any, Any]]:
    return {
        f"{name}_cut": (np.float64, np.inf),
        f"{name}_old": (np.float64, 0.0),
        f"{name}_old_weight": (np.float64, 1.0),
        f"{name}_new": (np.float64, 0.0),
        f"{name}_new_weight": (np.float64, 1.0),
        f"{name}_started": (np.bool_, False),
    }


_BLANK = error_record(
    {
        "mean": (np.float64, 0.0),
        "weight": (np.float64, 1.0),
        "started": (np.bool_, False),
        **_side("low"),
        **_side("high"),
    }
)

Sample = tuple[float, float, bool]
"""Weighted mean, sum of squared weights, and whether it has seen a value."""

Side = tuple[float, Sample, Sample]
"""Lowest upper bound, the sample up to it and the sample since. The side that looks for a
fall is that of the negated values, which costs no rounding."""


@compiled
def _added(sample: Sample, value: float, share: float) -> Sample:
    """Weigh a value into a sample; its first is its mean."""
    mean, weight, started = sample
    mean = share * value + (1.0 - share) * mean if started else value
    return mean, share * share + (1.0 - share) ** 2 * weight, True


@compiled
def _followed(side: Side, total: Sample, value: float, share: float, log: float) -> Side:
    """Cut behind this value if the upper bound is lowest here, else add it to the newer part."""
    cut, old, new = side
    top = total[0] + math.sqrt(total[1] * log / 2)
    if top < cut:
        return top, total, (0.0, 1.0, False)
    return cut, old, _added(new, value, share)


@compiled
def _judge(side: Side, logs: tuple[float, float]) -> tuple[bool, bool, float, float]:
    """Tell of alarm, warning, how far the mean rose and what it had to exceed."""
    _, old, new = side
    rise = new[0] - old[0]
    if not new[2] or rise <= 0.0:
        return False, False, 0.0, 0.0
    weight = old[1] + new[1]
    bound = math.sqrt(weight * logs[0] / 2)
    if rise > bound:
        return True, False, rise, bound
    return False, rise > math.sqrt(weight * logs[1] / 2), 0.0, 0.0


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, float, bool],
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `limits`: see `HDDMWBank`."""
    share, log_drift, log_warning, both = limits
    logs = (log_drift, log_warning)
    for k in range(tasks.shape[0]):
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        r = records[tasks[k, 3]]
        alarmed, warned, total = r.alarmed, r.warned, (r.mean, r.weight, r.started)
        low = (
            r.low_cut,
            (r.low_old, r.low_old_weight, True),
            (r.low_new, r.low_new_weight, r.low_started),
        )
        high = (
            r.high_cut,
            (r.high_old, r.high_old_weight, True),
            (r.high_new, r.high_new_weight, r.high_started),
        )
        for t in range(start, stop):
            value = values[column, t]
            if not is_share(value):
                r.refused += is_number(value)
                continue
            if alarmed:
                total = (0.0, 1.0, False)
                low = high = (np.inf, (0.0, 1.0, True), total)
            total = _added(total, value, share)
            low = _followed(low, total, value, share, log_drift)
            alarmed, warned, moved, needed = _judge(low, logs)
            if both:
                negated = (-total[0], total[1], True)
                high = _followed(high, negated, -value, share, log_drift)
                fell, falls, down, least = _judge(high, logs)
                warned |= falls
                if fell and not alarmed:
                    alarmed, moved, needed = True, down, least
            if alarmed:
                hits[0][k], hits[1][k], hits[2][k] = t, moved, needed
                break
        r.alarmed, r.warned = alarmed, warned
        r.mean, r.weight, r.started = total
        r.low_cut, (r.low_old, r.low_old_weight, _), (_, _, _) = low
        r.low_new, r.low_new_weight, r.low_started = low[2]
        r.high_cut, (r.high_old, r.high_old_weight, _), (_, _, _) = high
        r.high_new, r.high_new_weight, r.high_started = high[2]


class HDDMWBank(ErrorBank):
    """Many HDDM-Ws, ERROR = 1; parameters as in `HDDMW`, arithmetic to the last bit.

    Parameters
    ----------
    size
        Number of slots, of 136 bytes each.
    drift_confidence, warning_confidence, lambda_val, mode
        As in `HDDMW`.

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
        lambda_val: float = 0.05,
        mode: str = "up",
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "HDDMW",
            PARAMS,
            {
                "drift_confidence": drift_confidence,
                "warning_confidence": warning_confidence,
                "lambda_val": lambda_val,
                "mode": mode,
            },
        )
        self._limits = (
            float(lambda_val),
            math.log(1 / drift_confidence),
            math.log(1 / warning_confidence),
            mode == "both",
        )
        super().__init__(_BLANK, size)


class HDDMW(ErrorDetector):
    """McDiarmid's test of weighted means, on one series; ERROR = 1, see `binary.base`.

    Cuts the stream where the upper confidence bound of its weighted mean was
    lowest, and alarms when the weighted mean since then lies above that until
    then by more than McDiarmid's inequality allows.

    Parameters
    ----------
    drift_confidence
        Bound on the chance of a false alarm in one comparison, in (0, 1];
        .001 is the paper's. The knob between false alarms and delay.
    warning_confidence
        The same of a warning; .005 is the paper's.
    lambda_val
        Weight of the newest value, in (0, 1]; .05, the paper's, remembers some
        40 values. Larger finds abrupt changes sooner and slow ones less often.
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
    Alarms and warnings equal those of River 0.26.1.

    References
    ----------
    I. Frías-Blanco, J. del Campo-Ávila, G. Ramos-Jiménez, R. Morales-Bueno,
    A. Ortiz-Díaz, Y. Caballero-Mota, "Online and Non-Parametric Drift Detection
    Methods Based on Hoeffding's Bounds", IEEE Transactions on Knowledge and
    Data Engineering 27(3), 2015.

    Examples
    --------
    >>> from streamproc.detectors import HDDMW
    >>> detector = HDDMW()
    >>> for i in range(800):
    ...     detector.update(i % 10 == 0 if i < 400 else i % 3 > 0)
    ...     if detector.drift_detected:
    ...         print(i)
    422
    """

    _takes_shares: ClassVar[bool] = True

    def __init__(
        self,
        drift_confidence: float = 0.001,
        warning_confidence: float = 0.005,
        lambda_val: float = 0.05,
        mode: str = "up",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            HDDMWBank(
                1,
                drift_confidence=drift_confidence,
                warning_confidence=warning_confidence,
                lambda_val=lambda_val,
                mode=mode,
            )
        )


ENTRY = entry(
    "hddm_w",
    "error",
    (HDDMW, HDDMWBank),
    PARAMS,
    # At .05 no confidence allows 10^6 values without an alarm and still finds .2 become .4.
    {"drift_confidence": 1e-8, "warning_confidence": 1e-6, "lambda_val": 0.01, **BY_ARL},
    ThresholdParam(
        "drift_confidence",
        loose=0.5,
        strict=1e-20,
        reach=8e6,
        tied="warning_confidence",
        tunable=False,
    ),
)
