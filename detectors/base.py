"""One detector on one series, one value at a time: River's interface."""

import math

import numpy as np

from streamproc.detectors.bank import Bank, no_hits
from streamproc.detectors.errors import NotFiniteError
from streamproc.detectors.runtime.run_length import TakesArl
from streamproc.detectors.series.change_points import Change, ChangePoints


class Detector(TakesArl):
    """The contract of a detector: `update`, then read `drift_detected`.

    Parameters
    ----------
    bank
        A bank of one slot that does the work, so that one series and a matrix
        of them run the same arithmetic.
    """

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._value = np.empty((1, 1))
        self._task = np.array([[0, 0, 1, 0]], np.int64)
        self._hits = no_hits(1)
        self._drift_detected = False
        self._changes = ChangePoints(1)
        self._offset = np.zeros(1, np.int64)
        self._change: Change | None = None

    @property
    def drift_detected(self) -> bool:
        """Whether the last value raised an alarm."""
        return self._drift_detected

    @property
    def change(self) -> Change | None:
        """Where and how the series changed, by the last alarm; None before the first.

        Its `offset` counts the values of this detector from 0; `direction` is that
        of the mean, `size` by how much it rose.
        """
        return self._change

    def update(self, x: float) -> None:
        """Take one value; after an alarm, start afresh with it.

        Parameters
        ----------
        x
            The next value, finite.

        Raises
        ------
        NotFiniteError
            If `x` is NaN or infinite; the detector is unchanged.
        """
        if not math.isfinite(x):
            msg = f"{type(self).__name__}.update: {x} is not finite; leave missing values out"
            raise NotFiniteError(msg)
        if self._drift_detected:
            self._changes.reset(self._task[:, 3])
        self._value[0, 0] = x
        self._hits.row[0] = -1
        self._bank.feed(self._value, self._task, 1, self._hits)
        self._drift_detected = bool(self._hits.row[0] == 0)
        self._changes.take(self._value, self._task, self._offset)
        if self._drift_detected:
            self._change = self._changes.change(0)
