"""The oracle: a CUSUM that knows both distributions, which no detector can beat by much."""

from collections.abc import Callable

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled

Ratio = Callable[[Floats], Floats]
"""Values → log-likelihood ratio of after against before."""


@compiled
def _alarms(ratios: Floats, bounds: Floats, counts: Ints) -> None:
    """Count alarms at each bound, each sum starting afresh after its alarm."""
    for k in range(bounds.shape[0]):
        for row in range(ratios.shape[0]):
            total = 0.0
            for t in range(ratios.shape[1]):
                total = max(0.0, total + ratios[row, t])
                if total > bounds[k]:
                    counts[k] += 1
                    total = 0.0


@compiled
def _first(ratios: Floats, bound: float, found: Ints) -> None:
    """Row of the first alarm, -1 if none."""
    for row in range(ratios.shape[0]):
        found[row] = -1
        total = 0.0
        for t in range(ratios.shape[1]):
            total = max(0.0, total + ratios[row, t])
            if total > bound:
                found[row] = t
                break


def bound_for(ratio: Ratio, before: Floats, arl: float) -> float:
    """Simulate the bound whose run length on stationary values is `arl`.

    Parameters
    ----------
    ratio
        Log-likelihood ratio.
    before
        Stationary values, (series, time); 30 · arl of them or more.
    arl
        Values until a false alarm.
    """
    bounds = np.linspace(1.0, np.log(arl) + 2.0, 24)
    counts = np.zeros(len(bounds), np.int64)
    _alarms(np.ascontiguousarray(ratio(before)), bounds, counts)
    seen = counts > 0
    lengths = np.maximum.accumulate(before.size / counts[seen])
    return float(np.interp(np.log(arl), np.log(lengths), bounds[seen]))


def first_alarms(ratio: Ratio, values: Floats, bound: float) -> Ints:
    """Row of each series' first alarm, -1 if none."""
    found = np.empty(len(values), np.int64)
    _first(np.ascontiguousarray(ratio(values)), bound, found)
    return found
