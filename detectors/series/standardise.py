"""Standardiser: each series in units of its spread, learned from its first values."""

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.errors import ParameterError, ShapeError, StateError
from streamproc.detectors.runtime.chunk_pool import ChunkPool
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.slots import Slots, State, blank_record, check_scan, check_state
from streamproc.detectors.series import standardise_kernel as kernel
from streamproc.detectors.series.warm_up_test import NO_LOOKS, Looks

_BLANK = blank_record(
    {
        "loc": (np.float64, np.nan),
        "scale": (np.float64, np.nan),
        "bound": (np.float64, np.nan),
        "filled": (np.int32, 0),
        "last": (np.int32, -1),
    }
)


class Standardiser(Slots):
    """Robust location and scale of the first values, then (value - loc) / scale.

    Parameters
    ----------
    size
        Number of slots.
    warmup
        Non-missing values that a slot learns from, 4 or more; during them it
        says nothing.
    clip
        Robust deviations (interquartile range / 1.349) from the median beyond
        which a value counts no more, above 0: one wild value, which is not a
        change, cannot raise an alarm alone. Also the bound of the result.

    Notes
    -----
    loc is the median of the warm-up, scale the deviation of its values after
    those beyond `clip` were drawn in. Later values are drawn in to the same
    bound, so the result has deviation 1 whatever the shape of the series:
    quartiles alone would call a lognormal series half as wide as it is, and
    false alarms grow exponentially with that error; the plain deviation lets one
    outlier hide everything after it. With both quartiles equal (rare events,
    ties) a robust unit does not exist: the plain deviation counts. A constant
    warm-up has no deviation: whatever differs lies beyond every bound, so the
    result is -clip, 0 or clip.

    The result is rounded to multiples of 2^-12. A unit change is exact in no
    binary fraction (x · 10⁻⁶, x + 10⁹), so the same series in another unit
    differs in its last bits; rounded it is the same series, and so are all sums
    of it, which are exact up to 2^38 values.

    Warm-up values wait in a pool of which a slot takes the room of what it has
    seen, and none once it has seen enough.
    """

    lists = frozenset({"waiting"})

    def __init__(self, size: int = 0, *, warmup: int, clip: float) -> None:
        if warmup < 4 or not 0.0 < clip < np.inf:
            msg = f"warmup: expected 4 or more, got {warmup}; clip: above 0, got {clip}"
            raise ParameterError(msg)
        self._warmup = warmup
        self._clip = float(clip)
        self._pieces = ChunkPool(warmup)
        super().__init__(_BLANK, size)

    @property
    def warmup(self) -> int:
        """Values that a slot learns from."""
        return self._warmup

    @property
    def warming(self) -> NDArray[np.bool_]:
        """(size,): slots that still learn."""
        warming: NDArray[np.bool_] = np.isnan(self._records["scale"][: self.size])
        return warming

    def any_warming(self, tasks: Ints) -> bool:
        """Whether a slot of these tasks still learns."""
        scales = self._records["scale"][tasks[:, 3]]
        return bool(np.count_nonzero(scales != scales))  # noqa: PLR0124 - NaN, faster than isnan

    @property
    def loc(self) -> Floats:
        """(size,): medians, in the unit of the values; NaN while warming."""
        return self._records["loc"][: self.size].copy()

    @property
    def scale(self) -> Floats:
        """(size,): spreads, in the unit of the values; 0 after a constant, NaN while warming."""
        return self._records["scale"][: self.size].copy()

    def unit(self, slot: int) -> tuple[float, float]:
        """Location and scale of a slot, in the unit of the values; NaN while warming."""
        return float(self._records["loc"][slot]), float(self._records["scale"][slot])

    def reset(self, slots: Ints) -> None:
        """Let slots learn again."""
        self._pieces.free(self._records["last"][slots])
        super().reset(slots)

    def scan(self, values: Floats, tasks: Ints, out: Floats) -> None:
        """Standardise stretches of columns.

        Parameters
        ----------
        values
            float64 (columns, rows), C-contiguous; NaN is missing, the rest finite.
        tasks
            int64 (tasks, 4): column, start, stop, slot.
        out
            float64, the shape of `values`. Rows [start, stop) of each task's
            column are written: NaN where missing or still warming up, else
            within [-clip, clip].

        Raises
        ------
        ShapeError
            If shapes, types or ranges are not as above.
        """
        check_scan(self.size, values, tasks)
        if out.shape != values.shape or out.dtype != np.float64 or not out.flags.c_contiguous:
            msg = f"out: expected C-contiguous float64 {values.shape}, got {out.dtype} {out.shape}"
            raise ShapeError(msg)
        self.scan_checked(values, tasks, out)

    def scan_checked(
        self, values: Floats, tasks: Ints, out: Floats, looks: Looks = NO_LOOKS
    ) -> None:
        """Do as `scan` with arguments that are known to be right.

        `looks` has an entry for each task, or none: where a change is found in a warm-up, the rest
        of its task is not read.
        """
        while (done := self._scan(values, tasks, out, looks)) < len(tasks):
            tasks, looks = tasks[done:], looks.behind(done)
            self._pieces.widen(len(tasks))
        moved = self._pieces.shrunk()
        if moved is not None:
            last = self._records["last"][: self.size]
            last[:] = moved[last]

    def state(self) -> State:
        """Copy all there is to know; unfinished warm-ups in order of slot."""
        state = super().state()
        held = np.flatnonzero(state["filled"])
        waiting = self._pieces.state(state.pop("last")[held], state["filled"][held])
        return state | {"waiting": waiting}

    def load(self, state: State) -> None:
        """Take the place of the standardiser that made `state`, to the last bit."""
        others = {name: array for name, array in state.items() if name != "waiting"}
        waiting, filled = state.get("waiting"), state.get("filled", np.zeros(0, np.int32))
        last = np.full(filled.shape[:1], -1, np.int32)
        self._check(others | {"last": last})
        if waiting is None or filled.min(initial=0) < 0 or filled.max(initial=0) >= self._warmup:
            msg = "Standardiser: state 'waiting' is missing, or 'filled' is not below the warm-up"
            raise StateError(msg)
        held = np.flatnonzero(filled)
        pieces = ChunkPool(self._warmup)  # a new one: who loads may put the old one back
        number = np.dtype(np.float64)
        if (waiting.dtype, waiting.shape) == (number, (len(held), self._warmup)):
            waiting = pieces.cut(waiting, filled[held])  # a version before saved whole warm-ups
        shape = {"waiting": (number, pieces.shape(filled[held]))}
        check_state("Standardiser", {"waiting": waiting}, shape)
        last[held] = pieces.load(waiting, filled[held])
        super().load(others | {"last": last})
        self._pieces = pieces

    def nbytes(self) -> int:
        """Bytes held, spare room included."""
        return super().nbytes() + self._pieces.nbytes()

    def _scan(self, values: Floats, tasks: Ints, out: Floats, looks: Looks) -> int:
        pool, records = self._pieces.pool, self._records
        return int(kernel.scan(values, tasks, out, records, pool, self._warmup, self._clip, looks))
