"""Rhythm: the daily and weekly profile of dependent series, and what does not follow it."""

from dataclasses import dataclass

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.slots import State, blank_record, check_scan
from streamproc.detectors.series import farthest_kernel as farthest
from streamproc.detectors.series import rhythm_kernel as kernel
from streamproc.detectors.series.phase_kernel import FLOOR, HOURS, NORMAL, WEEK
from streamproc.detectors.slot_arrays import Arrays

_BLANK = blank_record(
    {
        "n": (np.float64, 0.0),
        "origin": (np.float64, 0.0),
        "unit": (np.float64, 0.0),
        "began": (np.float64, 0.0),
        "last": (np.float64, 0.0),
        "muted": (np.float64, -np.inf),
        "pace": (np.float64, 0.0),
        "middle": (np.float64, 0.0),
        "swings": (np.float64, 0.0),
        "residual": (np.float64, 0.0),
        "errors": (np.float64, 0.0),
        "residuals": (np.float64, 0.0),
        "products": (np.float64, 0.0),
        "squares": (np.float64, 1e-9),
        "followed": (np.float64, 0.0),
        "expected": (np.float64, 0.0),
        "seen": (np.float64, 0.0),
        "season": (np.float64, 0.0),
        "worst": (np.float64, 0.0),
        "limit": (np.float64, 0.0),
        "off": (np.float64, 0.0),
        "total": (np.float64, 0.0),
        "lowest": (np.float64, 0.0),
        "within": (np.float64, 0.0),
        "second": (np.float64, 0.0),
        "hourly": (np.float64, 0.0),
        "hourly_before": (np.float64, 0.0),
        "hourly_sum": (np.float64, 0.0),
        "hourly_n": (np.float64, 0.0),
        "hourly_season": (np.float64, 0.0),
        "hourly_residual": (np.float64, 0.0),
        "hourly_products": (np.float64, 0.0),
        "hourly_squares": (np.float64, 1e-9),
        "hourly_errors": (np.float64, 0.0),
        "hours": (np.float64, 0.0),
        "shifted": (np.float64, 0.0),
        "weekly_n": (np.float32, 0.0),
        "weekly_products": (np.float32, 0.0),
        "weekly_squares": (np.float32, 0.0),
        "statistics": ((np.float32, (kernel.STATISTICS,)), 0.0),
        "filled": ((np.float32, (kernel.STATISTICS,)), 0.0),
        "compared": ((np.float32, (kernel.STATISTICS,)), 0.0),
        "blocks": ((np.uint8, (kernel.STATISTICS,)), 0),
        "hour": (np.int32, -1),
        "shift": (np.int32, 0),
    }
)
_MARK = (0.0, 0.0, 0.0, 0.0, -np.inf, np.inf, -np.inf, np.inf, 0.0, 0.0, 0.0, 0.0)
_ADDED = (
    *("hourly", "hourly_before", "hourly_sum", "hourly_n", "hourly_season", "hourly_residual"),
    *("hourly_products", "hourly_squares", "hourly_errors", "hours", "shifted", "shift"),
    *("second", "limit", "off", "total", "lowest"),
)
"""Fields that earlier versions did not write."""
_LATER = ("weekly_n", "weekly_products", "weekly_squares")
"""The same of versions that had all statistics."""
_EARLIER = (7, 8)
"""Statistics of versions without that of shifted hours, or of the part of a profile."""
_ABSENT = 0.5
"""Part of the daily profile that is not there, from which on it is not followed."""
_SEASONAL = 0.25
"""Variance of a profile at least, as a part of that of errors: a smaller one hides in a day."""
_WITHOUT_BLOCKS = 8
"""Fields of marks of versions that did not know how far blocks differ."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first finding of each task; `which` statistic, `summary` as the kernel's `scan` says."""

    row: Ints
    which: Ints
    summary: Floats


