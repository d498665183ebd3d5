"""Where a series changed, and how it was before and after, at a fixed cost a value."""

import math
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from streamproc.detectors.errors import ShapeError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.skewness import gained, skewness
from streamproc.detectors.runtime.slots import Slots, State, blank_record, check_scan
from streamproc.detectors.series import change_points_kernel as kernel

_BLANK = blank_record(
    {
        "n": (np.float64, 0.0),
        "mean": (np.float64, 0.0),
        "squares": (np.float64, 0.0),
        "unit": (np.float64, 0.0),
        "units": (np.float64, 0.0),
        "level": (np.float64, 0.0),
        "rough": (np.float64, 1.0),
        "rougher": (np.float64, 0.0),
        "second": (np.float64, 0.0),
        "third": (np.float64, 0.0),
        "sums": ((np.float64, (kernel.SUMS,)), 0.0),
        "turn_sums": ((np.float64, (kernel.TURNS,)), 0.0),
        # Of the rows before: n, mean and sum of squares raw, mean standardised; the row's ts; and
        # the mean square of the standardised values. Of most rows one begins.
        "turns": ((np.float64, (kernel.TURNS, 6)), 0.0),
        "turn_offsets": ((np.int64, (kernel.TURNS,)), -1),
        # The same without the mean square.
        "marks": ((np.float64, (kernel.SUMS, 5)), 0.0),
        "mark_offsets": ((np.int64, (kernel.SUMS,)), -1),
    }
)
_OF_SPREAD: Final = ("rough", "rougher", "turn_sums", "turns", "turn_offsets")
# Variance of the bounded squares of normal values: what is taken for those that nobody squared.
_NORMAL: Final = 1.65
# Raw deviations beyond this many drawn in, made by fewer than this share, are made by wild values.
_WILD, _FEW = 3.0, 0.02
_MOMENTS: Final = ("second", "third")
# Skewness from which on squares say no more than the mean does: that of events of 10 %.
_SKEWED: Final = 3.0
# Means that differ by fewer of their standard errors have not moved.
_STILL: Final = 3.0


Unit = tuple[float, float]
"""Location and scale of standardised values."""


@dataclass(frozen=True, slots=True)
class Moments:
    """A stretch of a series: number of values, mean and sample deviation (0 for n < 2)."""

    n: int
    mean: float
    std: float


@dataclass(frozen=True, slots=True)
class Change:
    """Where a series most likely changed.

    Attributes
    ----------
    before, after
        The values up to the change since the last reset, warm-up included,
        and those since, in the unit of the series.
    ts, offset
        Coordinates of the first row after the change.
    direction
        Whether the mean rose or fell.
    spread
        Whether the deviation changed, and the mean no more than by chance.
    """

    before: Moments
    after: Moments
    ts: float
    offset: int
    direction: Literal["up", "down"]
    spread: bool = False

    @property
    def size(self) -> float:
        """By how much the mean rose, in the unit of the series."""
        return self.after.mean - self.before.mean


