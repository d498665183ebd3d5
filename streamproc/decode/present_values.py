"""The values of a matrix of which few are present."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.present_kernel import count_by_series, write_missing, write_present

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


def compressed(values: Floats) -> Floats | PresentValues:
    """Return a matrix (series, events) without its missing values, if it is sparse."""
    if values.size <= SMALL:
        return values
    found = present_values(values)
    return values if len(found.values) * _SPARSE > values.size else found


def present_values(values: Floats) -> PresentValues:
    """Return the present values of a matrix (series, events)."""
    present = ~np.isnan(values)
    counts = np.count_nonzero(present, axis=1)
    return PresentValues(_starts(counts), np.nonzero(present)[1], values[present])


def present_of(parts: Sequence[Floats]) -> PresentValues | None:
    """Return the present values of parts (events, series), one behind the other.

    None if they are not sparse.
    """
    series, count = parts[0].shape[1], sum(map(len, parts))
    if series * count <= SMALL:
        return None
    counts, left = np.zeros(series, np.int64), series * count // _SPARSE
    for part in parts:
        left -= count_by_series(part, left, counts)
        if left < 0:
            return None
    starts = _starts(counts)
    ends = starts[:-1].copy()
    values, events = np.empty(starts[-1]), np.empty(starts[-1], np.int64)
    first = 0
    for part in parts:
        write_present(part, first, ends, values, events)
        first += len(part)
    return PresentValues(starts, events, values)


def _starts(counts: Ints) -> Ints:
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts
