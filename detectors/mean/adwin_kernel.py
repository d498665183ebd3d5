"""ADWIN's loop: exponential histogram, insertion, cuts.

The window is a list of rows; each bucket of row r sums up 2^r values. Rows hold
`limit` buckets for good: the one more that makes a row overflow is merged away
in the same step, so it never needs room.
"""

import math
from typing import Any

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch

SLACK = 0.999
"""How much a cut must miss a lower bound of its threshold to be skipped untested.

Both sides of the quick test are products of a dozen roundings, and cancellation
in the difference of means adds at most 3e-5 under the two conditions below; a
thousandth covers both many times over."""
LEVEL = 1e12
"""The quick test is used while (mean / deviation)² is below this, ..."""
WIDTH = 2.0**33
"""... and the window is shorter than this."""


def narrowest(rows: int, limit: int) -> float:
    """Width at which a window first needs one row more than `rows`.

    All rows must overflow at once, which leaves limit - 1 buckets in each and
    one in the new row.
    """
    return limit * 2.0**rows - (limit - 1)


@compiled
def insert(buckets: Floats, counts: Any, rows: int, value: float, limit: int) -> int:
    """Put a value into row 0 and carry full rows upwards; returns the number of rows."""
    total, variance = value, 0.0
    size, inverse = 1.0, 1.0
    r = 0
    while counts[r] == limit:
        old0, old1 = buckets[r, 0, 0], buckets[r, 0, 1]
        apart = old0 * inverse - old1 * inverse
        merged = buckets[r, 1, 0] + buckets[r, 1, 1] + size * 0.5 * apart * apart
        for i in range(2, limit):
            buckets[r, 0, i - 2] = buckets[r, 0, i]
            buckets[r, 1, i - 2] = buckets[r, 1, i]
        buckets[r, 0, limit - 2] = total
        buckets[r, 1, limit - 2] = variance
        counts[r] = limit - 1
        total, variance = old0 + old1, merged
        size *= 2.0
        inverse *= 0.5
        r += 1
        if r == rows:
            rows += 1
            counts[r] = 0
    count = counts[r]
    buckets[r, 0, count] = total
    buckets[r, 1, count] = variance
    counts[r] = count + 1
    return rows


@compiled
def first_cut(
    buckets: Floats,
    counts: Any,
    rows: int,
    total: float,
    variance: float,
    width: float,
    shortest: float,
    delta: float,
) -> tuple[float, float]:
    """Find the oldest cut whose sides differ: (difference, bound), or (0, inf)."""
    spread = variance / width
    log_term = math.log(2.0 * math.log(width) / delta)
    level = total / width
    quick = spread * LEVEL > level * level and width < WIDTH
    floor = SLACK * 2.0 * spread * log_term
    n0, u0 = 0.0, 0.0
    n1, u1 = width, total
    size = 2.0 ** (rows - 1)
    for r in range(rows - 1, -1, -1):
        for k in range(counts[r]):
            n0 += size
            n1 -= size
            u0 += buckets[r, 0, k]
            u1 -= buckets[r, 0, k]
            if n0 < shortest or n1 < shortest:
                continue
            m0, m1 = n0 - shortest + 1.0, n1 - shortest + 1.0
            if quick:
                # The bound without its second term, squared and without a division.
                cross, both = u0 * n1 - u1 * n0, n0 * n1
                if cross * cross * (m0 * m1) < floor * (m0 + m1) * (both * both):
                    continue
            difference = abs(u0 / n0 - u1 / n1)
            harmonic = 1.0 / m0 + 1.0 / m1
            bound = math.sqrt(2.0 * harmonic * spread * log_term) + 2.0 / 3.0 * log_term * harmonic
            if difference > bound:
                return difference, bound
        size *= 0.5
    return 0.0, math.inf


@compiled
def drop_oldest(
    buckets: Floats, counts: Any, rows: int, total: float, variance: float, width: float
) -> tuple[int, float, float, float]:
    """Forget the oldest bucket: the new (rows, total, variance, width)."""
    last = rows - 1
    n = 2.0**last
    sum_, inner = buckets[last, 0, 0], buckets[last, 1, 0]
    mean = sum_ / n
    width -= n
    total -= sum_
    left = total / width
    variance -= inner + n * width * (mean - left) * (mean - left) / (n + width)
    for i in range(1, counts[last]):
        buckets[last, 0, i - 1] = buckets[last, 0, i]
        buckets[last, 1, i - 1] = buckets[last, 1, i]
    counts[last] -= 1
    if counts[last] == 0:
        rows -= 1
    return rows, total, variance, width


@compiled
def shrink(
    buckets: Floats,
    counts: Any,
    rows: int,
    total: float,
    variance: float,
    width: float,
    shortest: float,
    delta: float,
) -> tuple[int, float, float, float]:
    """Forget the oldest bucket, and more while a cut is left: (rows, total, variance, width)."""
    difference, bound = 1.0, 0.0
    while difference > bound:
        rows, total, variance, width = drop_oldest(buckets, counts, rows, total, variance, width)
        difference, bound = first_cut(
            buckets, counts, rows, total, variance, width, shortest, delta
        )
    return rows, total, variance, width


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    heads: Any,
    windows: Floats,
    limits: tuple[int, int, float, float, float, bool],
    row: Ints,
    statistic: Floats,
    threshold: Floats,
) -> None:
    """Feed every task until its first alarm; limits as `ADWINBank` has them."""
    clock, limit, shortest, grace, delta, keep = limits
    for k in range(tasks.shape[0]):
        if k + AHEAD < tasks.shape[0]:
            later = tasks[k + AHEAD, 3]
            prefetch(heads, later, 0)
            prefetch(heads, later, 64)
            prefetch(windows, later, 0)
            prefetch(windows, later, 64)
            prefetch(windows, later, 128)
        column, start, stop, slot = tasks[k, 0], tasks[k, 1], tasks[k, 2], tasks[k, 3]
        head, buckets = heads[slot], windows[slot]
        counts = head.counts
        total, variance, width = head.total, head.variance, head.width
        tick, rows, alarmed = head.tick, head.rows, head.alarmed
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if alarmed:
                alarmed = False
                total = variance = width = 0.0
                tick, rows = 0, 1
                counts[:] = 0
                buckets[:] = 0.0
            if width > 0.0:
                apart = value - total / width
                variance += width * apart * apart / (width + 1.0)
            width += 1.0
            total += value
            rows = insert(buckets, counts, rows, value, limit)
            tick += 1
            if tick < clock:
                continue
            tick = 0
            if width <= grace:
                continue
            difference, bound = first_cut(
                buckets, counts, rows, total, variance, width, shortest, delta
            )
            if difference > bound:
                alarmed = not keep
                row[k], statistic[k], threshold[k] = t, difference, bound
                rows, total, variance, width = shrink(
                    buckets, counts, rows, total, variance, width, shortest, delta
                )
                break
        head.total, head.variance, head.width = total, variance, width
        head.tick, head.rows, head.alarmed = tick, rows, alarmed
