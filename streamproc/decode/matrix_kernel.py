"""Arrange the decoded columns of a small slice by model (compiled)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.jit import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MAX_SORTED: Final = 64
"""Events up to which an insertion sort beats numpy's calls."""


@compiled
def arrange(
    events: tuple[Ints, Floats, Ints, Floats],
    place_bits: int,
    values: Floats,
    ts: Floats,
    places: Ints,
    order: Ints,
    runs: Ints,
) -> int:
    """Group events by the row of their model, in log order within each.

    Parameters
    ----------
    events
        Rows, times, positions and values, as of `DecodedColumns`.
    place_bits
        Bits by which a position is shifted to get its sort key.
    values, ts, places, order, runs
        Written, as of `Matrix`; there is room for one run an event.

    Returns
    -------
    int
        Number of runs.
    """
    rows, times, positions, by_event = events
    count, series = by_event.shape
    models = 0
    for each in range(count):
        at = each
        while at > 0 and rows[order[at - 1]] > rows[each]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = each
    for at in range(count):
        each = order[at]
        ts[at], places[at] = times[each], positions[each] << place_bits
        for column in range(series):
            values[column, at] = by_event[each, column]
        if at == 0 or rows[each] != runs[models - 1, 0]:
            runs[models, 0], runs[models, 1] = rows[each], at
            models += 1
        runs[models - 1, 2] = at + 1
    return models
