"""Read the present values of a sparse matrix (compiled).

`starts`, `events` and `values` are those of `PresentValues`.
"""

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.jit import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@compiled
def write_present(
    rows: Floats, first: int, count: int, series: Ints, events: Ints, values: Floats
) -> int:
    """Write what is present of rows (events, series), from place `count` on, in their order.

    Parameters
    ----------
    first
        Event of the first row.
    series, events, values
        Written; what they have no room for is not.

    Returns
    -------
    int
        Number of values written so far; more than there is room for if there is more.
    """
    for row in range(len(rows)):
        for column in range(rows.shape[1]):
            value = rows[row, column]
            if not np.isnan(value):
                if count == len(values):
                    return count + 1
                series[count], events[count], values[count] = column, first + row, value
                count += 1
    return count


@compiled
def sort_by_series(
    series: Ints, of: tuple[Ints, Floats], starts: Ints, sorted_of: tuple[Ints, Floats]
) -> None:
    """Sort values by series, those of each in the order in which they are.

    Parameters
    ----------
    series
        (values,): series of each value.
    of
        Event of each value, and the value.
    starts
        (series + 1,): written, where the values of each series begin.
    sorted_of
        As `of`: written.
    """
    starts[:] = 0
    for each in series:
        starts[each + 1] += 1
    for each in range(1, len(starts)):
        starts[each] += starts[each - 1]
    ends = starts.copy()
    for place in range(len(series)):
        at = ends[series[place]]
        sorted_of[0][at], sorted_of[1][at] = of[0][place], of[1][place]
        ends[series[place]] += 1


@compiled
def find(events: Ints, first: int, last: int, event: int) -> int:
    """Return the first place from `first` to `last` whose event is this or a later one."""
    while first < last:
        middle = (first + last) // 2
        if events[middle] < event:
            first = middle + 1
        else:
            last = middle
    return first


@compiled
def write_tasks_of_present(starts: Ints, events: Ints, tasks: Ints, found: Ints) -> int:
    """Write those tasks that have any values, as tasks on all values as a matrix of one row.

    Parameters
    ----------
    tasks
        (k, 4): series, first event, event after the last, slot.
    found
        (k, 4): written.

    Returns
    -------
    int
        Number of these tasks.
    """
    left = 0
    for task in range(len(tasks)):
        series = tasks[task, 0]
        last = starts[series + 1]
        first = find(events, starts[series], last, tasks[task, 1])
        stop = find(events, first, last, tasks[task, 2])
        if first < stop:
            found[left, 0], found[left, 1], found[left, 2] = 0, first, stop
            found[left, 3] = tasks[task, 3]
            left += 1
    return left


@compiled
def count_between(
    starts: Ints, events: Ints, series: Ints, span: tuple[int, int], counts: Ints
) -> None:
    """Add the number of values of some series in a span of events, unless it is negative."""
    for each in range(len(series)):
        if counts[each] >= 0:
            last = starts[series[each] + 1]
            first = find(events, starts[series[each]], last, span[0])
            counts[each] += find(events, first, last, span[1]) - first


@compiled
def write_missing(starts: Ints, events: Ints, series: Ints, missing: Floats) -> None:
    """Write 0 where some series have a value into `missing` (series, events)."""
    for each in range(len(series)):
        for place in range(starts[series[each]], starts[series[each] + 1]):
            missing[each, events[place]] = 0.0


@compiled
def find_gaps(starts: Ints, events: Ints, stops: Ints, begins: Ints, gaps: Ints) -> None:
    """Find the first missing value of each series in each run of events.

    Parameters
    ----------
    stops
        (runs,): event after the last of each run; the runs are in the order of their events.
    begins
        (runs, series): event of the run from which on a value can be missing.
    gaps
        (runs, series): written, -1 where none is missing.
    """
    for series in range(begins.shape[1]):
        place, last = starts[series], starts[series + 1]
        for run in range(len(stops)):
            event = begins[run, series]
            place = find(events, place, last, event)
            while place < last and events[place] == event and event < stops[run]:
                place += 1
                event += 1
            gaps[run, series] = event if event < stops[run] else -1


@compiled
def missing_shares(
    starts: Ints,
    places: Ints,
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
    starts, places
        As of `PresentValues`: `starts` and `events`.
    columns, begins
        Each feature, and its first event that is not summarised yet.
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
        last, count, event = starts[columns[each] + 1], counts[each], begins[each]
        place = find(places, starts[columns[each]], last, event)
        while event < stop:
            behind = before + event - start
            if count < 0 and behind % block == 0:
                count = 0
            end = event + block - behind % block
            while place < last and places[place] < min(end, stop):
                count += count >= 0
                place += 1
            if count >= 0 and end <= stop:
                shares[each, behind // block - before // block] = 1.0 - count / block
                count = 0
            event = end
        counts[each] = count
