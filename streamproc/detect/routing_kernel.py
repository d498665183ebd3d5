"""Make the inputs of detectors from the runs of models (compiled)."""

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.jit import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@compiled
def write_tasks(runs: Ints, columns: Ints, slots: Ints, unwatched: int, tasks: Ints) -> int:
    """Write the tasks of some columns, run by run: column, first event, stop, slot.

    Parameters
    ----------
    runs
        (models, 3): row in the layout, first event, event after the last.
    columns
        Columns of the series.
    slots
        (rows, columns): slot of each series.
    unwatched
        Slot of series that have none.
    tasks
        Written; there is room for one task for each run and column.

    Returns
    -------
    int
        Number of tasks.
    """
    count = 0
    for run in range(len(runs)):
        row = runs[run, 0]
        for column in columns:
            slot = slots[row, column]
            if slot != unwatched:
                tasks[count, 0], tasks[count, 3] = column, slot
                tasks[count, 1], tasks[count, 2] = runs[run, 1], runs[run, 2]
                count += 1
    return count


@compiled
def is_complete(values: Floats, features: int, runs: Ints, quality: Ints, unwatched: int) -> bool:
    """Whether no feature is missing, and no missing-value series of these models exists."""
    for column in range(features):
        for run in range(len(runs)):
            if quality[runs[run, 0], column] != unwatched:
                return False
        for event in range(values.shape[1]):
            if np.isnan(values[column, event]):
                return False
    return True


@compiled
def find_gaps(
    values: Floats, stops: Ints, begins: Ints, known: NDArray[np.bool_], gaps: Ints
) -> None:
    """Do as `present_kernel.find_gaps` with a matrix (series, events).

    `known`: (runs, features), whose gaps do not matter.
    """
    for feature in range(begins.shape[1]):
        for run in range(len(stops)):
            gaps[run, feature] = -1
            if not known[run, feature]:
                for event in range(begins[run, feature], stops[run]):
                    if np.isnan(values[feature, event]):
                        gaps[run, feature] = event
                        break
