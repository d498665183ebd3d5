"""EDDM: the distance between errors has shrunk against its best.

`beta` trades false alarms for delay: the share of the best distance below
which it alarms. No theory links it to a rate of false alarms; the distance is
compared with its own highest value, so some alarm on a steady stream is certain
in the long run for any `beta` near 1.
"""

from typing import Any, Unpack

import numpy as np

from streamproc.detectors.binary.base import (
    ErrorBank,
    ErrorDetector,
    error_record,
    is_error_or_not,
    is_number,
)
from streamproc.detectors.errors import ParameterError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.spec import entry

PARAMS = (
    Param(
        "warm_start", 30, "values, and errors, before the first alarm", low=0, high=1_000_000_000
    ),
    Param("alpha", 0.95, "share of the best distance that warns", low=0.0, high=1.0),
    Param("beta", 0.9, "share of the best distance that alarms, at most alpha", low=0.0, high=1.0),
)

_BLANK = error_record(
    {
        "n": (np.float64, 0.0),
        "last": (np.float64, 0.0),
        "errors": (np.float64, 0.0),
        "mean": (np.float64, 0.0),
        "squares": (np.float64, 0.0),
        "best": (np.float64, -1.0),
    }
)


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, float, float],
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `limits`: see `EDDMBank`."""
    warm_start, alpha, beta, half = limits
    for k in range(tasks.shape[0]):
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        n, last, errors, alarmed = record.n, record.last, record.errors, record.alarmed
        mean, squares, best, warned = record.mean, record.squares, record.best, record.warned
        for t in range(start, stop):
            value = values[column, t]
            if not is_error_or_not(value):
                record.refused += is_number(value)
                continue
            if alarmed:
                alarmed = warned = False
                n = last = errors = mean = squares = 0.0
                best = -1.0
            n += 1.0
            if value == 0.0:
                continue
            errors += 1.0
            distance, before = n - last, mean
            mean += (1.0 / errors) * (distance - mean)
            squares += (distance - before) * (distance - mean)
            last = n
            if n <= warm_start:
                continue
            # A power and not a root: they differ in the last bit, and River takes the power.
            reached = mean + 2 * (squares / (errors - 1.0) if errors > 1.0 else 0.0) ** half
            if reached > best:
                best = reached
            elif errors > warm_start:
                level = reached / best
                alarmed = level < beta
                if alarmed:
                    hits[0][k], hits[1][k], hits[2][k] = t, 1.0 - level, 1.0 - beta
                    break
                warned = level < alpha
        record.n, record.last, record.errors, record.alarmed = n, last, errors, alarmed
        record.mean, record.squares, record.best, record.warned = mean, squares, best, warned


class EDDMBank(ErrorBank):
    """Many EDDMs, ERROR = 1; parameters as in `EDDM`, arithmetic to the last bit.

    The statistic of a hit is the share of the best distance that was lost.

    Parameters
    ----------
    size
        Number of slots, of 64 bytes each.
    warm_start, alpha, beta
        As in `EDDM`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or `beta` above `alpha`.
    """

    _loop = staticmethod(_scan)

    def __init__(
        self,
        size: int = 0,
        *,
        warm_start: int = 30,
        alpha: float = 0.95,
        beta: float = 0.9,
        **_: Unpack[ByArl],
    ) -> None:
        check_params("EDDM", PARAMS, {"warm_start": warm_start, "alpha": alpha, "beta": beta})
        if beta > alpha:
            msg = f"EDDM.beta: {beta} exceeds alpha, {alpha}; an alarm needs more than a warning"
            raise ParameterError(msg)
        # The exponent is data, lest the compiler turn the power into a root.
        self._limits = (float(warm_start), float(alpha), float(beta), 0.5)
        super().__init__(_BLANK, size)


class EDDM(ErrorDetector):
    """Early Drift Detection Method on one series; ERROR = 1, see `binary.base`.

    Follows the number of values from one error to the next: its mean plus two
    deviations, against the highest that this has been. Sees slow changes
    earlier than DDM does.

    Parameters
    ----------
    warm_start
        Values before the highest is kept, and errors before the first alarm,
        0 or more.
    alpha
        Share of the highest below which it warns, in [0, 1]; .95 is the paper's.
    beta
        Share of the highest below which it alarms, in [0, alpha]; .9 is the
        paper's. The knob between false alarms and delay.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or `beta` above `alpha`.
    NotFiniteError, OutOfRangeError
        By `update`, if a value is not 0 or 1.

    Notes
    -----
    Alarms and warnings equal those of River 0.26.1: a warning stays until an
    error takes it back, and is still there at an alarm that it led to.

    Only errors can alarm, and they only by coming sooner than they did: a model
    that always errs is at its best distance, 1, for ever.

    References
    ----------
    M. Baena-García, J. del Campo-Ávila, R. Fidalgo, A. Bifet, R. Gavaldà,
    R. Morales-Bueno, "Early Drift Detection Method", Fourth International
    Workshop on Knowledge Discovery from Data Streams, 2006.

    Examples
    --------
    >>> from streamproc.detectors import EDDM
    >>> detector = EDDM()
    >>> for i in range(800):
    ...     detector.update(i % 10 == 9 if i < 400 else i % 3 == 0)
    ...     if detector.drift_detected:
    ...         print(i)
    561
    """

    def __init__(self, warm_start: int = 30, alpha: float = 0.95, beta: float = 0.9) -> None:
        super().__init__(EDDMBank(1, warm_start=warm_start, alpha=alpha, beta=beta))


ENTRY = entry(
    "eddm",
    "error",
    (EDDM, EDDMBank),
    PARAMS,
    # The least bad: at 1 false alarm in 10^6 it needs thousands of values for a doubled rate.
    {"warm_start": 500, "alpha": 0.7, "beta": 0.6, **BY_ARL},
    ThresholdParam("beta", loose=0.97, strict=0.02, reach=8e6, tied="alpha", tunable=False),
)
