"""KSWIN's loop: a window kept in order of value, and a walk along it for each comparison."""

from typing import Any

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)


@compiled
def mixed(state: np.uint64) -> np.uint64:
    """Scramble 64 bits (SplitMix64's finisher): neighbours in, independent bits out."""
    state = (state ^ (state >> _30)) * _FIRST
    state = (state ^ (state >> _27)) * _SECOND
    return state ^ (state >> _31)


@compiled
def draw(seed: int, comparison: int, drawn: Any, size: int) -> None:
    """Mark `size` places of `drawn`, each set of them as likely as any (Floyd's method).

    The set is a function of the seed and the number of the comparison alone,
    so no generator has to be kept.
    """
    drawn[:] = False
    state = mixed(np.uint64(seed) ^ mixed(np.uint64(comparison) + _STEP))
    for last in range(drawn.shape[0] - size, drawn.shape[0]):
        state += _STEP
        # The upper 32 bits, scaled: off from uniform by less than 2^-16 for any window allowed.
        place = ((mixed(state) >> _32) * np.uint64(last + 1)) >> _32
        if drawn[place]:
            drawn[last] = True
        else:
            drawn[place] = True


@compiled
def replace(ring: Floats, order: Any, cursor: int, held: int, value: float) -> int:
    """Put the value in place of the oldest, or beside the rest; returns how many there are."""
    last = held
    if held == ring.shape[0]:
        last = 0
        while order[last] != cursor:
            last += 1
    # Shift what lies between the free place and the value's own.
    ring[cursor] = value
    place = last
    while place > 0 and ring[order[place - 1]] > value:
        order[place] = order[place - 1]
        place -= 1
    if place == last:
        top = min(held, ring.shape[0] - 1)
        while place < top and ring[order[place + 1]] < value:
            order[place] = order[place + 1]
            place += 1
    order[place] = cursor
    return int(min(held + 1, ring.shape[0]))


@compiled
def distance(ring: Floats, order: Any, oldest: int, drawn: Any) -> int:
    """Largest difference of counts, at or below any value, of the drawn and the recent."""
    length, old = ring.shape[0], drawn.shape[0]
    ahead, largest = 0, 0
    for i in range(length):
        place = order[i]
        age = place - oldest if place >= oldest else place - oldest + length
        if age >= old:
            ahead -= 1
        elif drawn[age]:
            ahead += 1
        if abs(ahead) > largest and (i + 1 == length or ring[order[i + 1]] != ring[place]):
            largest = abs(ahead)
    return largest


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    arrays: tuple[Floats, Any],
    limits: tuple[int, int, int, int],
    row: Ints,
    statistic: Floats,
) -> None:
    """Feed every task until its first alarm; `limits`: stat_size, stride, seed, critical."""
    rings, orders = arrays
    size, stride, seed, critical = limits
    length = rings.shape[1]
    drawn = np.zeros(length - size, np.bool_)
    for k in range(tasks.shape[0]):
        if k + AHEAD < tasks.shape[0]:
            later = tasks[k + AHEAD, 3]
            prefetch(records, later, 0)
            for line in range(0, 2 * length, 64):
                prefetch(orders, later, line)
        column, start, stop, slot = tasks[k, 0], tasks[k, 1], tasks[k, 2], tasks[k, 3]
        record, ring, order = records[slot], rings[slot], orders[slot]
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if record.alarmed:
                record.alarmed = False
                record.held = record.cursor = record.wait = record.largest = 0
                record.comparisons = 0
                ring[:] = 0.0
                order[:] = 0
            record.held = replace(ring, order, record.cursor, record.held, value)
            record.cursor = record.cursor + 1 if record.cursor + 1 < length else 0
            if record.held < length:
                continue
            record.wait -= 1
            if record.wait > 0:
                continue
            record.wait = stride
            draw(seed, record.comparisons, drawn, size)
            record.comparisons += 1
            largest = distance(ring, order, record.cursor, drawn)
            record.largest = largest
            if largest >= critical:
                record.alarmed = True
                row[k], statistic[k] = t, largest / size
                break
