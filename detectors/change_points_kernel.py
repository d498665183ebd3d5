"""The change-point tracker's loop."""

import math
from typing import Any

from detectors.bank import Floats, Ints
from detectors.compiled import compiled

ALLOWANCE = 0.25
"""Deviations a value that a sum gives away: half of the smallest shift worth locating well."""
BOUND = 2.0**450
"""Raw values are kept within this many units, so that their squares stay finite."""
LARGEST = 1.7976931348623157e308


@compiled
def unit_of(value: float) -> float:
    """Power of two that brings a value near 1, so that no square overflows or vanishes."""
    _, exponent = math.frexp(value)
    return 2.0 ** min(max(-exponent, -1000), 1000)


@compiled
def scan(
    values: Floats,
    standardised: Floats,
    tasks: Ints,
    ts: Floats,
    offsets: Ints,
    records: Any,
) -> None:
    """Feed every task to its slot."""
    for k in range(tasks.shape[0]):
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        n, mean, squares, unit = record.n, record.mean, record.squares, record.unit
        units, level = record.units, record.level
        up_sum, up_extreme = record.up_sum, record.up_extreme
        down_sum, down_extreme = record.down_sum, record.down_extreme
        up_pending, down_pending = record.up_pending, record.down_pending
        for t in range(start, stop):
            value = values[column, t]
            if math.isnan(value):
                continue
            if unit == 0.0 and value != 0.0:
                unit = unit_of(value)
            # A pending side saw its extreme at the value before: this row is the next.
            z = standardised[column, t]
            if not math.isnan(z):
                if up_pending:
                    record.up_ts, record.up_offset = ts[t], offsets[t]
                    up_pending = False
                    record.up_n, record.up_mean, record.up_squares = n, mean, squares
                if down_pending:
                    record.down_ts, record.down_offset = ts[t], offsets[t]
                    down_pending = False
                    record.down_n, record.down_mean, record.down_squares = n, mean, squares
                units += 1.0
                level += (z - level) / units
                up_sum += z - level - ALLOWANCE
                down_sum += z - level + ALLOWANCE
                if up_sum < up_extreme:
                    up_extreme, up_pending = up_sum, True
                if down_sum > down_extreme:
                    down_extreme, down_pending = down_sum, True
            n += 1.0
            scaled = min(max(value * unit, -BOUND), BOUND)
            apart = scaled - mean
            mean += apart / n
            squares += apart * (scaled - mean)
        record.n, record.mean, record.squares, record.unit = n, mean, squares, unit
        record.units, record.level = units, level
        record.up_sum, record.up_extreme = up_sum, up_extreme
        record.down_sum, record.down_extreme = down_sum, down_extreme
        record.up_pending, record.down_pending = up_pending, down_pending
