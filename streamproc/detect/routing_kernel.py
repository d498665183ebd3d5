"""Make the inputs of detectors from the runs of models (compiled)."""

import numpy as np
from numpy.typing import NDArray

from detectors.runtime.jit import compiled

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
def gather_present(
    values: Floats,
    tasks: Ints,
    present: Floats,
    columns: Ints,
    events: Ints,
    fed: Ints,
) -> tuple[int, int]:
    """Copy the values of tasks that are not missing, one task after another.

    Parameters
    ----------
    values
        (series, events).
    tasks
        (k, 4): row of `values`, first event, event after the last, slot.
    present, columns, events
        Written: each value, with its row and column in `values`.
    fed
        Written: the tasks with any value, on `present` as a matrix of one row.

    Returns
    -------
    tuple of int
        Number of values and of tasks.
    """
    count, left = 0, 0
    for task in range(len(tasks)):
        column, first = tasks[task, 0], count
        for event in range(tasks[task, 1], tasks[task, 2]):
            value = values[column, event]
            if not np.isnan(value):
                present[count], columns[count], events[count] = value, column, event
                count += 1
        if count > first:
            fed[left, 0], fed[left, 3] = 0, tasks[task, 3]
            fed[left, 1], fed[left, 2] = first, count
            left += 1
    return count, left


@compiled
def missing_shares(
    values: Floats,
    columns: Ints,
    begins: Ints,
    span: tuple[int, int, int],
    block: int,
    counts: Ints,
    shares: Floats,
) -> None:
    """Summarise blocks of events by the share of events without each feature.

    Parameters
    ----------
    values
        (series, events).
    columns, begins
        Row of each feature in `values`, and its first event that is not summarised yet.
    span
        First event of the model, event after the last, and number of the model's events before.
    block
        Events of a block.
    counts
        (features,): number of events with the feature in the block that is not complete, negative
        until its first block begins; updated.
    shares
        (features, complete blocks), NaN on entry; written where a feature's whole block is known.
    """
    start, stop, before = span
    for each in range(len(columns)):
        column, count, event = columns[each], counts[each], begins[each]
        while event < stop:
            behind = before + event - start
            if count < 0 and behind % block == 0:
                count = 0
            end = event + block - behind % block
            if count >= 0:
                for at in range(event, min(end, stop)):
                    count += not np.isnan(values[column, at])
                if end <= stop:
                    shares[each, behind // block - before // block] = 1.0 - count / block
                    count = 0
            event = end
        counts[each] = count
