"""The loop of pair products: a row of features to one number, and what is remembered of them."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.series.decorrelate_kernel import decorrelate

Singles = NDArray[np.float32]

UNIT = 200
"""Values from which the unit of a feature is learned, as that of any series."""
FIXED = 400
"""Rows after which the features are fixed at the latest: those with a unit by then."""
CENTRE, REFERENCE = 100, 300
"""Rows from which the mean scores are learned, and then their correlations."""
RECENT = 32
"""Rows of which the recent means are made. They only give the direction in which the next row is
looked at: more follow smaller changes, and make neighbouring values more alike."""
SHARE = np.float32(1.0 / RECENT)
LAG = 64
"""Rows after the reference before there is a first number: until the recent means are of rows."""
FREQUENCY = 0.8
"""Of the sine scores, for a deviation: with it the correlation of scores of normal values is that
of the values within 0.02, and values beyond four deviations count as none."""
# Of `pairs`: a row of k (k - 1) / 2 each.
MEAN, MOVING, CORRELATION, RAW = range(4)
# Of `scores`: a row of k each. COUNT is that of rows of the reference.
AVERAGE, COUNT, SQUARE, FOURTH = range(4)
UNITS = SQUARE
# Of a row while it is compared.
FREE, SCALED, PRESENT = range(3)
# Of the output.
DISTANCE, PAIR, BEFORE, AFTER = range(4)


@compiled
def is_fixed(record: Any, seen: Ints) -> bool:
    """Whether the features are fixed with this row: all have their unit, or it is late."""
    return bool(record.n >= FIXED or seen.min() >= UNIT)


@compiled
def fill_scores(
    units: Floats, t: int, columns: Ints, seen: Ints, centres: Singles, work: Floats
) -> int:
    """Fill the centred scores of a row, NaN where missing; returns how many there are."""
    count = 0
    for i in range(columns.shape[0]):
        work[i] = math.nan
        if columns[i] < 0 or seen[i] < UNIT:
            continue
        value = units[columns[i], t]
        if not math.isnan(value):
            work[i] = math.sin(FREQUENCY * value) - centres[i]
            count += 1
    return count


@compiled
def learn_centres(scores: Singles, work: Floats, last: int) -> None:
    """Take a row into the mean scores: its scores are those less the mean so far."""
    for i in range(work.shape[0]):
        if not math.isnan(work[i]):
            scores[COUNT, i] += 1.0
            scores[AVERAGE, i] += work[i] / scores[COUNT, i]
    if last == 0:
        scores[COUNT] = 0.0


@compiled
def learn_reference(moments: Singles, scores: Singles, work: Floats) -> None:
    """Take a row into the mean squares and products of scores; `moments` (k, k): upper half.

    The lower half counts the rows that have both.
    """
    k = work.shape[0]
    for i in range(k):
        if math.isnan(work[i]):
            continue
        square = work[i] * work[i]
        scores[COUNT, i] += 1.0
        scores[SQUARE, i] += (square - scores[SQUARE, i]) / scores[COUNT, i]
        scores[FOURTH, i] += (square * square - scores[FOURTH, i]) / scores[COUNT, i]
        for j in range(i + 1, k):
            if not math.isnan(work[j]):
                moments[j, i] += 1.0
                moments[i, j] += (work[i] * work[j] - moments[i, j]) / moments[j, i]


@compiled
def fill_rows(root: Singles, scores: Singles, work: Floats, rows: Singles) -> None:
    """Fill what a row is compared by; a missing score counts as the centre.

    `rows` (3, k): decorrelated scores, scores in their deviations, and whether they are there.
    """
    k = work.shape[0]
    rows[:] = 0.0
    for j in range(k):
        if not math.isnan(work[j]):
            score = np.float32(work[j])
            rows[SCALED, j], rows[PRESENT, j] = score * scores[UNITS, j], 1.0
            for i in range(k):
                rows[FREE, i] += root[j, i] * score


@compiled
def compare(pairs: Singles, rows: Singles) -> float:
    """Compare a row with the reference in the direction of the recent rows, which it joins.

    NaN while there is no such direction.

    The weight of a pair is the cube of how far its recent mean lies from the reference: one pair
    of many that has changed then outweighs the chance of the others. Pairs that are missing have
    no part in the row.
    """
    k, p = rows.shape[1], 0
    along, squares = np.float32(0.0), np.float32(0.0)
    for i in range(k - 1):
        free, scaled, present = rows[FREE, i], rows[SCALED, i], rows[PRESENT, i]
        for j in range(i + 1, k):
            mean, moving = pairs[MEAN, p], pairs[MOVING, p]
            both = present * rows[PRESENT, j]
            product, raw = free * rows[FREE, j], scaled * rows[SCALED, j]
            gap = moving - mean
            weight = gap * gap * gap
            squares += weight * weight * both
            along += weight * (product - mean) * both
            pairs[MOVING, p] = moving + (product - moving) * both * SHARE
            pairs[RAW, p] += (raw - pairs[RAW, p]) * both * SHARE
            p += 1
    return float(along / math.sqrt(squares)) if squares > 0.0 else math.nan


@compiled
def most_changed(pairs: Singles) -> int:
    """Return the place of the pair whose correlation has changed most; -1 if none has."""
    most, found = np.float32(0.0), -1
    for p in range(pairs.shape[1]):
        apart = abs(pairs[RAW, p] - pairs[CORRELATION, p])
        if apart > most:
            most, found = apart, p
    return found


@compiled
def count_values(values: Floats, t: int, columns: Ints, seen: Ints) -> None:
    """Count the values that each feature has had."""
    for i in range(columns.shape[0]):
        if columns[i] >= 0 and not math.isnan(values[columns[i], t]):
            seen[i] += 1


@compiled
def read(
    count: int,
    matrix: Singles,
    pairs: Singles,
    scores: Singles,
    row: tuple[Floats, Singles],
    out: Floats,
) -> None:
    """Take the `count`th row since the features were fixed; `out` (4,) is written if it can be."""
    work, rows = row
    if count <= CENTRE:
        learn_centres(scores, work, CENTRE - count)
        return
    if count <= CENTRE + REFERENCE:
        learn_reference(matrix, scores, work)
        if count == CENTRE + REFERENCE:
            decorrelate(matrix, pairs, scores)
        return
    fill_rows(matrix, scores, work, rows)
    distance = compare(pairs, rows)
    if count <= CENTRE + REFERENCE + LAG:
        return
    out[DISTANCE] = distance
    place = most_changed(pairs) if distance > 0.0 else -1
    if place >= 0:
        out[PAIR], out[BEFORE], out[AFTER] = place, pairs[CORRELATION, place], pairs[RAW, place]


@compiled
def scan(
    values: Floats,
    units: Floats,
    columns: Ints,
    tasks: Ints,
    records: Any,
    arrays: tuple[Ints, Singles, Singles, Singles],
    out: Floats,
) -> None:
    """Feed every task: start, stop, slot; row `task` of `columns` has its columns, -1 for none."""
    k = columns.shape[1]
    work, rows, found = np.empty(k), np.empty((3, k), np.float32), np.empty(4)
    for task in range(tasks.shape[0]):
        slot, places = tasks[task, 2], columns[task]
        record, seen, scores = records[slot], arrays[0][slot], arrays[3][slot]
        for t in range(tasks[task, 0], tasks[task, 1]):
            found[:] = math.nan
            record.n += 1
            if record.fixed == 0:
                count_values(values, t, places, seen)
                record.fixed = record.n if is_fixed(record, seen) else 0
            elif fill_scores(units, t, places, seen, scores[AVERAGE], work) < 2:
                record.fixed += 1  # a row without a pair is as good as none
            else:
                count = record.n - record.fixed
                read(count, arrays[1][slot], arrays[2][slot], scores, (work, rows), found)
            out[:, t] = found
