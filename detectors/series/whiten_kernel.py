"""The whitener's loop: learn how a value follows from those before it, then take that away."""

import math
from typing import Any

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.series.standardise_kernel import GRID

ORDER = 32
"""Most values before that one is predicted from; a power of two, for the ring."""


@compiled
def fit(lags: Floats, n: float, mean: float, weights: Floats) -> tuple[float, int]:
    """Find the weights of the values before, by the recursion of Levinson and Durbin.

    Parameters
    ----------
    lags
        (ORDER + 1,): sums over `n` values of z(t) · z(t - k), 0 before the first.
    n, mean
        Values learned from, and their mean.
    weights
        (ORDER,), zero: set to those of the order that Schwarz's criterion chooses.

    Returns
    -------
    tuple of float and int
        Deviation of what is left, 0 if the series was constant, and the order.
    """
    spread = lags / n - mean * mean
    left = spread[0]
    if left <= 0.0:
        return 0.0, 0
    trial, mirror = np.zeros(ORDER), np.zeros(ORDER)
    lowest, deviation, order = n * math.log(left), math.sqrt(left), 0
    for k in range(ORDER):
        missing = spread[k + 1]
        for j in range(k):
            missing -= trial[j] * spread[k - j]
        turn = missing / left
        if not -1.0 < turn < 1.0:  # foreseen to the last bit, or ends of the sums count too much
            break
        mirror[:k] = trial[:k]
        for j in range(k):
            trial[j] -= turn * mirror[k - 1 - j]
        trial[k] = turn
        left *= 1.0 - turn * turn
        score = n * math.log(left) + (k + 1) * math.log(n)
        if score < lowest:
            lowest, deviation, order = score, math.sqrt(left), k + 1
            weights[:order] = trial[:order]
    return deviation, order


@compiled
def learn(record: Any, lags: Floats, weights: Floats) -> None:
    """Turn the sums of a slot into its filter."""
    n = float(record.seen)
    mean = record.total / n
    record.scale, record.order = fit(lags, n, mean, weights)
    lags[:] = 0.0
    gain = 1.0
    for k in range(record.order):
        gain -= weights[k]
    record.level = mean * gain


@compiled
def scan(values: Floats, tasks: Ints, out: Floats, records: Any, arrays: Any, limits: Any) -> None:
    """Whiten tasks; `limits`: values that are learned from, bound of the result."""
    enough, clip = limits
    for i in range(tasks.shape[0]):
        column, start, stop, slot = tasks[i, 0], tasks[i, 1], tasks[i, 2], tasks[i, 3]
        record = records[slot]
        lags, weights, ring = arrays[0][slot], arrays[1][slot], arrays[2][slot]
        for t in range(start, stop):
            z = values[column, t]
            out[column, t] = math.nan
            if z != z:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            newest = record.cursor - 1
            if record.seen < enough:
                record.seen += 1
                record.total += z
                lags[0] += z * z
                for k in range(ORDER):
                    lags[k + 1] += z * ring[(newest - k) & (ORDER - 1)]
                if record.seen == enough:
                    learn(record, lags, weights)
            else:
                residual = z - record.level
                for k in range(record.order):
                    residual -= weights[k] * ring[(newest - k) & (ORDER - 1)]
                # 0 / 0 is 0 here; anything else by 0 is infinite, and so at the bound.
                unit = 0.0 if residual == 0.0 else residual / record.scale
                out[column, t] = np.rint(min(max(unit, -clip), clip) * GRID) / GRID
            ring[record.cursor] = z
            record.cursor = (record.cursor + 1) & (ORDER - 1)
