"""CUSUM: sums of standardised deviations beyond a reference, restarted at zero.

`h` trades false alarms for delay. On independent N(0, 1) values with known mean a
one-sided chart runs about (exp(2kb) - 2kb - 1) / 2k² values, b = h + 1.166, until
a false alarm (Siegmund 1985), a two-sided one half of it; after a shift of s > k
deviations it alarms after about h / (s - k) values.
"""

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
    Param("k", 0.5, "reference: deviations a value that are ignored", low=0.0, high=1e6),
    Param("h", 5.0, "summed deviations that alarm: more, fewer and later alarms", low=0.0),
    Param("mode", "both", "direction that alarms", choices=("both", "up", "down")),
    LEARN_PARAM,
    WARMUP_PARAM,
)

_BLANK = blank_record(
    {
        **MOMENTS,
        "rise": (np.float64, 0.0),
        "fall": (np.float64, 0.0),
        "alarmed": (np.bool_, False),
    }
)


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, bool, bool, bool, bool, float],
    row: Ints,
    statistic: Floats,
) -> None:
    """Feed every task until its first alarm; `limits`: see `CUSUMBank`."""
    k, h, up, down, learns, both, warmup = limits
    for i in range(tasks.shape[0]):
        if i + AHEAD < tasks.shape[0]:
            prefetch(records, tasks[i + AHEAD, 3], 0)
        column, start, stop = tasks[i, 0], tasks[i, 1], tasks[i, 2]
        record = records[tasks[i, 3]]
        moments = (record.n, record.mean, record.squares)
        rise, fall, alarmed = record.rise, record.fall, record.alarmed
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if alarmed:
                alarmed = False
                moments = NO_VALUES
                rise = fall = 0.0
            z = bounded(value)
            if learns:
                z, ready, moments = learned(z, moments, both, warmup)
                if not ready:
                    continue
            rise = max(rise + z - k, 0.0)
            fall = max(fall - z - k, 0.0)
            if (up and rise > h) or (down and fall > h):
                alarmed = True
                row[i] = t
                statistic[i] = rise if up and (rise > fall or not down) else fall
                break
        record.n, record.mean, record.squares = moments
        record.rise, record.fall, record.alarmed = rise, fall, alarmed


class CUSUMBank(Bank):
    """Many CUSUM charts; parameters as in `CUSUM`, 48 bytes a slot.

    Parameters
    ----------
    size
        Number of slots.
    k, h, mode, learn, warmup
        As in `CUSUM`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        k: float = 0.5,
        h: float = 5.0,
        mode: str = "both",
        learn: str = "both",
        warmup: int = 30,
        **_: Unpack[ByArl],
    ) -> None:
        given = {"k": k, "h": h, "mode": mode, "learn": learn, "warmup": warmup}
        check_params("CUSUM", PARAMS, given)
        self._limits = (
            float(k),
            float(h),
            mode != "down",
            mode != "up",
            *learning(learn, warmup),
        )
        super().__init__(_BLANK, size)

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; no window, so no `longest`."""
        _scan(values, tasks, self._records, self._limits, hits.row, hits.statistic)
        hits.threshold[hits.row >= 0] = self._limits[1]


class CUSUM(Detector):
    """Cumulative sum chart on one series.

    Sums up how many deviations values lie above the mean, less `k` each, never
    below zero; the same below the mean; and alarms when a sum exceeds `h`.
    Against a shift of 2k on normal values no test with as few false alarms is
    faster in the worst case (Moustakides 1986).

    Parameters
    ----------
    k
        Reference, in deviations, 0 or more: half of the smallest shift that
        matters. 0.5 is the textbooks' choice, for shifts of one deviation.
    h
        Sum that alarms, in deviations, 0 or more. With `k` 0.5 and a known
        mean, 5 means a false alarm in 465 values, 12.7 one in a million.
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
    A learned mean moves with the values: of a shift after n values, 1/n is
    forgotten at each further one. See `streamproc.detectors.mean.self_starting`.

    References
    ----------
    E. S. Page, "Continuous Inspection Schemes", Biometrika 41, 1954.
    D. M. Hawkins, "Self-starting CUSUM charts for location and scale", The
    Statistician 36, 1987.
    G. V. Moustakides, "Optimal stopping times for detecting changes in
    distributions", Annals of Statistics 14, 1986.

    Examples
    --------
    >>> from streamproc.detectors import CUSUM
    >>> detector = CUSUM(h=10)
    >>> for i in range(200):
    ...     detector.update(i % 2 + (2.0 if i >= 100 else 0.0))
    ...     if detector.drift_detected:
    ...         print(i)
    103
    """

    def __init__(
        self,
        k: float = 0.5,
        h: float = 5.0,
        mode: str = "both",
        learn: str = "both",
        warmup: int = 30,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(CUSUMBank(1, k=k, h=h, mode=mode, learn=learn, warmup=warmup))


ENTRY = entry(
    "cusum",
    "mean",
    (CUSUM, CUSUMBank),
    PARAMS,
    # The series' unit is learned already; its mean is not 0 if it is skewed.
    {"k": 0.25, "learn": "mean", **BY_ARL},
    ThresholdParam("h", loose=3.0, strict=60.0, free=("mode",)),
)
