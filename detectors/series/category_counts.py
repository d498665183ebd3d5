"""Where the shares of categories changed, and how they were before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.errors import ParameterError, StateError
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.slots import State, blank_record, check_scan
from streamproc.detectors.series import category_counts_kernel as kernel
from streamproc.detectors.slot_arrays import Arrays

_BLANK = blank_record({"n": (np.int64, 0), "cursor": (np.int32, 0), "known": (np.int32, 0)})


@dataclass(frozen=True, slots=True)
class CategoryDistribution:
    """A stretch of a series of categories.

    Attributes
    ----------
    n
        Number of values.
    shares
        Category → its share of them, 0 … 1; in order of first sight.
    rest
        Share of the categories that have no separate place.
    """

    n: int
    shares: Mapping[float, float]
    rest: float


@dataclass(frozen=True, slots=True)
class ShareChange:
    """Where shares most likely changed.

    Attributes
    ----------
    before, after
        The values up to the change since the last reset, and those since; the same
        categories in both.
    ts, offset
        Coordinates of the first row after the change.
    """

    before: CategoryDistribution
    after: CategoryDistribution
    ts: float
    offset: int


class CategoryCounts(Arrays):
    """Counts the categories of each series, and remembers the order of the last values.

    Parameters
    ----------
    size
        Number of slots.
    cap
        Categories with a separate place, 1 … 255: the first ones.
    span
        Last values that a change can lie in, 1 or more; rounded up to a multiple of 8.

    Notes
    -----
    A slot holds 24 bytes, 16 a category, 1 a value of the span, and 2 more for its time and
    offset: a change begins at one of every eighth value, which is precise enough to say
    since when. With the defaults of `chi2` that is 1.1 kB.
    """

    def __init__(self, size: int = 0, *, cap: int = 32, span: int = 200) -> None:
        if not 1 <= cap <= 255 or span < 1:
            msg = f"cap: expected 1 … 255, got {cap}; span: 1 or more, got {span}"
            raise ParameterError(msg)
        marks = -(-span // kernel.EVERY)
        wide: dict[str, tuple[Any, tuple[int, ...]]] = {
            "keys": (np.float64, (cap,)),
            "counts": (np.int64, (cap + 1,)),
            "ring": (np.uint8, (marks * kernel.EVERY,)),
            "mark_ts": (np.float64, (marks,)),
            "mark_offsets": (np.int64, (marks,)),
        }
        super().__init__(_BLANK, size, wide)

    def count(self, slots: Ints) -> Ints:
        """Count the non-missing values of slots since their last reset."""
        return self._records["n"][slots].astype(np.int64)

    def scan(
        self, values: Floats, standardised: Floats, tasks: Ints, ts: Floats, offsets: Ints
    ) -> None:
        """Feed stretches of columns; as `ChangePoints.scan`, but for the unit, which is none."""
        check_scan(self.size, values, tasks)
        self.scan_checked(values, standardised, tasks, ts, offsets)

    def scan_checked(
        self, values: Floats, _standardised: Floats, tasks: Ints, ts: Floats, offsets: Ints
    ) -> None:
        """Do as `scan` with arguments that are known to be right."""
        wide = self._wide
        arrays = wide["keys"], wide["counts"], wide["ring"], wide["mark_ts"], wide["mark_offsets"]
        kernel.scan(values, tasks, ts, offsets, self._records, arrays)

    def change(self, slot: int) -> ShareChange:
        """Tell the likeliest change of a slot within its last values.

        Parameters
        ----------
        slot
            Its number. It must have had a value.

        Returns
        -------
        ShareChange
            The split of all values since the last reset with the largest likelihood ratio.
        """
        record, counts, ring = self._records[slot], self._wide["counts"][slot], self._ring(slot)
        held = min(int(record["n"]), len(ring))
        places = (int(record["cursor"]) - held + np.arange(held)) % len(ring)
        starts = np.flatnonzero(places % kernel.EVERY == 0)
        if len(starts) > 1 and held == int(record["n"]):
            starts = starts[1:]  # before the first value of all there is nothing to compare with
        shown = np.zeros((held + 1, len(counts)), np.int64)
        shown[np.arange(held), ring[places]] = 1
        after = shown[::-1].cumsum(axis=0)[::-1][starts]
        best = int(np.argmax(_likelihood(counts - after) + _likelihood(after)))
        mark = int(places[starts[best]]) // kernel.EVERY
        return ShareChange(
            before=self._mix(slot, counts - after[best]),
            after=self._mix(slot, after[best]),
            ts=float(self._wide["mark_ts"][slot, mark]),
            offset=int(self._wide["mark_offsets"][slot, mark]),
        )

    def level(self, slot: int) -> CategoryDistribution:
        """Tell the shares of a slot since its last reset."""
        return self._mix(slot, self._wide["counts"][slot])

    def means(self, slots: Ints) -> Floats:
        """Return NaN for each slot: the numbers of categories have no mean."""
        return np.full(len(slots), np.nan)

    def keys(self) -> Floats:
        """All categories that have a place in some slot, in ascending order."""
        held = np.arange(self._wide["keys"].shape[1]) < self._records["known"][:, None]
        found: Floats = np.unique(self._wide["keys"][: self.size][held[: self.size]])
        return found

    def _check_ranges(self, state: State) -> None:
        span, cap = self._wide["ring"].shape[1], self._wide["keys"].shape[1]
        limits = {"cursor": (0, span - 1), "known": (0, cap), "ring": (0, cap)}
        self._refuse_outside(state, limits)
        if (state["counts"] < 0).any() or (state["counts"].sum(axis=1) != state["n"]).any():
            msg = "CategoryCounts: state 'counts' and 'n' do not fit together"
            raise StateError(msg)

    def _ring(self, slot: int) -> NDArray[Any]:
        ring: NDArray[Any] = self._wide["ring"][slot]
        return ring

    def _mix(self, slot: int, counts: Ints) -> CategoryDistribution:
        n, known = int(counts.sum()), int(self._records["known"][slot])
        parts = (counts / max(n, 1)).tolist()
        keys = self._wide["keys"][slot, :known].tolist()
        shares = dict(zip(keys, parts[:known], strict=True))
        return CategoryDistribution(n, MappingProxyType(shares), parts[-1])


def _likelihood(counts: Ints) -> Floats:
    """Logarithm of the largest likelihood of counts, a row each."""
    sums = counts.sum(axis=1)
    each: Floats = (counts * np.log(np.maximum(counts, 1))).sum(axis=1)
    best: Floats = each - sums * np.log(np.maximum(sums, 1))
    return best
