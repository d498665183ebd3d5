"""Many detectors of one kind, one a slot, fed from a matrix of series and time."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.run_length import TakesArl
from streamproc.detectors.runtime.slots import Slots, check_scan, every_row


class Hits(NamedTuple):
    """The first alarm of each task of a scan.

    Attributes
    ----------
    row
        int64 (tasks,): index into the rows of `values`, -1 where none.
    statistic
        float64 (tasks,): the test statistic at the alarm, in the unit of the
        values (their sum, for a cumulative test); NaN where none.
    threshold
        float64 (tasks,): what the statistic exceeded; NaN where none.
    """

    row: Ints
    statistic: Floats
    threshold: Floats


_NO_ROW = np.full(64, -1, np.int64)
_NO_VALUES = np.full((2, 64), np.nan)


def no_hits(tasks: int) -> Hits:
    """Hits of tasks that have not alarmed."""
    if tasks <= len(_NO_ROW):  # copying takes a fifth of the time of filling
        statistic, threshold = _NO_VALUES[:, :tasks].copy()
        return Hits(_NO_ROW[:tasks].copy(), statistic, threshold)
    return Hits(np.full(tasks, -1, np.int64), np.full(tasks, np.nan), np.full(tasks, np.nan))


class Bank(TakesArl, Slots, ABC):
    """The contract of a bank; a detector adds its parameters and its loop."""

    def scan(self, values: Floats, tasks: Ints) -> Hits:
        """Feed stretches of columns to slots, each until its first alarm.

        Parameters
        ----------
        values
            float64 (columns, rows), C-contiguous. NaN is missing and skipped;
            the rest must be finite.
        tasks
            int64 (tasks, 4): column, start, stop, slot. Rows [start, stop) of
            the column go to the slot, in order. A slot may be in one task only.

        Returns
        -------
        Hits
            Where each task stopped. The alarming value was consumed, those
            after it were not. A slot that alarmed and is not `reset` starts
            afresh by itself at its next value, as River's detectors do.

        Raises
        ------
        ShapeError
            If shapes, types or ranges are not as above.
        """
        return self.scan_checked(values, tasks, check_scan(self.size, values, tasks))

    def scan_checked(self, values: Floats, tasks: Ints, longest: int) -> Hits:
        """Do as `scan` with arguments that `check_scan` has accepted.

        Parameters
        ----------
        values, tasks
            As in `scan`.
        longest
            Rows of the longest task.
        """
        hits = no_hits(len(tasks))
        self.feed(values, tasks, longest, hits)
        return hits

    def update(self, values: Floats) -> NDArray[np.bool_]:
        """Feed row s to slot s, all of it, starting afresh after each alarm.

        Parameters
        ----------
        values
            float64 (size, time); NaN is missing and skipped.

        Returns
        -------
        ndarray of bool, (size, time)
            True where the slot alarmed at that value.
        """
        values = np.ascontiguousarray(values, np.float64)
        alarms = np.zeros(values.shape, np.bool_)
        tasks = every_row(values)
        while len(tasks):
            row = self.scan(values, tasks).row
            tasks, row = tasks[row >= 0], row[row >= 0]
            alarms[tasks[:, 0], row] = True
            tasks[:, 1] = row + 1
        return alarms

    def take_over(self, other: "Bank") -> None:
        """Go on with the slots of a bank of the same kind, which may have another threshold.

        Parameters
        ----------
        other
            A bank whose parameters differ in the threshold alone.
        """
        self.load(other.state())

    @abstractmethod
    def feed(self, values: Floats, tasks: Ints, longest: int, hits: Hits) -> None:
        """Do the work of `scan` on arguments known to be right.

        Parameters
        ----------
        values, tasks
            As in `scan`.
        longest
            Rows of the longest task.
        hits
            Without a hit; those found are written into it.
        """