class ChangePoints(Slots):
    """Remembers, for each series, the likeliest start of a change of its mean or spread.

    Parameters
    ----------
    size
        Number of slots.

    Notes
    -----
    Cumulative sums, upwards and downwards, of how far the standardised values
    lie from their running mean, each less an allowance and never below 0
    (`ALLOWANCES` in the kernel). The row at which a sum last left 0 is the
    likeliest first row of a change of about twice its allowance. With it are
    kept the moments of the raw values before it, so those of the rows since
    follow by subtraction. Of these candidates `change` takes the one that
    splits the standardised values best, by likelihood. Two more sums do the same
    with squares: where the spread splits the values better than any mean, and the
    means on either side are the same but for chance, it was the spread.

    References
    ----------
    E. S. Page, "Continuous Inspection Schemes", Biometrika 41, 1954.
    B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares
    and Products", Technometrics 4, 1962.
    """

    def __init__(self, size: int = 0) -> None:
        super().__init__(_BLANK, size)

    def count(self, slots: Ints) -> Ints:
        """Count the non-missing values of slots since their last reset, warm-up included."""
        return self._records["n"][slots].astype(np.int64)

    def scan(
        self, values: Floats, standardised: Floats, tasks: Ints, ts: Floats, offsets: Ints
    ) -> None:
        """Feed stretches of columns.

        Parameters
        ----------
        values
            float64 (columns, rows), C-contiguous, raw; NaN is missing.
        standardised
            The same values standardised, NaN where missing or warming up.
        tasks
            int64 (tasks, 4): column, start, stop, slot.
        ts
            float64 (rows,): event time of each row.
        offsets
            int64 (rows,): offset of each row in its log.

        Raises
        ------
        ShapeError
            If shapes, types or ranges are not as above.
        """
        check_scan(self.size, values, tasks)
        check_scan(self.size, standardised, tasks)
        rows = values.shape[1:]
        if standardised.shape != values.shape or ts.shape != rows or offsets.shape != rows:
            msg = (
                f"standardised {standardised.shape}, ts {ts.shape} and offsets {offsets.shape} "
                f"do not fit values {values.shape}"
            )
            raise ShapeError(msg)
        self.scan_checked(values, standardised, tasks, ts, offsets)

    def scan_checked(
        self, values: Floats, standardised: Floats, tasks: Ints, ts: Floats, offsets: Ints
    ) -> None:
        """Do as `scan` with arguments that are known to be right."""
        kernel.scan(values, standardised, tasks, ts, offsets, self._records)

    def load(self, state: State) -> None:
        """Take the place of the object that made `state`, or would have without spread or skewness.

        Parameters
        ----------
        state
            What `state()` gave; of what it knows of the spread, and of skewness, all or nothing.

        Raises
        ------
        StateError
            If a name, type or shape differs; nothing was changed.
        """
        if "units" in state and not state.keys() & set(_OF_SPREAD):
            slots = len(state["units"])
            blank = {name: np.repeat(_BLANK[name][None], slots, 0) for name in _OF_SPREAD}
            state = state | blank | {"rougher": _NORMAL * state["units"]}
        if "rough" in state and not state.keys() & set(_MOMENTS):
            state = state | {"second": state["rough"], "third": np.zeros(len(state["rough"]))}
        super().load(state)

    def take(self, values: Floats, tasks: Ints, offsets: Ints) -> None:
        """Feed one value in the unit of those before it, the unchecked way of a single detector.

        Parameters
        ----------
        values
            float64 (1, 1).
        tasks
            int64 (1, 4): its only task.
        offsets
            int64 (1,): its offset, which is then that of the next.
        """
        kernel.take(values, tasks, offsets, self._records)

    def change(self, slot: int, unit: Unit | None = None) -> Change:
        """Tell the likeliest change of a slot since its last reset.

        Parameters
        ----------
        slot
            Its number. It must have had a value after its warm-up.
        unit
            Location and scale of the standardised values, if they were drawn in: where a few wild
            values make the levels on either side, those of the values that were drawn in count.

        Returns
        -------
        Change
            The candidate with the largest likelihood ratio.
        """
        record = self._records[slot]
        deviation, skew = _shape(record)
        gains = [_mean_gain(record, mark, deviation, skew) for mark in record["marks"]]
        best = int(np.argmax(gains))
        mark, offset, spread = record["marks"][best], record["mark_offsets"][best], False
        gain = gains[best]
        turns = zip(record["turns"], record["turn_offsets"], strict=True)
        for turn, turned in turns if abs(skew) < _SKEWED else ():
            if (other := _spread_gain(record, turn)) > gain:
                mark, offset, spread, gain = turn, turned, True, other
        scale = float(record["unit"]) or 1.0
        first, total = _raw(mark), _all_values(record)
        before, after = _moments(*first, scale), _moments(*_after(total, first), scale)
        if unit is not None:
            without = _spread_without_wild if spread else _without_wild
            before, after = without(record, mark, (before, after), unit)
        return Change(
            before=before,
            after=after,
            ts=float(mark[4]),
            offset=int(offset),
            direction="up" if record["level"] >= mark[3] else "down",
            spread=spread,
        )

    def level(self, slot: int) -> Moments:
        """Tell how a slot has been since its last reset, in the unit of the series."""
        record = self._records[slot]
        return _moments(*_all_values(record), float(record["unit"]) or 1.0)

    def means(self, slots: Ints) -> Floats:
        """Return the means of many slots, to the last bit as `level` tells each."""
        unit = self._records["unit"][slots]
        means: Floats = self._records["mean"][slots] / np.where(unit == 0.0, 1.0, unit)
        return np.clip(means, -kernel.MAX_FLOAT, kernel.MAX_FLOAT)


def _shape(record: Any) -> tuple[float, float]:
    """Deviation and skewness of the standardised values."""
    level, second = float(record["level"]), float(record["second"])
    variance = second - level * level
    if not variance > 0.0:
        return 1.0, 0.0
    cubes = float(record["third"]) - 3.0 * level * second + 2.0 * level**3
    return math.sqrt(variance), float(skewness(cubes, 1.0, variance))


def _mean_gain(record: Any, mark: Floats, deviation: float, skew: float) -> float:
    """Log-likelihood ratio of a change of the mean at a mark."""
    units = float(record["units"])
    before = units - (float(record["n"]) - float(mark[0]))
    if before < 1.0 or before >= units:
        return 0.0
    apart = (float(record["level"]) - float(mark[3])) * before / deviation
    return float(gained(apart, units - before, before, skew))


