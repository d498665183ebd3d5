"""Page-Hinkley: a cumulative sum of deviations from the running mean."""

from typing import Any, Unpack

import numpy as np

from streamproc.detectors.bank import Bank, Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, check_params
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch
from streamproc.detectors.runtime.run_length import ByArl, ThresholdParam
from streamproc.detectors.runtime.slots import blank_record
from streamproc.detectors.spec import entry

MODES = ("both", "up", "down")

PARAMS = (
    Param("min_instances", 30, "values before the first alarm", low=1, high=1_000_000_000),
    Param("delta", 0.005, "change of the mean that is ignored, in units of the values", low=0.0),
    Param("threshold", 50.0, "cumulated deviation that alarms, in units of the values", low=0.0),
    Param("alpha", 1 - 0.0001, "forgetting: 1 forgets nothing", low=0.0, high=1.0, above=True),
    Param("mode", "both", "direction that alarms", choices=MODES),
)

_BLANK = blank_record(
    {
        "n": (np.float64, 0.0),
        "mean": (np.float64, 0.0),
        "rise": (np.float64, 0.0),
        "fall": (np.float64, 0.0),
        "lowest": (np.float64, np.inf),
        "highest": (np.float64, -1.0),  # any start below the first sum
        "alarmed": (np.bool_, False),
    }
)


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, float, float, bool, bool],
    row: Ints,
    statistic: Floats,
) -> None:
    """Feed every task until its first alarm; `limits`: see `PageHinkleyBank`."""
    least, delta, bound, alpha, up, down = limits
    for k in range(tasks.shape[0]):
        if k + AHEAD < tasks.shape[0]:
            later = tasks[k + AHEAD, 3]
            prefetch(records, later, 0)
            prefetch(records, later, 48)
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        n, mean = record.n, record.mean
        rise, fall = record.rise, record.fall
        lowest, highest, alarmed = record.lowest, record.highest, record.alarmed
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if alarmed:
                alarmed = False
                n = mean = rise = fall = 0.0
                lowest, highest = np.inf, -1.0
            n += 1.0
            mean += (1.0 / n) * (value - mean)
            apart = value - mean
            rise = alpha * rise + apart - delta
            fall = alpha * fall + apart + delta
            lowest = rise if rise < lowest else lowest  # noqa: FURB136 - as the reference treats NaN
            highest = fall if fall > highest else highest  # noqa: FURB136 - same
            if n >= least:
                risen, fallen = rise - lowest, highest - fall
                if (up and risen > bound) or (down and fallen > bound):
                    alarmed = True
                    row[k] = t
                    statistic[k] = risen if up and (risen > fallen or not down) else fallen
                    break
        record.n, record.mean = n, mean
        record.rise, record.fall = rise, fall
        record.lowest, record.highest, record.alarmed = lowest, highest, alarmed


class PageHinkleyBank(Bank):
    """Many Page-Hinkley tests; parameters as in `PageHinkley`, arithmetic to the last bit.

    Parameters
    ----------
    size
        Number of slots.
    min_instances, delta, threshold, alpha, mode
        As in `PageHinkley`.

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
        delta: float = 0.005,
        threshold: float = 50.0,
        alpha: float = 1 - 0.0001,
        mode: str = "both",
        **_: Unpack[ByArl],
    ) -> None:
        check_params(
            "PageHinkley",
            PARAMS,
            {
                "min_instances": min_instances,
                "delta": delta,
                "threshold": threshold,
                "alpha": alpha,
                "mode": mode,
            },
        )
        self._limits = (
            float(min_instances),
            float(delta),
            float(threshold),
            float(alpha),
            mode != "down",
            mode != "up",
        )
        super().__init__(_BLANK, size)

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; no window, so no `longest`."""
        _scan(values, tasks, self._records, self._limits, hits.row, hits.statistic)
        hits.threshold[hits.row >= 0] = self._limits[2]


class PageHinkley(Detector):
    """Page-Hinkley test on one series.

    Sums up how far values lie from their running mean, less an allowance, and
    alarms when the sum has moved too far from its extreme.

    Parameters
    ----------
    min_instances
        Values before the first alarm.
    delta
        Allowance a value, in the unit of the values: changes of the mean below
        it are ignored.
    threshold
        Distance that alarms, in the unit of the values; 0 or more.
    alpha
        Forgetting factor of the sum, in (0, 1]. Below 1 the sum settles near
        -delta / (1 - alpha), where the allowance no longer holds it down, so
        that false alarms become certain in the long run; 1 is the classical
        test.
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
    Alarms equal those of River 0.26.1.

    References
    ----------
    E. S. Page, "Continuous Inspection Schemes", Biometrika 41, 1954.
    D. V. Hinkley, "Inference about the change-point from cumulative sum
    tests", Biometrika 58, 1971.

    Examples
    --------
    >>> from streamproc.detectors import PageHinkley
    >>> detector = PageHinkley(threshold=20)
    >>> for i in range(200):
    ...     detector.update(0.0 if i < 100 else 1.0)
    ...     if detector.drift_detected:
    ...         print(i)
    122
    """

    def __init__(
        self,
        min_instances: int = 30,
        delta: float = 0.005,
        threshold: float = 50.0,
        alpha: float = 1 - 0.0001,
        mode: str = "both",
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            PageHinkleyBank(
                1,
                min_instances=min_instances,
                delta=delta,
                threshold=threshold,
                alpha=alpha,
                mode=mode,
            )
        )


ENTRY = entry(
    "page_hinkley",
    "mean",
    (PageHinkley, PageHinkleyBank),
    PARAMS,
    # With forgetting (alpha < 1) false alarms become certain, see `PageHinkley`.
    {"delta": 0.25, "threshold": 42.0, "alpha": 1.0},
    ThresholdParam("threshold", loose=3.0, strict=80.0, free=("mode",), measured=(42.0, 5e7)),
)
