"""Where a series changed, and how it was before and after, at a fixed cost a value."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from detectors import change_points_kernel as kernel
from detectors.bank import Floats, Ints
from detectors.errors import ShapeError
from detectors.slots import Slots, blank_record, check_scan

_BLANK = blank_record(
    {
        "n": (np.float64, 0.0),
        "mean": (np.float64, 0.0),
        "squares": (np.float64, 0.0),
        "unit": (np.float64, 0.0),
        "units": (np.float64, 0.0),
        "level": (np.float64, 0.0),
        "sums": ((np.float64, (kernel.SUMS,)), 0.0),
        # Of the rows before: n, mean and sum of squares raw, mean standardised; then the row's ts.
        "marks": ((np.float64, (kernel.SUMS, 5)), 0.0),
        "mark_offsets": ((np.int64, (kernel.SUMS,)), -1),
    }
)


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
    """

    before: Moments
    after: Moments
    ts: float
    offset: int
    direction: Literal["up", "down"]

    @property
    def size(self) -> float:
        """By how much the mean rose, in the unit of the series."""
        return self.after.mean - self.before.mean


class ChangePoints(Slots):
    """Remembers, for each series, the likeliest start of a change of its mean.

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
    splits the standardised values best, by likelihood.

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
        kernel.scan(values, standardised, tasks, ts, offsets, self._records)

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

    def change(self, slot: int) -> Change:
        """Tell the likeliest change of a slot since its last reset.

        Parameters
        ----------
        slot
            Its number. It must have had a value after its warm-up.

        Returns
        -------
        Change
            The candidate with the largest likelihood ratio.
        """
        record = self._records[slot]
        marks = record["marks"]
        before = record["units"] - (record["n"] - marks[:, 0])
        after = record["units"] - before
        apart = (record["level"] - marks[:, 3]) * record["units"] / after
        best = int(np.argmax(before * after * apart * apart))
        unit = float(record["unit"]) or 1.0
        first = (float(marks[best, 0]), float(marks[best, 1]), float(marks[best, 2]))
        whole = (float(record["n"]), float(record["mean"]), float(record["squares"]))
        return Change(
            before=_moments(*first, unit),
            after=_moments(*_rest(whole, first), unit),
            ts=float(marks[best, 4]),
            offset=int(record["mark_offsets"][best]),
            direction="up" if apart[best] >= 0.0 else "down",
        )

    def level(self, slot: int) -> Moments:
        """Tell how a slot has been since its last reset, in the unit of the series."""
        record = self._records[slot]
        whole = (float(record["n"]), float(record["mean"]), float(record["squares"]))
        return _moments(*whole, float(record["unit"]) or 1.0)


def _rest(
    whole: tuple[float, float, float], first: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Moments of what came after `first`."""
    n = whole[0] - first[0]
    mean = whole[1] + (first[0] / n) * (whole[1] - first[1])
    if abs(mean) * n < 1e-14 * whole[0] * abs(whole[1]):
        mean = 0.0  # what is left of two equal sums is their rounding error
    apart = mean - first[1]
    squares = whole[2] - first[2] - first[0] * n / whole[0] * apart * apart
    # Below the rounding error of the whole, the difference says nothing.
    return n, mean, squares if squares > 1e-14 * whole[0] * whole[2] else 0.0


def _moments(n: float, mean: float, squares: float, unit: float) -> Moments:
    deviation = math.sqrt(squares / (n - 1.0)) if n > 1.0 else 0.0
    return Moments(int(n), _finite(mean / unit), _finite(deviation / unit))


def _finite(value: float) -> float:
    return max(min(value, kernel.LARGEST), -kernel.LARGEST)
