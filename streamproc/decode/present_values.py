"""The values of a matrix of which few are present."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.present_kernel import sort_by_series, write_missing, write_present

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SMALL: Final = 256
"""Cells up to which a matrix is not sparse."""
_SPARSE: Final = 4  # cells for each value, from which on it is


class PresentValues(NamedTuple):
    """The present values of a matrix (series, events): compressed sparse rows.

    A model with thousands of features has few of them in each event. What its events cost then
    grows with the values that they have, not with the features that they lack.

    Attributes
    ----------
    starts
        (series + 1,): where the values of each series begin, and the last ones end.
    events
        (values,): event of each value, ascending within a series.
    values
        (values,): the values.

    Examples
    --------
    >>> values = np.full((2, 300), np.nan)
    >>> values[1, 7] = 3.0
    >>> present = compressed(values)
    >>> present.starts.tolist(), present.events.tolist(), present.values.tolist()
    ([0, 0, 1], [7], [3.0])
    """

    starts: Ints
    events: Ints
    values: Floats

    @property
    def series(self) -> Ints:
        """(values,): series of each value."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def missing(self, series: Ints, events: int) -> Floats:
        """Return (series, events): 1 where a value of some series is missing, else 0."""
        found = np.ones((len(series), events))
        write_missing(self.starts, self.events, series, found)
        return found


def is_sparse(present: int, cells: int) -> bool:
    """Whether a matrix is sparse, by its numbers of present values and of cells."""
    return cells > SMALL and present * _SPARSE <= cells


def compressed(values: Floats) -> Floats | PresentValues:
    """Return a matrix (series, events) without its missing values, if it is sparse."""
    if values.size <= SMALL:
        return values
    present = ~np.isnan(values)
    if not is_sparse(int(np.count_nonzero(present)), values.size):
        return values
    return _chosen(values, present)


def present_values(values: Floats) -> PresentValues:
    """Return the present values of a matrix (series, events)."""
    return _chosen(values, ~np.isnan(values))


def _chosen(values: Floats, present: NDArray[np.bool_]) -> PresentValues:
    series, events = np.nonzero(present)
    return sorted_by_series(series, events, values[present], len(values))


def present_of(parts: Sequence[Floats]) -> PresentValues | None:
    """Return the present values of parts (events, series), one behind the other.

    None if they are not sparse.
    """
    width, rows = parts[0].shape[1], sum(map(len, parts))
    if width * rows <= SMALL:
        return None
    most = width * rows // _SPARSE
    series, events, values = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most)
    first = count = 0
    for part in parts:
        count = write_present(part, first, count, series, events, values)
        if count > most:
            return None
        first += len(part)
    return sorted_by_series(series[:count], events[:count], values[:count], width)


def sorted_by_series(series: Ints, events: Ints, values: Floats, width: int) -> PresentValues:
    """Return values of a matrix with `width` series, whose events ascend."""
    found = PresentValues(
        np.empty(width + 1, np.int64), np.empty(len(values), np.int64), np.empty(len(values))
    )
    sort_by_series(series, (events, values), found.starts, found[1:])
    return found
