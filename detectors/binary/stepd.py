"""STEPD: the error rate of the last values against that of all before them.

`alpha_drift` trades false alarms for delay: the level of a one-sided test of
equal proportions, repeated at every value.
"""

import math
from statistics import NormalDist
from typing import Any, Unpack

import numpy as np

from streamproc.detectors.binary.base import (
    ErrorBank,
    ErrorDetector,
    error_record,
    is_error_or_not,
    is_number,
)
from streamproc.detectors.binary.bit_window import bit, put_bit, words_for
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.spec import entry

PARAMS = (
    Param("window_size", 30, "values that count as recent", low=1, high=10_000),
    Param(
        "alpha_drift",
        0.003,
        "level of the test that alarms",
        low=0.0,
        high=0.5,
        above=True,
    ),
    Param("alpha_warning", 0.05, "level of the test that warns", low=0.0, high=0.5, above=True),
)


@compiled
def _statistic(old_wrong: float, old: float, new_wrong: float, new: float) -> float:
    """Test of equal proportions with correction for continuity; 0 where it has no spread."""
    sizes = 1.0 / old + 1.0 / new
    rate = (old_wrong + new_wrong) / (old + new)
    spread = math.sqrt(rate * (1.0 - rate) * sizes)
    apart = new_wrong / new - old_wrong / old - 0.5 * sizes
    return apart / spread if spread > 0.0 else 0.0


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[int, float, float],
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `limits`: see `STEPDBank`."""
    size, drift, warning = limits
    for k in range(tasks.shape[0]):
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        bits, head, seen = record.bits, record.head, record.seen
        new_wrong, old_wrong = record.new_wrong, record.old_wrong
        alarmed, warned = record.alarmed, record.warned
        for t in range(start, stop):
            value = values[column, t]
            if not is_error_or_not(value):
                record.refused += is_number(value)
                continue
            if alarmed:
                alarmed, seen, new_wrong, old_wrong = False, 0, 0, 0
            if seen >= size:
                leaves = bit(bits, head)
                new_wrong -= leaves
                old_wrong += leaves
            one = np.int64(value)
            put_bit(bits, head, one)
            head = head + 1 if head + 1 < size else 0
            new_wrong += one
            seen += 1
            warned = False
            # The root is worth taking only where the recent rate is the higher one.
            old = seen - size
            if old < size or new_wrong * old <= old_wrong * size:
                continue
            reached = _statistic(float(old_wrong), float(old), float(new_wrong), float(size))
            alarmed = reached > drift
            if alarmed:
                hits[0][k], hits[1][k], hits[2][k] = t, reached, drift
                break
            warned = reached > warning
        record.head, record.seen = head, seen
        record.new_wrong, record.old_wrong = new_wrong, old_wrong
        record.alarmed, record.warned = alarmed, warned


class STEPDBank(ErrorBank):
    """Many STEPDs, ERROR = 1; parameters as in `STEPD`.

    Parameters
    ----------
    size
        Number of slots, of 48 bytes and a bit a recent value: 56 by default.
    window_size, alpha_drift, alpha_warning
        As in `STEPD`.

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
        window_size: int = 30,
        alpha_drift: float = 0.003,
        alpha_warning: float = 0.05,
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "STEPD",
            PARAMS,
            {
                "window_size": window_size,
                "alpha_drift": alpha_drift,
                "alpha_warning": alpha_warning,
            },
        )
        # By symmetry, as 1 - alpha has lost the digits of a small alpha.
        quantile = NormalDist().inv_cdf
        self._limits = (window_size, -quantile(alpha_drift), -quantile(alpha_warning))
        self._ranges = {"head": (0, window_size - 1)}
        blank = error_record(
            {
                "head": (np.int64, 0),
                "seen": (np.int64, 0),
                "new_wrong": (np.int64, 0),
                "old_wrong": (np.int64, 0),
                "bits": ((np.uint64, (words_for(window_size),)), 0),
            }
        )
        super().__init__(blank, size)


class STEPD(ErrorDetector):
    """Test of equal proportions, on one series; ERROR = 1, see `binary.base`.

    Compares the error rate of the last values with that of all before them
    since the last alarm, by the test of equal proportions with a correction for
    continuity, and alarms when it is significantly higher.

    Parameters
    ----------
    window_size
        Values that count as recent, 1 to 10,000; 30 is the paper's. The first
        test is after twice as many.
    alpha_drift
        Level of the one-sided test that alarms, in (0, 0.5]; .003 is the
        paper's. The knob between false alarms and delay: some 1.4 times the
        delay buys a level a hundred times smaller.
    alpha_warning
        Level of the test that warns, in (0, 0.5]; .05 is the paper's.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError, OutOfRangeError
        By `update`, if a value is not 0 or 1.

    Notes
    -----
    One-sided, as a model that errs less needs no alarm. Where a level is meant
    as two-sided (as in MOA, which also alarms at improvements), halve it.

    References
    ----------
    K. Nishida, K. Yamauchi, "Detecting Concept Drift Using Statistical
    Testing", Discovery Science 2007, LNCS 4755.

    Examples
    --------
    >>> from streamproc.detectors import STEPD
    >>> detector = STEPD()
    >>> for i in range(800):
    ...     detector.update(i % 10 == 0 if i < 400 else i % 3 > 0)
    ...     if detector.drift_detected:
    ...         print(i)
    409
    """

    def __init__(
        self,
        window_size: int = 30,
        alpha_drift: float = 0.003,
        alpha_warning: float = 0.05,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            STEPDBank(
                1,
                window_size=window_size,
                alpha_drift=alpha_drift,
                alpha_warning=alpha_warning,
            )
        )


ENTRY = entry(
    "stepd",
    "error",
    (STEPD, STEPDBank),
    PARAMS,
    # Of 30 rare errors one is many: a window of 200 makes the normal approximation hold.
    {"window_size": 200, "alpha_drift": 1e-8, "alpha_warning": 1e-4, **BY_ARL},
    ThresholdParam("alpha_drift", loose=0.4, strict=1e-16, reach=8e6, tied="alpha_warning"),
)
