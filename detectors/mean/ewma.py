"""EWMA: an exponentially weighted mean against its own deviation.

`width` trades false alarms for delay: the chart alarms when its mean lies `width`
of its deviations off. Runs until a false alarm grow like exp(width² / 2); for
small `weight` 4.9 gives about a million values, 3 about 500 to 900.
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

PARAMS = (
    Param(
        "weight",
        0.1,
        "of the newest value: less, a longer memory and smaller shifts",
        low=0.0,
        high=1.0,
        above=True,
    ),
    Param("width", 3.0, "deviations of the chart that alarm: more, fewer", low=0.0, high=1e6),
    Param("limits", "exact", "variance of the chart", choices=("exact", "asymptotic")),
    Param("mode", "both", "direction that alarms", choices=("both", "up", "down")),
    LEARN_PARAM,
    WARMUP_PARAM,
)

_BLANK = blank_record(
    {
        **MOMENTS,
        "chart": (np.float64, 0.0),
        "faded": (np.float64, 1.0),  # (1 - weight)^(2t): what the start still weighs
        "alarmed": (np.bool_, False),
    }
)


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, bool, bool, bool, bool, bool, float],
    row: Ints,
    statistic: Floats,
    threshold: Floats,
) -> None:
    """Feed every task until its first alarm; `limits`: see `EWMABank`."""
    weight, widest, exact, up, down, learns, both, warmup = limits
    decay = 1.0 - weight
    for i in range(tasks.shape[0]):
        if i + AHEAD < tasks.shape[0]:
            prefetch(records, tasks[i + AHEAD, 3], 0)
        column, start, stop = tasks[i, 0], tasks[i, 1], tasks[i, 2]
        record = records[tasks[i, 3]]
        moments = (record.n, record.mean, record.squares)
        chart, faded, alarmed = record.chart, record.faded, record.alarmed
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if alarmed:
                alarmed = False
                moments = NO_VALUES
                chart, faded = 0.0, 1.0
            z = bounded(value)
            if learns:
                z, ready, moments = learned(z, moments, both, warmup)
                if not ready:
                    continue
            chart = decay * chart + weight * z
            # Long before this the bound no longer sees it; numbers near 1e-308 cost a microsecond.
            faded = faded * decay * decay if faded > 1e-30 else 0.0
            bound = widest * (1.0 - faded) if exact else widest
            if chart * chart > bound and ((up and chart > 0.0) or (down and chart < 0.0)):
                alarmed = True
                row[i], statistic[i], threshold[i] = t, abs(chart), math.sqrt(bound)
                break
        record.n, record.mean, record.squares = moments
        record.chart, record.faded, record.alarmed = chart, faded, alarmed


class EWMABank(Bank):
    """Many EWMA charts; parameters as in `EWMA`, 48 bytes a slot.

    Parameters
    ----------
    size
        Number of slots.
    weight, width, limits, mode, learn, warmup
        As in `EWMA`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        weight: float = 0.1,
        width: float = 3.0,
        limits: str = "exact",
        mode: str = "both",
        learn: str = "both",
        warmup: int = 30,
        **_: Unpack[ByArl],
    ) -> None:
        given = {"weight": weight, "width": width, "limits": limits}
        given |= {"mode": mode, "learn": learn, "warmup": warmup}
        check_params("EWMA", PARAMS, given)
        self._limits = (
            float(weight),
            width * width * weight / (2.0 - weight),
            limits == "exact",
            mode != "down",
            mode != "up",
            *learning(learn, warmup),
        )
        super().__init__(_BLANK, size)

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; no window, so no `longest`."""
        _scan(values, tasks, self._records, self._limits, hits.row, hits.statistic, hits.threshold)


class EWMA(Detector):
    """Exponentially weighted moving average chart on one series.

    Follows the standardised values with a mean that forgets, and alarms when
    it lies further from zero than chance explains.

    Parameters
    ----------
    weight
        Of the newest value, in (0, 1]: a shift of s deviations is found best
        near s² / 2.5; 0.1 is for shifts of half a deviation to one. 1 looks at
        single values (Shewhart's chart).
    width
        Deviations of the chart, 0 or more, beyond which it alarms. 3 is the
        textbooks' three sigma.
    limits
        `exact`: the chart's variance grows from its start, so early changes
        are found early. `asymptotic`: the limit of that variance, from the
        first value on.
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
    After t values the variance is w / (2 - w) · (1 - (1 - w)^2t) on
    independent values of variance 1.

    References
    ----------
    S. W. Roberts, "Control Chart Tests Based on Geometric Moving Averages",
    Technometrics 1, 1959.
    J. M. Lucas, M. S. Saccucci, "Exponentially Weighted Moving Average Control
    Schemes: Properties and Enhancements", Technometrics 32, 1990.

    Examples
    --------
    >>> from streamproc.detectors import EWMA
    >>> detector = EWMA(width=4)
    >>> for i in range(200):
    ...     detector.update(i % 2 + (2.0 if i >= 100 else 0.0))
    ...     if detector.drift_detected:
    ...         print(i)
    102
    """

    def __init__(
        self,
        weight: float = 0.1,
        width: float = 3.0,
        limits: str = "exact",
        mode: str = "both",
        learn: str = "both",
        warmup: int = 30,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            EWMABank(
                1,
                weight=weight,
                width=width,
                limits=limits,
                mode=mode,
                learn=learn,
                warmup=warmup,
            )
        )


ENTRY = entry(
    "ewma",
    "mean",
    (EWMA, EWMABank),
    PARAMS,
    # The series' unit is learned already; its mean is not 0 if it is skewed.
    {"weight": 0.03, "learn": "mean", **BY_ARL},
    ThresholdParam("width", loose=1.5, strict=14.0, free=("mode",)),
)
