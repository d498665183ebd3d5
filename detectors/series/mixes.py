"""The mixes that a series of categories has had: one that comes back is not new."""

from types import MappingProxyType

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.slots import State, blank_record, check_scan
from streamproc.detectors.series import mixes_kernel as kernel
from streamproc.detectors.series.category_counts import CategoryDistribution, ShareChange
from streamproc.detectors.slot_arrays import Arrays

MIN_SHARE = 0.05
"""By how much a share has to lie outside of those before: five points."""
DOUBT = 2.0
"""Standard errors of a share that are added to it."""

Found = tuple[int, int, ShareChange]
"""Task, row, and the share of a category before and since it came."""

_BLANK = blank_record(
    {"n": (np.int64, 0), "since": (np.int64, 0), "known": (np.int32, 0), "alarms": (np.int32, 0)}
)


class Mixes(Arrays):
    """Categories of each series, and the range of their shares in the mixes of its alarms.

    Shares that turn with the hours, or with who is awake, alarm at each turn. The first alarm of
    a series counts; a later one does where a share lies outside of all before by `MIN_SHARE`,
    beyond what chance explains. A category that comes in 1 % of events after 2,000 without it is a
    finding, unless the series has more categories than are remembered.

    Parameters
    ----------
    size
        Number of slots.

    Notes
    -----
    A slot holds 920 bytes.
    """

    def __init__(self, size: int = 0) -> None:
        kinds = {
            "keys": np.float64,
            "low": np.float32,
            "high": np.float32,
            "counts": np.int32,
            "firsts": np.int64,
        }
        wide = {name: (kind, (kernel.PLACES,)) for name, kind in kinds.items()}
        super().__init__(_BLANK, size, wide)

    def blank(self, size: int) -> "Mixes":
        """Return one with `size` slots as good as new."""
        return Mixes(size)

    def since(self, slots: Ints) -> Ints:
        """Count the values of slots since the last alarm or finding that counted."""
        found: Ints = self._records["since"][slots]
        return found

    def scan(self, values: Floats, tasks: Ints, places: tuple[Floats, Ints]) -> list[Found]:
        """Feed stretches of columns to slots; returns each new category.

        Parameters
        ----------
        values, tasks
            As of `Watch.scan`.
        places
            Time and offset of each row.
        """
        found: list[Found] = []
        check_scan(self.size, values, tasks)
        wide, number, todo = self._wide, np.arange(len(tasks)), tasks
        while len(todo):
            row, place = (np.empty(len(todo), np.int64) for _ in range(2))
            arrays = wide["keys"], wide["counts"], wide["firsts"]
            kernel.scan(values, todo, self._records, arrays, row, place)
            hit = np.flatnonzero(row >= 0)
            for k in hit.tolist():
                change = self._new(int(todo[k, 3]), int(place[k]), int(row[k]), places)
                found.append((int(number[k]), int(row[k]), change))
            todo, number = todo[hit], number[hit]
            todo[:, 1] = row[hit] + 1
        return found

    def alarm(self, slot: int, change: ShareChange) -> bool:
        """Remember an alarm's mixes; returns whether they are like those before."""
        usual = int(self._records["alarms"][slot]) > 0 and not self._is_new(slot, change.after)
        for mix in (change.before, change.after):
            self._remember(slot, mix)
        return usual

    def counted(self, slot: int, later: int) -> None:
        """Note that an alarm or finding counted, and how many values came later."""
        self._records["since"][slot] = min(later, int(self._records["since"][slot]))

    def state(self, used: int | None = None) -> State:
        """Copy all there is to know of the first `used` slots, or of all."""
        return {name: array[:used] for name, array in super().state().items()}

    def _new(self, slot: int, place: int, row: int, places: tuple[Floats, Ints]) -> ShareChange:
        key = float(self._wide["keys"][slot, place])
        first = int(self._wide["firsts"][slot, place])
        n = int(self._records["n"][slot]) - first + 1
        share = int(self._wide["counts"][slot, place]) / n
        before = CategoryDistribution(first - 1, MappingProxyType({key: 0.0}), 1.0)
        after = CategoryDistribution(n, MappingProxyType({key: share}), 1.0 - share)
        ts, offsets = places
        return ShareChange(before, after, ts=float(ts[row]), offset=int(offsets[row]))

    def _is_new(self, slot: int, mix: CategoryDistribution) -> bool:
        places = self._places(slot)
        for key, share in mix.shares.items():
            k = places.get(float(key))
            low = float(self._wide["low"][slot][k]) if k is not None else 0.0
            high = float(self._wide["high"][slot][k]) if k is not None else 0.0
            near = MIN_SHARE + DOUBT * np.sqrt(share * (1.0 - share) / max(mix.n, 1))
            if not low - near <= share <= high + near:
                return True
        return False

    def _remember(self, slot: int, mix: CategoryDistribution) -> None:
        places, low, high = self._places(slot), self._wide["low"][slot], self._wide["high"][slot]
        first = int(self._records["alarms"][slot]) == 0
        for key, share in mix.shares.items():
            k = places.get(float(key))
            if k is not None:
                low[k] = share if first else min(low[k], share)
                high[k] = share if first else max(high[k], share)
        self._records["alarms"][slot] = min(int(self._records["alarms"][slot]) + 1, 2**30)

    def _places(self, slot: int) -> dict[float, int]:
        known = int(self._records["known"][slot])
        return {float(key): k for k, key in enumerate(self._wide["keys"][slot][:known])}

    def _check_ranges(self, state: State) -> None:
        self._refuse_outside(state, {"known": (0, kernel.PLACES)})