class Rhythm(Arrays):
    """Compares each value of a dependent series with its hour, its past and its own record.

    A value is forecast from the mean of its hour of the day and of the week, and from how far
    the value before was from that (autoregression of order 1). Nine statistics of the errors
    are each compared with the farthest that they have gone in this series before, in blocks of
    some days: a finding goes as far beyond as comes once in ``e**RARITY`` times as many blocks, by
    a Gumbel distribution of the farthest of a block; 1.25 times as far at least, `MAX_MULTIPLE`
    times at most. So little is assumed of the errors' distribution or dependence, only that the
    future is not far worse than the past.

    Parameters
    ----------
    size
        Number of slots.

    Notes
    -----
    It needs event time. Profiles take errors of no more than three of their deviations, so a
    broken unit is not learned within days. Nothing is found in the first days: twice
    `kernel.LEARN` days of hourly values, two of fast ones. A slot holds 2.1 kB.

    References
    ----------
    S. Gelper, R. Fried, C. Croux, "Robust Forecasting with Exponential and
    Holt-Winters Smoothing", Journal of Forecasting 29, 2010. E. J. Gumbel, "Statistics of
    Extremes", Columbia University Press, 1958.
    """

    def __init__(self, size: int = 0) -> None:
        super().__init__(
            _BLANK,
            size,
            {
                "daily": (np.float32, (HOURS, 2)),
                "weekly": (np.float32, (WEEK,)),
                "visits": (np.uint8, (WEEK + HOURS,)),
                "ring": (np.float32, (kernel.LAGS + 1,)),
                "marks": (np.float32, (kernel.STATISTICS, len(_MARK))),
                "sums": (np.float32, (HOURS,)),
            },
        )

    def resize(self, size: int) -> None:
        """Grow to `size` slots; new ones are blank. A smaller size changes nothing."""
        before = self.size
        super().resize(size)
        self._wide["marks"][before : self.size] = _MARK

    def reset(self, slots: Ints) -> None:
        """Make slots as good as new."""
        super().reset(slots)
        self._wide["marks"][slots] = _MARK

    def scan(self, values: Floats, tasks: Ints, ts: Floats) -> Broken:
        """Feed every task until its first finding; values without a time are passed over."""
        check_scan(self.size, values, tasks)
        row, which = (np.empty(len(tasks), np.int64) for _ in range(2))
        summary = np.zeros((len(tasks), kernel.SUMMARY))
        wide = self._wide
        names = ("daily", "weekly", "visits", "ring", "marks", "sums")
        arrays = tuple(wide[name] for name in names)
        kernel.scan(values, ts, tasks, self._records, arrays, row, which, summary)
        return Broken(row, which, summary)

    def profile(self, place: int) -> tuple[float, ...]:
        """Return the profile of each hour of the day of a slot that has seen different values."""
        found = np.empty(HOURS)
        daily, visits = self._wide["daily"][place], self._wide["visits"][place]
        kernel.day_of(self._records[place], daily, visits, found)
        return tuple(found.tolist())

    def strays(self, place: int) -> bool:
        """Whether the last days of a slot do not follow its profile: late or early, or hardly."""
        record = self._records[place]
        season, noise = float(record["swings"]), (NORMAL * float(record["residuals"])) ** 2
        absent = record["followed"] < -_ABSENT * record["expected"] and season > _SEASONAL * noise
        return bool(absent or record["shifted"] >= FLOOR)

    def rows(self, places: Ints) -> State:
        """Copy what is known of some slots, in this order."""
        return {name: array[places] for name, array in self.state().items()}

    def load(self, state: State) -> None:
        """Take the place of the one that made `state`, to the last bit.

        Versions that lacked a statistic wrote none of its fields, those that did not know how far
        blocks differ wrote marks without that.
        """
        if "n" in state and not state.keys() & set(_LATER):
            size = len(state["n"])
            state = state | {name: np.repeat(_BLANK[name][None], size, axis=0) for name in _LATER}
        super().load(_upgraded(state))

    def _check_ranges(self, state: State) -> None:
        self._refuse_outside(state, {"hour": (-1, WEEK - 1), "shift": (0, HOURS - 1)})
        if not np.isfinite(state["n"]).all():
            self._refuse_outside({"n": state["n"]}, {"n": (0, 2**53)})


def _upgraded(state: State) -> State:
    """Add what the state of an earlier version lacks: statistics, and how far blocks differ.

    How far they differ is taken to be as much as makes the limits the widest ones.
    """
    statistics, marks = state.get("statistics"), state.get("marks")
    if statistics is None or marks is None or statistics.ndim != 2 or marks.ndim != 3:
        return state
    if statistics.shape[1] not in _EARLIER or marks.shape[2] != _WITHOUT_BLOCKS:
        return state
    size, lacking = len(statistics), kernel.STATISTICS - statistics.shape[1]
    added = {name: np.repeat(_BLANK[name][None], size) for name in _ADDED if name not in state}
    for name in ("statistics", "filled", "compared", "blocks"):
        blank = np.zeros((size, lacking), state[name].dtype)
        added[name] = np.concatenate([state[name], blank], axis=1)
    up = marks[:, :, farthest.HIGH] - marks[:, :, farthest.CENTRE]
    down = marks[:, :, farthest.CENTRE] - marks[:, :, farthest.LOW]
    none = np.zeros_like(up)
    known = np.concatenate([marks, np.stack([none, up * up, none, down * down], axis=2)], axis=2)
    blank = np.broadcast_to(np.array(_MARK, np.float32), (size, lacking, len(_MARK)))
    added["marks"] = np.concatenate([known.astype(np.float32), blank], axis=1)
    added["sums"] = state.get("sums", np.zeros((size, HOURS), np.float32))
    return state | added
