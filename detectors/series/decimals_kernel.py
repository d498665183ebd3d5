"""Whether values have more decimals than ever before: an amount of 37.5 among integers.

Values of many sources lie on a grid: counts are integers, prices have two decimals. What scales,
averages or fills in such values leaves the grid at once, whatever it does to their level. A Poisson
log-likelihood ratio compares how many values leave it with how many did before.
"""

import math
from typing import Any

import numpy as np

from streamproc.detectors.runtime.jit import compiled

SCALES = (1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6)
"""Values times this are integers where they have 0 to 6 decimals at most."""
MANY = len(SCALES)
"""Decimals from which on they are not counted: values are on no grid."""
NEAR, RELATIVE = 1e-6, 1.2e-7
"""How far from an integer such a product may be, and which part of it: values may have been in 32
bits, of which the largest have no decimals left."""
STARTS = 100
"""Values before the grid counts as known."""
FEWEST = 12
"""Values outside of it that are a finding, at least; twice as many as ever came together."""
LOG_ODDS = 23.0
"""They have to be less likely than exp(-23)."""
DENSE = 16
"""Values for each that leaves the grid at most: where fewer leave it, it is not a change of all."""
RETURNED = 100
"""Values on the grid in a row after which it is back."""
LOWER = 30
"""Smaller values on the grid in a row from which on the grid is known to be theirs: of values that
are written with a number of digits, smaller ones have more decimals."""
MAX_COUNT = 60_000
"""Values that are counted at most, in 16 bits; counts of what is usual are halved then."""


@compiled
def is_on(value: float, decimals: int) -> bool:
    """Whether a value has no more than some decimals."""
    scaled = value * SCALES[decimals]
    return not abs(scaled - np.rint(scaled)) > NEAR + RELATIVE * abs(scaled)


@compiled
def needed(value: float, decimals: int) -> int:
    """Return how many decimals a value has, `decimals` at least, `MANY` at most."""
    while decimals < MANY and not is_on(value, decimals):
        decimals += 1
    return decimals


@compiled
def decade(value: float) -> float:
    """Return the largest power of ten that is not above a positive value."""
    return float(10.0 ** math.floor(math.log10(value)))


@compiled
def started(record: Any, value: float) -> None:
    """Take one of the first values: the grid is that of all of them, and no decade is known."""
    record.seen += 1
    record.decimals = needed(value, record.decimals)
    if abs(value) >= record.grid_from:
        record.grid_from = 10.0 * decade(abs(value))


@compiled
def counted(record: Any, values: int, left: int) -> None:
    """Add to the number of values seen, and of those that left the grid."""
    seen, usual = int(record.seen) + values, int(record.left) + left
    if seen >= MAX_COUNT:
        seen, usual = seen // 2, usual // 2
    record.seen, record.left = seen, usual


@compiled
def ended(record: Any) -> None:
    """End a stretch in which values left the grid: they belong to what is usual."""
    counted(record, int(record.grid_n), int(record.finer_n))
    record.finer_longest = max(record.finer_longest, record.finer_n)
    record.grid_n = record.finer_n = 0
    if record.left * DENSE > record.seen:
        record.decimals, record.left = record.finest, 0


@compiled
def too_many(record: Any) -> bool:
    """Whether more values leave the grid than ever before."""
    m, k = float(record.finer_n), float(record.grid_n)
    if m < max(FEWEST, 2 * record.finer_longest):
        return False
    usual = k * (record.left + 1.0) / record.seen
    return bool(m * math.log(m / usual) - m + usual > LOG_ODDS)


@compiled
def left_grid(record: Any, value: float) -> bool:
    """Count a value that is not on the grid; returns whether that is a finding."""
    if record.finer:
        record.finer_n, record.grid_n = min(record.finer_n + 1, MAX_COUNT), 0
        return False
    if record.finer_n == 0:
        record.finest = record.decimals
        record.finer_sum = 0.0
    record.finest = needed(value, record.finest)
    record.finer_n += 1
    record.grid_n += 1
    record.finer_sum += value
    if too_many(record):
        return True
    stayed(record)
    return False


@compiled
def stayed(record: Any) -> None:
    """End a stretch in which values left the grid, if too few of the last ones did."""
    rare = record.grid_n > DENSE * record.finer_n
    if rare or record.grid_n >= record.seen:
        ended(record)


@compiled
def smaller(record: Any, on: bool) -> None:  # noqa: FBT001
    """Count a value that is smaller than those whose grid is known."""
    record.lower = record.lower + 1 if on else 0
    if record.lower >= LOWER:
        record.lower = 0
        unit = 1.0 / SCALES[record.decimals]
        record.grid_from = 0.0 if record.grid_from < 2.0 * unit else record.grid_from / 10.0


@compiled
def finer(record: Any, value: float) -> bool:
    """Feed a value that is not the one before; returns whether too many have left the grid."""
    if value == 0.0 or record.decimals >= MANY or not math.isfinite(value):
        return False
    size, on = abs(value), is_on(value, record.decimals)
    if record.seen < STARTS:
        started(record, value)
        return False
    if size < record.grid_from:
        smaller(record, on)
        return False
    if not on:
        return left_grid(record, value)
    if record.finer:
        record.grid_n += 1
        if record.grid_n >= RETURNED:
            record.finer = False
            record.finer_longest = max(record.finer_longest, record.finer_n)
            record.grid_n = record.finer_n = 0
    elif record.finer_n > 0:
        record.grid_n += 1
        stayed(record)
    else:
        counted(record, 1, 0)
    return False


@compiled
def reported(record: Any) -> None:
    """Note that it was found: the grid of before stays known until it is back."""
    record.finer, record.grid_n = True, 0
