"""e-detector: bets against the mean's staying where it is, for bounded values of any law.

`alpha` is the promise: a run until a false alarm lasts at least 1/alpha values on
average, whatever the values' distribution, and even if they depend on each other,
as long as each one's mean, given all before it, stays within `tolerance` of the
mean before the change.

Why. Let Y be a value mapped to [0, 1], and m the largest mean that does not count as a change.
A bet of c in [0, 1/m] multiplies its stake by 1 + c(Y - m), which is never negative
and on average at most 1 while nothing changes. A new stake of 1 joins at each
value and rides on, so all stakes together are at most n on average after n values,
for each bet, and so for the average over several bets and both directions. By
optional stopping they are at most the run's mean length when they first exceed
1/alpha: the mean length is at least 1/alpha. This is the Shiryaev-Roberts e-detector
of Shin, Ramdas and Rinaldo, with a mixture of bets.
"""

from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np

from streamproc.detectors.bank import Hits
from streamproc.detectors.base import Detector
from streamproc.detectors.errors import ParameterError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.params import Param, Value, check_params
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch
from streamproc.detectors.runtime.run_length import BY_ARL, ByArl, ThresholdParam
from streamproc.detectors.runtime.slots import State, blank_record
from streamproc.detectors.slot_arrays import ArraysBank
from streamproc.detectors.spec import entry

BETS = 6
"""Bets for each direction: all that can be staked, 99 %, then a half, a quarter, …, 1/32."""
EDGE = 0.01
"""A learned mean lies at least this share of the range inside of it: room to move both ways."""

PARAMS = (
    Param(
        "alpha",
        1e-6,
        "1 / values until a false alarm, at least, on average",
        low=1e-100,
        high=1.0,
        below=True,
    ),
    Param("low", 0.0, "smallest value", low=-1e15, high=1e15),
    Param("high", 1.0, "largest value", low=-1e15, high=1e15),
    Param("mean", 0.5, "mean before the change, unless it is learned", low=-1e15, high=1e15),
    Param("tolerance", 0.05, "change of the mean that is none", low=0.0, high=1e15),
    Param("mode", "both", "direction that alarms", choices=("both", "up", "down")),
    Param("warmup", 200, "values that the mean is learned from; 0: it is given", low=0, high=10**6),
)

_BLANK = blank_record(
    {"n": (np.float64, 0.0), "mean": (np.float64, 0.0), "alarmed": (np.bool_, False)}
)


@compiled
def _staked(stakes: Floats, share: float, advantage: float, most: float) -> float:
    """Let a new stake of 1 join each bet, then all ride on `advantage`: average times `share`.

    `most`: the bet that the worst value would ruin. No share, no bets.
    """
    if share == 0.0:
        return 0.0
    total, bet = 0.0, 0.99 * most
    for j in range(stakes.shape[0]):
        stakes[j] = (1.0 + stakes[j]) * (1.0 + bet * advantage)
        total += stakes[j]
        bet = 0.5 * most if j == 0 else 0.5 * bet
    average: float = total / stakes.shape[0]
    return share * average


@compiled
def _scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    stakes: Floats,
    limits: tuple[float, float, float, float, float, float, float, float],
    row: Ints,
    statistic: Floats,
) -> None:
    """Feed every task until its first alarm; `limits`: see `EDetectorBank`, on [0, 1]."""
    enough, low, scale, tolerance, up, down, given, warmup = limits
    margin = tolerance + EDGE
    for i in range(tasks.shape[0]):
        if i + AHEAD < tasks.shape[0]:
            later = tasks[i + AHEAD, 3]
            prefetch(records, later, 0)
            prefetch(stakes, later, 0)
            prefetch(stakes, later, 64)
        column, start, stop, slot = tasks[i, 0], tasks[i, 1], tasks[i, 2], tasks[i, 3]
        record, rises, falls = records[slot], stakes[slot, 0], stakes[slot, 1]
        n, mean, alarmed = record.n, record.mean, record.alarmed
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if alarmed:
                alarmed = False
                n = mean = 0.0
                rises[:] = 0.0
                falls[:] = 0.0
            y = min(max((value - low) * scale, 0.0), 1.0)
            if n < warmup:
                n += 1.0
                mean += (y - mean) / n
                continue
            centre = min(max(mean, margin), 1.0 - margin) if warmup > 0.0 else given
            ceiling, floor = centre + tolerance, centre - tolerance
            total = _staked(rises, up, y - ceiling, 1.0 / ceiling)
            total += _staked(falls, down, floor - y, 1.0 / (1.0 - floor))
            if total > enough:
                alarmed = True
                row[i], statistic[i] = t, total
                break
        record.n, record.mean, record.alarmed = n, mean, alarmed


