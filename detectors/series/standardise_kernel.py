"""The standardiser's loop: learn location and scale once, then divide, clip, round."""

import math
from typing import Any

import numpy as np

from streamproc.detectors.runtime.chunk_pool import Pool, gather, let_go, put, suffices
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch
from streamproc.detectors.series.warm_up_test import FIRST, STEP, look

GRID = 4096.0
"""Steps a unit of scale, a power of two."""
NORMAL_IQR = 1.3489795003921634
"""Interquartile range of N(0, 1)."""
MAX_FLOAT = 1.7976931348623157e308
MIN_FLOAT = 5e-324


@compiled
def quantile(ordered: Floats, share: float) -> float:
    """Linearly interpolated quantile, with no difference that could overflow."""
    place = share * (ordered.shape[0] - 1)
    below = int(place)
    part = place - below
    if part == 0.0:
        return float(ordered[below])
    return float(ordered[below] * (1.0 - part) + ordered[below + 1] * part)


@compiled
def _ordered(values: Floats) -> Floats:
    """Sort; values that are in order, as those of a constant series, cost one pass."""
    for i in range(1, values.shape[0]):
        if values[i] < values[i - 1]:
            return np.sort(values)
    return values.copy()


@compiled
def learn(warmup: Floats, clip: float) -> tuple[float, float, float]:
    """Location, scale and bound of the result; scale 0 if the warm-up is constant."""
    ordered = _ordered(warmup)
    n = ordered.shape[0]
    loc = quantile(ordered, 0.5)
    reach = min(max(ordered[n - 1] - loc, loc - ordered[0]), MAX_FLOAT)
    if reach == 0.0:
        return loc, 0.0, clip
    robust = (quantile(ordered, 0.75) - quantile(ordered, 0.25)) / NORMAL_IQR
    farthest = clip * robust if robust > 0.0 else math.inf
    reach = min(reach, farthest)
    # In units of reach: squares of 1e300 would overflow, those of 1e-300 vanish.
    mean, squares = 0.0, 0.0
    for i in range(n):
        value = min(max((ordered[i] - loc) / reach, -1.0), 1.0)
        apart = value - mean
        mean += apart / (i + 1.0)
        squares += apart * (value - mean)
    scale = max(reach * math.sqrt(squares / (n - 1.0)), MIN_FLOAT)
    return loc, scale, min(clip, farthest / scale)


@compiled
def in_units(value: float, loc: float, scale: float, bound: float) -> float:
    """Standardise a value."""
    # 0 / 0 is 0 here; anything else by 0 is infinite, and so at the bound.
    unit = 0.0 if value == loc else (value - loc) / scale
    unit = bound if unit > bound else unit  # noqa: FURB136 - NaN stays NaN
    unit = -bound if unit < -bound else unit  # noqa: FURB136 - same
    return float(np.rint(unit * GRID) / GRID)


@compiled
def _warm_up(
    columns: tuple[Floats, Floats],
    span: tuple[int, int],
    record: Any,
    pool: Pool,
    limits: tuple[int, float],
    looks: Any,
    k: int,
    buffer: Floats,
) -> int:
    """Keep values until there are enough to learn from; returns the row after the last of them.

    Stops where there are enough of them that have changed. `buffer` (warm-up,) is overwritten.
    """
    values, out = columns
    t, stop = span
    warmup, clip = limits
    looking, gathered = looks.row.shape[0] > 0, False
    while t < stop and record.filled < warmup:
        out[t] = math.nan
        if not math.isnan(values[t]):
            buffer[record.filled] = values[t]
            record.last = put(pool, record.last, record.filled, values[t])
            record.filled += 1
            n = record.filled
            if looking and n % STEP == 0 and n >= FIRST:
                if not gathered:  # those that come later are in the buffer, too
                    gather(pool, record.last, n, buffer)
                    gathered = True
                if look(buffer[:n], looks.again[k], looks.found[k]):
                    looks.row[k] = t
                    out[t:stop] = math.nan
                    return stop
        t += 1
    if record.filled == warmup:
        if not gathered:
            gather(pool, record.last, warmup, buffer)
        record.loc, record.scale, record.bound = learn(buffer, clip)
        if looks.replay.shape[0] > 0 and looks.again[k]:
            looks.learned[k] = True
            for i in range(warmup):
                looks.replay[k, i] = in_units(buffer[i], record.loc, record.scale, record.bound)
        let_go(pool, record.last)
        record.last, record.filled = -1, 0
    return t


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    out: Floats,
    records: Any,
    pool: Pool,
    warmup: int,
    clip: float,
    looks: Any,
) -> int:
    """Standardise tasks until the pool runs out; returns how many were done."""
    buffer = np.empty(warmup)
    for k in range(tasks.shape[0]):
        if k + AHEAD < tasks.shape[0]:
            later = tasks[k + AHEAD, 3]
            prefetch(records, later, 0)
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        t = start
        if math.isnan(record.scale):
            if not suffices(pool, record.filled, min(stop - start, warmup - record.filled)):
                return k
            columns = values[column], out[column]
            t = _warm_up(columns, (start, stop), record, pool, (warmup, clip), looks, k, buffer)
        loc, scale, bound = record.loc, record.scale, record.bound
        for i in range(t, stop):
            value = values[column, i]
            out[column, i] = in_units(value, loc, scale, bound)
    return int(tasks.shape[0])
