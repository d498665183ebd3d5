"""The change-point tracker's loop."""

import math
from typing import Any

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch

SIGNS = (1.0, -1.0, 1.0, -1.0, 1.0, -1.0)
ALLOWANCES = (0.1, 0.1, 0.5, 0.5, 1.5, 1.5)
"""Deviations a value that each sum gives away. Half of the shift's size places its start best:
0.5 for shifts of 1 and more, which would else be dated back to some earlier wiggle; 0.1 for small
ones, which a sum that gives away more would not notice."""
RARE = (0.25, 0.1, 1e9, 1e9, 1e9, 1e9)
"""Most that each sum gives away, in mean squares: the smallest allowance is for rare events, too.
Events of size s and rate p have mean p·s and mean square p·s²; the best allowance for a rate that
becomes three times as high is .8 p·s beyond the mean, for one that falls to a third .4 p·s, and s
is 4 at most."""
SUMS = len(SIGNS)
TURN_SIGNS = (1.0, -1.0)
TURN_ALLOWANCES = (0.5, 0.3)
"""The same of squared deviations, wider and narrower: half of what a deviation that is 1.6 or 0.6
times as large moves them."""
TURNS = len(TURN_SIGNS)
FARTHEST_SQUARE = 6.0
"""Squared deviations beyond which a value says no more of the spread: a tail is not a change."""
Mark = tuple[float, float, float, float, float, float]
"""What a row is remembered by: n, mean and squares of the values before it, the mean of the
standardised ones, its time, and the mean of their squares."""
BOUND = 2.0**450
"""Raw values are kept within this many units, so that their squares stay finite."""
MAX_FLOAT = 1.7976931348623157e308


@compiled
def unit_of(value: float) -> float:
    """Power of two that brings a value near 1, so that no square overflows or vanishes."""
    _, exponent = math.frexp(value)
    return 2.0 ** min(max(-exponent, -1000), 1000)


@compiled
def turned(record: Any, z: float, units: float, mark: Mark, offset: int) -> float:
    """Feed the square of a standardised value; returns the mean of all squares."""
    y = min(z * z, FARTHEST_SQUARE)
    rough = mark[5] + (y - mark[5]) / units
    record.rougher += (y - mark[5]) * (y - rough)
    for j in range(TURNS):
        total = record.turn_sums[j] + TURN_SIGNS[j] * (y - rough) - TURN_ALLOWANCES[j]
        if total > 0.0 and record.turn_sums[j] == 0.0:
            for k in range(6):
                record.turns[j, k] = mark[k]
            record.turn_offsets[j] = offset
        record.turn_sums[j] = max(total, 0.0)
    return rough


@compiled
def scan(
    values: Floats, standardised: Floats, tasks: Ints, ts: Floats, offsets: Ints, records: Any
) -> None:
    """Feed every task to its slot."""
    for k in range(tasks.shape[0]):
        if k + AHEAD < tasks.shape[0]:
            later = tasks[k + AHEAD, 3]
            for line in range(0, 256, 64):
                prefetch(records, later, line)
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        sums, marks, mark_offsets = record.sums, record.marks, record.mark_offsets
        n, mean, squares, unit = record.n, record.mean, record.squares, record.unit
        units, level, rough = record.units, record.level, record.rough
        second, third = record.second, record.third
        for t in range(start, stop):
            value = values[column, t]
            if math.isnan(value):
                continue
            z = standardised[column, t]
            if not math.isnan(z):
                before = level
                units += 1.0
                level += (z - level) / units
                second += (z * z - second) / units
                third += (z * z * z - third) / units
                apart = z - level
                for j in range(SUMS):
                    total = sums[j] + SIGNS[j] * apart - min(ALLOWANCES[j], RARE[j] * second)
                    # A sum that leaves 0 has its likeliest start here.
                    if units == 1.0 or (total > 0.0 and sums[j] == 0.0):
                        marks[j, 0], marks[j, 1], marks[j, 2] = n, mean, squares
                        marks[j, 3], marks[j, 4] = before, ts[t]
                        mark_offsets[j] = offsets[t]
                    sums[j] = max(total, 0.0)
                rough = turned(
                    record, z, units, (n, mean, squares, before, ts[t], rough), offsets[t]
                )
            if unit == 0.0 and value != 0.0:
                unit = unit_of(value)
            n += 1.0
            scaled = min(max(value * unit, -BOUND), BOUND)
            apart = scaled - mean
            mean += apart / n
            squares += apart * (scaled - mean)
        record.n, record.mean, record.squares, record.unit = n, mean, squares, unit
        record.units, record.level, record.rough = units, level, rough
        record.second, record.third = second, third


@compiled
def take(values: Floats, tasks: Ints, offsets: Ints, records: Any) -> None:
    """Feed one value, standardised by those before it, which a change widens but slowly."""
    record = records[0]
    apart = min(max(values[0, 0] * record.unit, -BOUND), BOUND) - record.mean
    known = record.n > 1.0 and record.squares > 0.0
    unit = apart / math.sqrt(record.squares / (record.n - 1.0)) if known else 0.0
    scan(values, np.full((1, 1), unit), tasks, np.zeros(1), offsets, records)
    offsets[0] += 1
