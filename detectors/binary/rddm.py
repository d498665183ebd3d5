"""RDDM: DDM that forgets: long concepts are cut, lasting warnings become alarms.

`drift_level` trades false alarms for delay, in standard errors of a Bernoulli
rate, as in DDM. A warning that lasts `warning_limit` values alarms as well, so
`warning_level` has to rise with it.
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
    Param("min_instances", 129, "values before the first alarm", low=0, high=1_000_000_000),
    Param("warning_level", 1.773, "standard errors above the lowest rate that warn", low=0.0),
    Param("drift_level", 2.258, "standard errors above the lowest rate that alarm", low=0.0),
    Param("max_concept", 40_000, "values after which old ones are forgotten", low=2, high=10**9),
    Param("min_concept", 7_000, "values that are then kept", low=1, high=20_000),
    Param("warning_limit", 1_400, "values of warning that alarm", low=1, high=10**9),
)

Lowest = tuple[float, float, float]
"""Rate plus standard error where that was lowest, the rate there, the standard error there."""


@compiled
def _learned(rate: float, n: float, lowest: Lowest) -> tuple[float, Lowest]:
    """Tell the rate plus its standard error, and the lowest that this has been."""
    spread = math.sqrt(rate * (1.0 - rate) / n)
    reached = rate + spread
    return reached, (reached, rate, spread) if reached < lowest[0] else lowest


@compiled
def _relived(record: Any, size: int, least: float, lowest: Lowest) -> tuple[float, Lowest]:
    """Learn the rate again from the values kept; the lowest too, if it has just been forgotten."""
    rate, position = 0.0, (record.head + size - record.stored) % size
    for i in range(record.stored):
        n = i + 1.0
        rate += (bit(record.bits, position) - rate) / n
        position = position + 1 if position + 1 < size else 0
        if record.alarmed and n > least:
            _, lowest = _learned(rate, n, lowest)
    return rate, lowest


@compiled
def _store(record: Any, one: np.int64, size: int) -> None:
    """Put a value into the window."""
    put_bit(record.bits, record.head, one)
    record.head = record.head + 1 if record.head + 1 < size else 0
    record.stored = min(record.stored + 1, size)


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, float, float, int, int],
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `limits`: see `RDDMBank`."""
    least, warning, drift, longest, size, patience = limits
    for k in range(tasks.shape[0]):
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        n, rate, since = record.n, record.rate, record.since
        lowest = (record.lowest, record.lowest_rate, record.lowest_spread)
        for t in range(start, stop):
            value = values[column, t]
            if not is_error_or_not(value):
                record.refused += is_number(value)
                continue
            # 1. After an alarm, or in a concept that is too long, start from the values kept.
            if record.alarmed or record.full:
                if record.alarmed:
                    lowest = (np.inf, 0.0, 0.0)
                rate, lowest = _relived(record, size, least, lowest)
                n, since = float(record.stored), 0
                record.alarmed = record.full = False
            # 2. Take the value.
            _store(record, np.int64(value), size)
            n += 1.0
            rate += (value - rate) / n
            record.warned = False
            if n < least:
                continue
            # 3. Judge; an alarm keeps what came since the warning, or this value alone.
            reached, lowest = _learned(rate, n, lowest)
            bound = lowest[1] + drift * lowest[2]
            lower = lowest[1] + warning * lowest[2]
            record.alarmed = reached > bound or (reached > lower and since >= patience)
            if record.alarmed:
                record.stored = min(since + 1, record.stored) if reached > bound else 1
                hits[0][k], hits[1][k], hits[2][k] = t, reached, bound if reached > bound else lower
                break
            record.warned = reached > lower
            since = since + 1 if record.warned else 0
            record.full = n >= longest and not record.warned
        record.n, record.rate, record.since = n, rate, since
        record.lowest, record.lowest_rate, record.lowest_spread = lowest


