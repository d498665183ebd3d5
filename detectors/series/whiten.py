"""Whitener: what is new in each value, for series whose values follow from those before."""

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.errors import ParameterError, ShapeError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.slots import State, blank_record, check_scan
from streamproc.detectors.series import whiten_kernel as kernel
from streamproc.detectors.slot_arrays import Arrays

LEARN = 300
"""Values that a memory is learned from, after those of the unit. More make it surer, but a series
says nothing meanwhile; 300 keep run lengths on AR(1) with .9, see docs/false-alarms.md."""

_BLANK = blank_record(
    {
        "total": (np.float64, 0.0),
        "level": (np.float64, 0.0),
        "scale": (np.float64, 0.0),
        "seen": (np.int32, 0),
        "order": (np.int32, 0),
        "cursor": (np.int32, 0),
    }
)


class Whitener(Arrays):
    """Autoregression of each series on its own past, learned once, then only its residuals.

    Detectors count on values that do not depend on each other: where one follows
    from those before, sums of them stray farther than chance allows, and false
    alarms become a hundred times as frequent. The residuals are independent again.

    Parameters
    ----------
    size
        Number of slots.
    learn
        Non-missing values that a slot learns from, 100 or more; during them it
        says nothing.
    clip
        Bound of the result, in deviations, above 0.

    Raises
    ------
    ParameterError
        If one is out of its range.

    Notes
    -----
    The values should be standardised: what counts is their plain autocovariance,
    which one wild value could rule. Of the orders 0 to 32, Schwarz's criterion
    takes one; 0 leaves the series as it is, but for its scale. What is missing is
    skipped as if it had not been. The result is rounded to multiples of 2^-12, as
    that of `Standardiser`.

    A lasting shift of the series is a shift of the residuals times 1 less the sum
    of the weights, over the residuals' deviation: for AR(1) with .9 a quarter of it,
    since such a series strays by itself.

    A slot holds 816 bytes.

    References
    ----------
    J. Durbin, "The Fitting of Time-Series Models", Revue de l'Institut
    International de Statistique 28, 1960.
    L. C. Alwan, H. V. Roberts, "Time-Series Modeling for Statistical Process
    Control", Journal of Business & Economic Statistics 6, 1988.
    """

    def __init__(self, size: int = 0, *, learn: int = LEARN, clip: float) -> None:
        if learn < 100 or not 0.0 < clip < np.inf:
            msg = f"learn: expected 100 or more, got {learn}; clip: above 0, got {clip}"
            raise ParameterError(msg)
        self._limits = (learn, float(clip))
        order = kernel.ORDER
        lengths = {"lags": order + 1, "weights": order, "ring": order}
        super().__init__(_BLANK, size, {name: (np.float64, (k,)) for name, k in lengths.items()})

    @property
    def warming(self) -> NDArray[np.bool_]:
        """(size,): slots that still learn."""
        warming: NDArray[np.bool_] = self._records["seen"][: self.size] < self._limits[0]
        return warming

    @property
    def order(self) -> NDArray[np.int32]:
        """(size,): values before from which one is predicted, 0 while warming."""
        return self._records["order"][: self.size].copy()

    def scan(self, values: Floats, tasks: Ints, out: Floats) -> None:
        """Whiten stretches of columns.

        Parameters
        ----------
        values
            float64 (columns, rows), C-contiguous, standardised; NaN is missing or
            warming up, the rest finite.
        tasks
            int64 (tasks, 4): column, start, stop, slot.
        out
            float64, the shape of `values`. Rows [start, stop) of each task's
            column are written: NaN where missing or still learning, else residuals
            in their own deviations, within [-clip, clip].

        Raises
        ------
        ShapeError
            If shapes, types or ranges are not as above.
        """
        check_scan(self.size, values, tasks)
        if out.shape != values.shape or out.dtype != np.float64 or not out.flags.c_contiguous:
            msg = f"out: expected C-contiguous float64 {values.shape}, got {out.dtype} {out.shape}"
            raise ShapeError(msg)
        arrays = (self._wide["lags"], self._wide["weights"], self._wide["ring"])
        kernel.scan(values, tasks, out, self._records, arrays, self._limits)

    def _check_ranges(self, state: State) -> None:
        order = kernel.ORDER
        limits = {"seen": (0, self._limits[0]), "order": (0, order), "cursor": (0, order - 1)}
        self._refuse_outside(state, limits)
