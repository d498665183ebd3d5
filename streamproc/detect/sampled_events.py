"""Sample the events of each model by their number, for what cannot be read of every event."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.layout import Layout
from streamproc.decode.matrix import Matrix
from streamproc.detectors.runtime.jit import compiled

Ints = NDArray[np.int64]

EVERY: Final = 64
"""Events of a model from one that is sampled to the next."""


@compiled
def columns_of(runs: Ints, events: Ints, every: int, found: Ints) -> int:
    """Find the events whose number within their model is a multiple.

    Parameters
    ----------
    runs
        (models, 3): row in the layout, first event, event after the last.
    events
        Number of events of each row before.
    every
        Events from one multiple to the next.
    found
        (events, 2): row and column of each; written.

    Returns
    -------
    int
        How many there are.
    """
    count = 0
    for run in range(len(runs)):
        row, start, stop = runs[run]
        for column in range(start + every - 1 - events[row] % every, stop, every):
            found[count, 0] = row
            found[count, 1] = column
            count += 1
    return count


def sampled(layout: Layout, data: Matrix) -> Iterator[tuple[str, int]]:
    """Yield model id and column of each sampled event; they are not counted by the layout yet.

    Which events are sampled depends on their number only, and not on how the log was split.
    """
    found = np.empty((len(data.ts), 2), np.int64)
    count = columns_of(data.runs, layout.events, EVERY, found)
    for row, column in found[:count].tolist():
        yield layout.model(row).id, column