class RDDMBank(ErrorBank):
    """Many RDDMs, ERROR = 1; parameters as in `RDDM`.

    Parameters
    ----------
    size
        Number of slots, of 88 bytes and a bit a value of `min_concept`: 968 by default.
    min_instances, warning_level, drift_level, max_concept, min_concept, warning_limit
        As in `RDDM`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or `min_concept` not below `max_concept`.
    """

    _loop = staticmethod(_scan)

    def __init__(
        self,
        size: int = 0,
        *,
        min_instances: int = 129,
        warning_level: float = 1.773,
        drift_level: float = 2.258,
        max_concept: int = 40_000,
        min_concept: int = 7_000,
        warning_limit: int = 1_400,
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "RDDM",
            PARAMS,
            {
                "min_instances": min_instances,
                "warning_level": warning_level,
                "drift_level": drift_level,
                "max_concept": max_concept,
                "min_concept": min_concept,
                "warning_limit": warning_limit,
            },
        )
        if min_concept >= max_concept:
            msg = (
                f"RDDM.min_concept: {min_concept} is not below max_concept, {max_concept}; "
                "what is kept of a long concept has to be shorter than it"
            )
            raise ParameterError(msg)
        self._limits = (
            float(min_instances),
            float(warning_level),
            float(drift_level),
            float(max_concept),
            min_concept,
            warning_limit,
        )
        self._ranges = {"head": (0, min_concept - 1), "stored": (0, min_concept)}
        blank = error_record(
            {
                "n": (np.float64, 0.0),
                "rate": (np.float64, 0.0),
                "lowest": (np.float64, np.inf),
                "lowest_rate": (np.float64, 0.0),
                "lowest_spread": (np.float64, 0.0),
                "since": (np.int64, 0),
                "head": (np.int64, 0),
                "stored": (np.int64, 0),
                "full": (np.bool_, False),
                "bits": ((np.uint64, (words_for(min_concept),)), 0),
            }
        )
        super().__init__(blank, size)


class RDDM(ErrorDetector):
    """Reactive Drift Detection Method, on one series; ERROR = 1, see `binary.base`.

    DDM with three additions: after an alarm it learns from the values since the
    warning that led to it, instead of from nothing; a concept of `max_concept`
    values is shortened to its last `min_concept`, so that old values do not make
    it deaf; and a warning that lasts `warning_limit` values alarms.

    Parameters
    ----------
    min_instances
        Values before the first alarm, 0 or more; 129 is the paper's.
    warning_level
        Standard errors above the lowest rate that warn, 0 or more; 1.773 is the
        paper's.
    drift_level
        Standard errors above the lowest rate that alarm, 0 or more; 2.258 is
        the paper's. The knob between false alarms and delay.
    max_concept
        Values after which old ones are forgotten, above `min_concept`; 40,000
        is the paper's. Not while it warns.
    min_concept
        Values that are then kept, 1 to 20,000; 7,000 is the paper's. A bit of
        memory each.
    warning_limit
        Values of uninterrupted warning that alarm, 1 or more; 1,400 is the
        paper's.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or `min_concept` not below
        `max_concept`.
    NotFiniteError, OutOfRangeError
        By `update`, if a value is not 0 or 1.

    Notes
    -----
    After an alarm it is not blank but knows the values since the warning; a
    bank's `reset` makes it blank.

    References
    ----------
    R. Barros, D. Cabral, P. Gonçalves, S. Santos, "RDDM: Reactive Drift
    Detection Method", Expert Systems with Applications 90, 2017.

    Examples
    --------
    >>> from streamproc.detectors import RDDM
    >>> detector = RDDM()
    >>> for i in range(800):
    ...     detector.update(i % 10 == 0 if i < 400 else i % 3 > 0)
    ...     if detector.drift_detected:
    ...         print(i)
    412
    """

    def __init__(
        self,
        min_instances: int = 129,
        warning_level: float = 1.773,
        drift_level: float = 2.258,
        max_concept: int = 40_000,
        min_concept: int = 7_000,
        warning_limit: int = 1_400,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            RDDMBank(
                1,
                min_instances=min_instances,
                warning_level=warning_level,
                drift_level=drift_level,
                max_concept=max_concept,
                min_concept=min_concept,
                warning_limit=warning_limit,
            )
        )


ENTRY = entry(
    "rddm",
    "error",
    (RDDM, RDDMBank),
    PARAMS,
    # The lowest level of a long concept is that of a longer one than what is kept of it, so
    # forgetting costs false alarms that DDM has not; twice its level pays for them.
    {
        "min_instances": 1000,
        "warning_level": 7.0,
        "drift_level": 8.0,
        "max_concept": 14_000,
        "warning_limit": 7_000,
        **BY_ARL,
    },
    ThresholdParam(
        "drift_level", loose=1.5, strict=16.0, reach=8e6, tied="warning_level", tunable=False
    ),
)
