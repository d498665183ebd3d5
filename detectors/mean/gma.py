"""Geometric moving average: a forgetting mean of deviations against a fixed bound.

`threshold` trades false alarms for delay, in the unit of the values. With deviation
s of the values, the average's own is s · √((1 - alpha) / (1 + alpha)), 0.07 s by
default; runs until a false alarm grow like exp of half the squared ratio of both.
"""

from typing import Any, Unpack

import numpy as np

from streamproc.detectors.bank import Bank, Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.mean.self_starting import bounded
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.runtime.slots import blank_record
from streamproc.detectors.spec import entry

PARAMS = (
    Param("min_instances", 30, "values before the first alarm", low=1, high=1_000_000_000),
    Param("threshold", 1.0, "average deviation that alarms: more, fewer alarms", low=0.0),
    Param("alpha", 0.99, "forgetting: nearer to 1, a longer memory", low=0.0, high=1.0, below=True),
    Param("mode", "both", "direction that alarms", choices=("both", "up", "down")),
)

_BLANK = blank_record(
    {
        "n": (np.float64, 0.0),
        "mean": (np.float64, 0.0),
        "average": (np.float64, 0.0),
        "alarmed": (np.bool_, False),
    }
)


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, float, bool, bool],
    row: Ints,
    statistic: Floats,
) -> None:
    """Feed every task until its first alarm; `limits`: see `GMABank`."""
    least, threshold, alpha, up, down = limits
    for i in range(tasks.shape[0]):
        if i + AHEAD < tasks.shape[0]:
            prefetch(records, tasks[i + AHEAD, 3], 0)
        column, start, stop = tasks[i, 0], tasks[i, 1], tasks[i, 2]
        record = records[tasks[i, 3]]
        n, mean, average, alarmed = record.n, record.mean, record.average, record.alarmed
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if alarmed:
                alarmed = False
                n = mean = average = 0.0
            x = bounded(value)
            n += 1.0
            mean += (x - mean) * (1.0 / n)
            average = alpha * average + (1.0 - alpha) * (x - mean)
            if n >= least and ((up and average > threshold) or (down and -average > threshold)):
                alarmed = True
                row[i], statistic[i] = t, abs(average)
                break
        record.n, record.mean, record.average, record.alarmed = n, mean, average, alarmed


class GMABank(Bank):
    """Many geometric moving averages; parameters as in `GMA`, 32 bytes a slot.

    Parameters
    ----------
    size
        Number of slots.
    min_instances, threshold, alpha, mode
        As in `GMA`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        min_instances: int = 30,
        threshold: float = 1.0,
        alpha: float = 0.99,
        mode: str = "both",
        **_: Unpack[ByArl],
    ) -> None:
        given = {"min_instances": min_instances, "threshold": threshold}
        check_params("GMA", PARAMS, given | {"alpha": alpha, "mode": mode})
        self._limits = (
            float(min_instances),
            float(threshold),
            float(alpha),
            mode != "down",
            mode != "up",
        )
        super().__init__(_BLANK, size)

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; no window, so no `longest`."""
        _scan(values, tasks, self._records, self._limits, hits.row, hits.statistic)
        hits.threshold[hits.row >= 0] = self._limits[1]


class GMA(Detector):
    """Geometric moving average test on one series.

    Averages how far values lie from their running mean, the newest weighing
    most, and alarms when the average exceeds a bound in the values' own unit.
    `EWMA` is the same idea in units of chance.

    Parameters
    ----------
    min_instances
        Values before the first alarm, 1 or more.
    threshold
        Average deviation that alarms, in the unit of the values, 0 or more:
        shifts up to it are never found. 1 is of the size of an error's whole
        range; for error rates 0.2 is more useful.
    alpha
        Forgetting factor, in [0, 1). 0.99 remembers about 100 values.
    mode
        `up`, `down` or `both`: the direction that alarms.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    Notes
    -----
    The running mean includes the current value.

    References
    ----------
    S. W. Roberts, "Control Chart Tests Based on Geometric Moving Averages",
    Technometrics 1, 1959.
    M. Basseville, I. V. Nikiforov, "Detection of Abrupt Changes: Theory and
    Application", 1993, section 2.1.2.

    Examples
    --------
    >>> from streamproc.detectors import GMA
    >>> detector = GMA(threshold=0.3)
    >>> for i in range(200):
    ...     detector.update(0.0 if i < 100 else 1.0)
    ...     if detector.drift_detected:
    ...         print(i)
    146
    """

    def __init__(
        self,
        min_instances: int = 30,
        threshold: float = 1.0,
        alpha: float = 0.99,
        mode: str = "both",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            GMABank(1, min_instances=min_instances, threshold=threshold, alpha=alpha, mode=mode)
        )


ENTRY = entry(
    "gma",
    "mean",
    (GMA, GMABank),
    PARAMS,
    {"alpha": 0.98, **BY_ARL},
    ThresholdParam("threshold", loose=0.05, strict=3.0, free=("mode",)),
)