def _without_wild(
    record: Any, mark: Floats, raw: tuple[Moments, Moments], unit: Unit
) -> tuple[Moments, Moments]:
    """Levels of the values drawn in, if wild ones made either of the raw levels.

    Wild values of one size, m deviations, are a share of excess² / variance of all: their mean
    is m times the share, their mean square m² times it.
    """
    loc, scale = unit
    after = raw[1]
    count = float(record["units"])
    later = min(float(after.n), count)
    known = count - later
    levels = [float(mark[3]), float(mark[3])]
    levels[1] += (float(record["level"]) - levels[0]) * count / max(later, 1.0)
    drawn = [loc + scale * level for level in levels]
    wild = [
        values.std > _WILD * scale > 0.0
        and (values.mean - level) ** 2 < _FEW * values.std * values.std
        for values, level in zip(raw, drawn, strict=True)
    ]
    if not any(wild) or known < 1.0 or abs(_shape(record)[1]) > _SKEWED:
        return raw
    std = scale * _shape(record)[0]
    first, last = (
        Moments(values.n, _finite(level), std) for values, level in zip(raw, drawn, strict=True)
    )
    # Where all values lie beyond the bound, those drawn in would hide how far.
    return first, after if abs(levels[1]) > _WILD else last


def _spread_without_wild(
    record: Any, turn: Floats, raw: tuple[Moments, Moments], unit: Unit
) -> tuple[Moments, Moments]:
    """Levels around a change of the spread: bounded squares tell wild values from a wider spread.

    The mean does not: that of a wider spread stays where it was, as that of a few wild values does.
    """
    loc, scale = unit
    units = float(record["units"])
    later = min(float(raw[1].n), units)
    before = float(turn[3]), float(turn[5])
    now = float(record["level"]), float(record["rough"])
    after = [b + (a - b) * units / max(later, 1.0) for a, b in zip(now, before, strict=True)]
    sides = []
    for values, (level, rough) in zip(raw, (before, after), strict=True):
        far = rough >= kernel.FARTHEST_SQUARE / 2.0  # half of the values, at least
        # 0: wild values on the other side round off what this one has.
        known = scale <= 0.0 or (values.std > 0.0 and (far or values.std <= _WILD * scale))
        std = scale * math.sqrt(max(rough - level * level, 0.0))
        sides.append(values if known else Moments(values.n, _finite(loc + scale * level), std))
    return sides[0], sides[1]


def _spread_gain(record: Any, turn: Floats) -> float:
    """Log-likelihood ratio of a change of the squares; 0 where the mean moved, too."""
    first, total = _raw(turn), _all_values(record)
    before, after = first[0], total[0] - first[0]
    units = float(record["units"])
    if units - after < 2.0 or after < 2.0:
        return 0.0
    _, mean, squares = _after(total, first)
    # Wild values may be on one side only, by chance: then the other one does not know its error.
    pooled = total[2] / total[0] * (1.0 / before + 1.0 / after)
    error = max(first[2] / before**2 + squares / after**2, pooled)
    if (mean - first[1]) ** 2 > _STILL * _STILL * error:
        return 0.0
    before = units - after  # of those that are standardised, which wild values do not widen
    apart = (float(record["rough"]) - float(turn[5])) * units / after
    moved = (float(record["level"]) - float(turn[3])) * units / after
    error = float(turn[5]) / before + (float(turn[5]) + apart) / after
    if moved * moved > _STILL * _STILL * error:
        return 0.0
    variance = float(record["rougher"]) / units
    return before * after * apart * apart / (2.0 * units * variance) if variance > 0.0 else 0.0


def _raw(mark: Floats) -> tuple[float, float, float]:
    """Count, mean and sum of squares, raw, of the values before a mark."""
    return float(mark[0]), float(mark[1]), float(mark[2])


def _all_values(record: Any) -> tuple[float, float, float]:
    """Count, mean and sum of squares, raw, of all values."""
    return float(record["n"]), float(record["mean"]), float(record["squares"])


def _after(
    total: tuple[float, float, float], first: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Moments of what came after `first`."""
    n = total[0] - first[0]
    mean = total[1] + (first[0] / n) * (total[1] - first[1])
    if abs(mean) * n < 1e-14 * total[0] * abs(total[1]):
        mean = 0.0  # what is left of two equal sums is their rounding error
    apart = mean - first[1]
    squares = total[2] - first[2] - first[0] * n / total[0] * apart * apart
    # Below the rounding error of the total, the difference says nothing.
    return n, mean, squares if squares > 1e-14 * total[0] * total[2] else 0.0


def _moments(n: float, mean: float, squares: float, unit: float) -> Moments:
    deviation = math.sqrt(squares / (n - 1.0)) if n > 1.0 else 0.0
    return Moments(int(n), _finite(mean / unit), _finite(deviation / unit))


def _finite(value: float) -> float:
    return max(min(value, kernel.MAX_FLOAT), -kernel.MAX_FLOAT)
