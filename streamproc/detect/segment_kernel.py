"""Sort the values of series by segment (compiled)."""

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.jit import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Out = tuple[Floats, Ints, Ints, Ints]


@compiled
def _sorted(codes: Ints, segments: int) -> tuple[Ints, Ints]:
    """Return the events of each segment, one behind the other, and where each begins and ends."""
    ends = np.zeros(segments + 1, np.int64)
    for code in codes:
        if code >= 0:
            ends[code + 1] += 1
    for segment in range(segments):
        ends[segment + 1] += ends[segment]
    order, places = np.empty(ends[-1], np.int64), ends.copy()
    for event in range(len(codes)):
        code = codes[event]
        if code >= 0:
            order[places[code]] = event
            places[code] += 1
    return order, ends


@compiled
def write_dense(
    values: Floats, codes: Ints, columns: Ints, slots: Ints, out: Out
) -> tuple[int, int]:
    """Write the present values of some series, those of each segment one behind the other.

    Parameters
    ----------
    values
        (series, events), NaN where a value is missing.
    codes
        (events,): index of each event's segment; negative for none.
    columns
        Rows of `values` to write.
    slots
        (segments, columns): slot of each series of a segment.
    out
        Written, with room for all of them: values; the event of each; its series, as the index of
        segment and column; and tasks as of `DetectorInput`.

    Returns
    -------
    tuple of int
        Number of tasks, and of values.
    """
    found, events, series, tasks = out
    order, ends = _sorted(codes, len(slots))
    count = used = 0
    for segment in range(len(slots)):
        for column in range(len(columns)):
            begin = used
            for at in range(ends[segment], ends[segment + 1]):
                value = values[columns[column], order[at]]
                if not np.isnan(value):
                    found[used], events[used] = value, order[at]
                    series[used] = segment * len(columns) + column
                    used += 1
            if used > begin:
                tasks[count, 0], tasks[count, 1], tasks[count, 2] = 0, begin, used
                tasks[count, 3] = slots[segment, column]
                count += 1
    return count, used


@compiled
def write_present(
    starts: Ints,
    present: Ints,
    values: Floats,
    codes: Ints,
    columns: Ints,
    slots: Ints,
    out: Out,
) -> tuple[int, int]:
    """Do as `write_dense` with the present values of a sparse matrix, as of `PresentValues`."""
    found, events, series, tasks = out
    places = np.empty(len(slots) + 1, np.int64)
    count = used = 0
    for column in range(len(columns)):
        begin, stop = starts[columns[column]], starts[columns[column] + 1]
        places[:] = 0
        for at in range(begin, stop):
            if codes[present[at]] >= 0:
                places[codes[present[at]] + 1] += 1
        places[0] = used
        for segment in range(len(slots)):
            many = places[segment + 1]
            places[segment + 1] += places[segment]
            if many:
                tasks[count, 0], tasks[count, 1] = 0, places[segment]
                tasks[count, 2], tasks[count, 3] = places[segment + 1], slots[segment, column]
                count += 1
        used = places[len(slots)]
        for at in range(begin, stop):
            segment = codes[present[at]]
            if segment >= 0:
                place = places[segment]
                found[place], events[place] = values[at], present[at]
                series[place] = segment * len(columns) + column
                places[segment] += 1
    return count, used