class EDetectorBank(ArraysBank):
    """Many e-detectors; parameters as in `EDetector`, 120 bytes a slot.

    Parameters
    ----------
    size
        Number of slots.
    alpha, low, high, mean, tolerance, mode, warmup
        As in `EDetector`.

    Raises
    ------
    ParameterError
        If a parameter is out of its range.
    """

    def __init__(
        self,
        size: int = 0,
        *,
        alpha: float = 1e-6,
        low: float = 0.0,
        high: float = 1.0,
        mean: float = 0.5,
        tolerance: float = 0.05,
        mode: str = "both",
        warmup: int = 200,
        **_: Unpack[ByArl],
    ) -> None:
        given: dict[str, object] = {"alpha": alpha, "low": low, "high": high, "mean": mean}
        given |= {"tolerance": tolerance, "mode": mode, "warmup": warmup}
        check_params("EDetector", PARAMS, given)
        _check_range(low, high, mean, tolerance, learned=warmup > 0)
        scale = 1.0 / (high - low)
        self._limits = (
            1.0 / alpha,
            float(low),
            scale,
            tolerance * scale,
            {"up": 1.0, "both": 0.5, "down": 0.0}[mode],
            {"up": 0.0, "both": 0.5, "down": 1.0}[mode],
            (mean - low) * scale,
            float(warmup),
        )
        super().__init__(_BLANK, size, {"stakes": (np.float64, (2, BETS))})

    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:  # noqa: ARG002
        """Do the work of `scan` on arguments known to be right; no window, so no `longest`."""
        _scan(
            values,
            tasks,
            self._records,
            self._wide["stakes"],
            self._limits,
            hits.row,
            hits.statistic,
        )
        hits.threshold[hits.row >= 0] = self._limits[0]

    def _check_ranges(self, state: State) -> None:
        """Refuse nothing: where the loop reads and writes does not depend on the state."""


class EDetector(Detector):
    """e-detector on one series of bounded values.

    Bets on every value that it lies above, and below, the mean before the
    change. While nothing has changed no bettor gets rich; riches are an alarm.

    Parameters
    ----------
    alpha
        In (0, 1), not below 1e-100: the average number of values until a false
        alarm is at least 1/alpha, with no model of the values.
    low, high
        Range of the values, in their unit. A value outside counts as the
        nearest one inside, and the promise is about the mean of these.
    mean
        Mean before the change, in the values' unit; unused if it is learned.
    tolerance
        Change of the mean that is none, 0 or more, in the values' unit. It also
        covers the error of a learned mean, which is the deviation / √warmup.
    mode
        `up`, `down` or `both`: the direction that alarms.
    warmup
        Values that the mean is learned from, during which nothing alarms; 0
        takes `mean`. The promise then supposes that the learned mean lies
        within `tolerance` of the true one.

    Raises
    ------
    ParameterError
        If a parameter is out of its range, or `mean` and `tolerance` leave no
        room between `low` and `high`.
    NotFiniteError
        By `update`, if a value is NaN or infinite.

    Notes
    -----
    The average of the e-detectors of several bets is one too, so no bet has to
    be chosen; the best of them decides the delay, ln(bets / alpha) / its growth.

    References
    ----------
    J. Shin, A. Ramdas, A. Rinaldo, "E-detectors: A Nonparametric Framework for
    Sequential Change Detection", New England Journal of Statistics in Data
    Science 2, 2024.
    I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by
    betting", Journal of the Royal Statistical Society B 86, 2024.

    Examples
    --------
    >>> from streamproc.detectors import EDetector
    >>> detector = EDetector(mean=0.25, warmup=0)
    >>> for i in range(800):
    ...     detector.update(float(i % 4 == 0 if i < 400 else i % 4 != 0))
    ...     if detector.drift_detected:
    ...         print(i)
    ...         break
    435
    """

    def __init__(
        self,
        alpha: float = 1e-6,
        low: float = 0.0,
        high: float = 1.0,
        mean: float = 0.5,
        tolerance: float = 0.05,
        mode: str = "both",
        warmup: int = 200,
        **_: Unpack[ByArl],
    ) -> None:
        super().__init__(
            EDetectorBank(
                1,
                alpha=alpha,
                low=low,
                high=high,
                mean=mean,
                tolerance=tolerance,
                mode=mode,
                warmup=warmup,
            )
        )


def _check_range(low: float, high: float, mean: float, tolerance: float, *, learned: bool) -> None:
    """Refuse ranges in which nothing can be bet on."""
    if not low < high:
        msg = f"EDetector.high: expected more than low, {low:g}, got {high:g}"
        raise ParameterError(msg)
    margin = tolerance + EDGE * (high - low) if learned else tolerance
    if 2.0 * margin >= high - low:
        msg = f"EDetector.tolerance: {tolerance:g} leaves no mean between {low:g} and {high:g}"
        raise ParameterError(msg)
    if not learned and not low + margin < mean < high - margin:
        msg = (
            f"EDetector.mean: expected more than {low + margin:g} and less than "
            f"{high - margin:g} (range and tolerance), got {mean:g}"
        )
        raise ParameterError(msg)


def _promise(arl: float, _: Mapping[str, Value]) -> float:
    """Give the alpha whose runs last `arl` values or more: see the module's proof."""
    return 1.0 / arl


ENTRY = entry(
    "e_detector",
    "mean",
    (EDetector, EDetectorBank),
    PARAMS,
    # `Standardiser` bounds its values by its clip; a mean of 200 values is 0.07 off.
    {"low": -4.0, "high": 4.0, "tolerance": 0.2, **BY_ARL},
    ThresholdParam("alpha", 0.5, 1e-7, reach=1e5, theory=_promise, free=("mode", "tolerance")),
)
