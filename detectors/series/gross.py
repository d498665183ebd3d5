"""Gross changes that need no model of a series, and whether its values depend on each other."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.slots import Slots, State, blank_record, check_scan, check_state
from streamproc.detectors.series import gross_kernel as kernel
from streamproc.detectors.series.change_points import Moments

_BLANK = blank_record(
    {
        "n": (np.int64, 0),
        "since": (np.int64, 0),
        "alarmed": (np.int64, 0),
        "last": (np.float64, np.nan),
        "low": (np.float64, 0.0),
        "high": (np.float64, 0.0),
        "mean": (np.float64, 0.0),
        "square": (np.float64, 0.0),
        "centre": (np.float64, 0.0),
        "lowest": (np.float64, np.inf),
        "highest": (np.float64, -np.inf),
        "far_low": (np.float64, 0.0),
        "far_high": (np.float64, 0.0),
        "far_sum": (np.float64, 0.0),
        "began": (np.float64, 0.0),
        "flicker": (np.float64, 0.0),
        "flickered": (np.float64, 0.0),
        "first": (np.int64, 0),
        "ones": (np.int64, 0),
        "repeats": (np.int64, 0),
        "breaks": (np.int64, 0),
        "run": (np.int64, 0),
        "longest": (np.int64, 0),
        "beyond": (np.int32, 0),
        "counted": (np.int32, 0),
        "above": (np.int32, 0),
        "runs": (np.int32, 0),
        "recurred": (np.int32, 0),
        "flicker_n": (np.int32, 0),
        "flicker_ones": (np.int32, 0),
        "climbs": (np.int32, 0),
        "place": (np.int32, -1),
        "seen": (np.uint16, 0),
        "left": (np.uint16, 0),
        "grid_from": (np.float32, 0.0),
        "finer_sum": (np.float32, 0.0),
        "grid_n": (np.uint16, 0),
        "finer_n": (np.uint16, 0),
        "finer_longest": (np.uint16, 0),
        "decimals": (np.uint8, 0),
        "finest": (np.uint8, 0),
        "lower": (np.uint8, 0),
        "finer": (np.bool_, False),
        "was_above": (np.bool_, False),
        "new": (np.bool_, False),
        "reported": (np.bool_, False),
        "dependent": (np.bool_, False),
        "retained": (np.bool_, False),
    }
)
_ADDED = (
    ("flicker", "flickered", "ones", "flicker_n", "flicker_ones", "climbs"),
    ("new",),
    (
        *("seen", "left", "grid_from", "grid_n", "decimals", "lower"),
        *("finest", "finer", "finer_n", "finer_longest", "finer_sum"),
    ),
)
"""Fields that versions before did not have, by version."""
DOUBT = 2.0
"""Standard errors of a level that are added to it."""
NEAR = 0.25
"""Deviations by which a level may lie outside of those before to be one of them."""


class Found(NamedTuple):
    """The first finding of each task; `code` of the kernel, `summary` as its `scan` says."""

    row: Ints
    code: Ints
    summary: Floats


class Gross(Slots):
    """Range, decimals, runs of one value and serial dependence of each series, all its life.

    Parameters
    ----------
    size
        Number of slots.

    Notes
    -----
    What a detector's alarm makes it forget is retained here, so a series is watched while its unit
    is learned and while it is learned again. A slot holds 248 bytes.

    References
    ----------
    A. Wald, J. Wolfowitz, "On a Test Whether Two Samples are from the Same
    Population", Annals of Mathematical Statistics 11, 1940.
    """

    def __init__(self, size: int = 0) -> None:
        super().__init__(_BLANK, size)

    @property
    def dependent(self) -> NDArray[np.bool_]:
        """(size,): whether values depend on each other; a view."""
        view: NDArray[np.bool_] = self._records["dependent"][: self.size]
        return view

    @property
    def retained(self) -> NDArray[np.bool_]:
        """(size,): whether a rhythm is retained; a view."""
        view: NDArray[np.bool_] = self._records["retained"][: self.size]
        return view

    @property
    def place(self) -> NDArray[np.int32]:
        """(size,): where each series' rhythm is, -1 for those that have none; a view."""
        view: NDArray[np.int32] = self._records["place"][: self.size]
        return view

    @property
    def since(self) -> Ints:
        """(size,): non-missing values since what was last reported; a view."""
        view: Ints = self._records["since"][: self.size]
        return view

    def finer(self, slot: int) -> bool:
        """Whether values of a slot have more decimals since a finding, and not less again."""
        return bool(self._records[slot]["finer"])

    def recent(self, slot: int) -> Moments:
        """Return the exponentially weighted level over `kernel.MEMORY` values."""
        record = self._records[slot]
        n = min(int(record["n"]), kernel.MEMORY)
        return Moments(n, float(record["mean"]), math.sqrt(max(float(record["square"]), 0.0)))

    def scan(self, values: Floats, tasks: Ints, ts: Floats) -> Found:
        """Feed every task until its first finding.

        Parameters
        ----------
        values
            float64 (columns, rows), C-contiguous; NaN is missing, the rest finite.
        tasks
            int64 (tasks, 4): column, start, stop, slot.
        ts
            float64 (rows,): event time of each row.
        """
        check_scan(self.size, values, tasks)
        return self.scan_checked(values, tasks, ts)

    def scan_checked(self, values: Floats, tasks: Ints, ts: Floats) -> Found:
        """Do as `scan` with arguments that are known to be right."""
        row, code = np.empty((2, len(tasks)), np.int64)
        summary = np.zeros((len(tasks), 6))
        kernel.scan(values, ts, tasks, self._records, row, code, summary)
        return Found(row, code, summary)

    def alarm(self, slot: int, before: Moments, after: Moments) -> bool:
        """Count an alarm of a detector; returns whether the series is dependent by now.

        Its level recurs when it has been between the levels of earlier alarms, as far as the
        values since the change can tell. So it does when it goes from one constant to another
        again: a number that stays for hours is not a sample of independent values.

        Parameters
        ----------
        slot
            The series.
        before, after
            Its values before and after the change.
        """
        record = self._records[slot]
        record["alarmed"] = record["n"]
        if record["dependent"]:
            return True
        low, high = float(record["lowest"]), float(record["highest"])
        near = (NEAR + DOUBT / math.sqrt(max(after.n, 1))) * max(after.std, before.std)
        constant = low <= high and before.std == after.std == 0.0
        recurs = low - near <= after.mean <= high + near
        record["recurred"] += kernel.RECURRING if constant else recurs
        record["lowest"] = min(low, before.mean, after.mean)
        record["highest"] = max(high, before.mean, after.mean)
        record["counted"] = 0
        kernel.absorb(record)
        record["dependent"] = record["recurred"] >= kernel.RECURRING
        if not record["dependent"]:
            record["since"] = 0
        return bool(record["dependent"])

    def state(self) -> State:
        """Copy all there is to know but places, which are another's."""
        return {name: array for name, array in super().state().items() if name != "place"}

    def load(self, state: State) -> None:
        """Take the place of the one that made `state`; places are -1.

        A version that did not count something wrote none of its fields in `_ADDED`.
        """
        size = len(next(iter(state.values()), ()))
        for added in _ADDED:
            if not state.keys() & set(added):
                state = state | {name: np.repeat(_BLANK[name][None], size) for name in added}
        expected = {
            name: (_BLANK.dtype[name].base, (-1,)) for name in self._fields() if name != "place"
        }
        check_state("Gross", state, expected)
        super().load(state | {"place": np.full(size, -1, np.int32)})
