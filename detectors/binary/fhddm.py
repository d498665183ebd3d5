"""FHDDM: the accuracy of a sliding window has fallen below its best, by Hoeffding's inequality.

`confidence_level` trades false alarms for delay. It bounds the chance of a
false alarm of one comparison of a window with a fixed rate; here the best of
all windows so far is compared, so the chance over a stream is far larger.
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
from streamproc.detectors.binary.bit_window import bit, put_bit, words_for
from streamproc.detectors.errors import ParameterError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.spec import entry

PARAMS = (
    Param("sliding_window_size", 100, "values of the window", low=1, high=10_000),
    Param(
        "confidence_level",
        0.000001,
        "chance of a false alarm a comparison",
        low=0.0,
        high=1.0,
        above=True,
    ),
    Param(
        "short_window_size", 0, "values of a second, shorter window; 0: none", low=0, high=10_000
    ),
)


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[int, int, float, float],
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `limits`: see `FHDDMBank`."""
    size, short, bound, short_bound = limits
    for k in range(tasks.shape[0]):
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        bits, head, seen, alarmed = record.bits, record.head, record.seen, record.alarmed
        wrong, late_wrong = record.wrong, record.late_wrong
        best, late_best = record.best, record.late_best
        for t in range(start, stop):
            value = values[column, t]
            if not is_error_or_not(value):
                record.refused += is_number(value)
                continue
            if alarmed:
                alarmed, seen, wrong, late_wrong, best, late_best = False, 0, 0, 0, 0.0, 0.0
            # 1. The window moves.
            one = np.int64(value)
            wrong -= bit(bits, head) * (seen == size)
            if short > 0 and seen >= short:
                late_wrong -= bit(bits, (head + size - short) % size)
            put_bit(bits, head, one)
            head = head + 1 if head + 1 < size else 0
            seen = min(seen + 1, size)
            wrong += one
            late_wrong += one
            if seen < size:
                continue
            # 2. Its accuracy against the best so far; counted in successes, as the reference does.
            right = (size - wrong) / size
            best = max(best, right)
            fallen, needed = best - right, bound
            alarmed = fallen > bound
            if short > 0:
                right = (short - late_wrong) / short
                late_best = max(late_best, right)
                if late_best - right > short_bound and not alarmed:
                    alarmed, fallen, needed = True, late_best - right, short_bound
            if alarmed:
                hits[0][k], hits[1][k], hits[2][k] = t, fallen, needed
                break
        record.head, record.seen, record.alarmed = head, seen, alarmed
        record.wrong, record.late_wrong = wrong, late_wrong
        record.best, record.late_best = best, late_best


class FHDDMBank(ErrorBank):
    """Many FHDDMs, ERROR = 1; parameters as in `FHDDM`.

    Parameters
    ----------
    size
        Number of slots, of 64 bytes and a bit a value of the window: 80 by default.
    sliding_window_size, confidence_level, short_window_size
        As in `FHDDM`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or the short window longer than the other.
    """

    _loop = staticmethod(_scan)

    def __init__(
        self,
        size: int = 0,
        *,
        sliding_window_size: int = 100,
        confidence_level: float = 0.000001,
        short_window_size: int = 0,
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "FHDDM",
            PARAMS,
            {
                "sliding_window_size": sliding_window_size,
                "confidence_level": confidence_level,
                "short_window_size": short_window_size,
            },
        )
        if short_window_size > sliding_window_size:
            msg = (
                f"FHDDM.short_window_size: {short_window_size} exceeds sliding_window_size, "
                f"{sliding_window_size}"
            )
            raise ParameterError(msg)
        log = math.log(1 / confidence_level)
        self._limits = (
            sliding_window_size,
            short_window_size,
            math.sqrt(log / (2 * sliding_window_size)),
            math.sqrt(log / (2 * short_window_size)) if short_window_size else math.inf,
        )
        self._ranges = {"head": (0, sliding_window_size - 1), "seen": (0, sliding_window_size)}
        blank = error_record(
            {
                "wrong": (np.int64, 0),
                "late_wrong": (np.int64, 0),
                "head": (np.int64, 0),
                "seen": (np.int64, 0),
                "best": (np.float64, 0.0),
                "late_best": (np.float64, 0.0),
                "bits": ((np.uint64, (words_for(sliding_window_size),)), 0),
            }
        )
        super().__init__(blank, size)


class FHDDM(ErrorDetector):
    """Fast Hoeffding test of a window, on one series; ERROR = 1, see `binary.base`.

    Keeps the accuracy of the last values and the best that it has been, and
    alarms when it lies below that by more than Hoeffding's inequality allows.
    It has no warnings: `warning_detected` is always False.

    Parameters
    ----------
    sliding_window_size
        Values of the window, 1 to 10,000; 100 is the paper's. Nothing is said
        before it is full.
    confidence_level
        Bound on the chance of a false alarm in one comparison, in (0, 1];
        10⁻⁶ is the paper's. The knob between false alarms and delay.
    short_window_size
        Values of a second window within the first (stacking FHDDM), which sees
        abrupt changes sooner; 0: none.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or the short window longer than the
        other.
    NotFiniteError, OutOfRangeError
        By `update`, if a value is not 0 or 1.

    Notes
    -----
    Alarms equal those of River 0.26.1 **fed with `1 - x`**: the paper counts
    successes, and so does River whatever its documentation calls them. Here
    1 is an error, as everywhere in this family.

    References
    ----------
    A. Pesaranghader, H. Viktor, "Fast Hoeffding Drift Detection Method for
    Evolving Data Streams", ECML-PKDD 2016.
    A. Pesaranghader, H. Viktor, E. Paquet, "Reservoir of Diverse Adaptive
    Learners and Stacking Fast Hoeffding Drift Detection Methods for Evolving
    Data Streams", Machine Learning 107, 2018.

    Examples
    --------
    >>> from streamproc.detectors import FHDDM
    >>> detector = FHDDM()
    >>> for i in range(800):
    ...     detector.update(i % 10 == 0 if i < 400 else i % 3 > 0)
    ...     if detector.drift_detected:
    ...         print(i)
    446
    """

    def __init__(
        self,
        sliding_window_size: int = 100,
        confidence_level: float = 0.000001,
        short_window_size: int = 0,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            FHDDMBank(
                1,
                sliding_window_size=sliding_window_size,
                confidence_level=confidence_level,
                short_window_size=short_window_size,
            )
        )


ENTRY = entry(
    "fhddm",
    "error",
    (FHDDM, FHDDMBank),
    PARAMS,
    {"sliding_window_size": 300, **BY_ARL},
    ThresholdParam("confidence_level", loose=0.5, strict=1e-25, reach=8e6),
)
