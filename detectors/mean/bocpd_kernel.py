"""BOCPD's loop: run lengths with their weights, one value at a time."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled

MAX_NUMBER = 1e150
"""Deviations beyond it count as much as it does: its square is still a number."""

Prior = tuple[float, float, float, float]
"""Mean, and what it is worth in values; shape and rate of the precision."""


def log_ratios(shape: float, lengths: int = 512) -> Floats:
    """Log of Gamma(a + 1/2) / Gamma(a), a = shape + length / 2, for lengths from 0 up."""
    shapes = (shape + length / 2.0 for length in range(lengths))
    return np.array([math.lgamma(a + 0.5) - math.lgamma(a) for a in shapes])


@compiled
def log_ratio(shape: float) -> float:
    """Tell the same of one large shape, by its series: right to the last bits beyond 256."""
    x = 1.0 / (8.0 * shape)
    return 0.5 * math.log(shape) + math.log1p(-x + x * x / 2.0 + 2.5 * x**3 - 2.625 * x**4)


@compiled
def log_density(
    value: float, run: tuple[float, float, float], prior: Prior, ratios: Floats
) -> float:
    """Log density of the next value of a run, a Student t; less log(pi) / 2, common to all."""
    length, mean, rate = run
    worth = prior[1] + length
    shape = prior[2] + length / 2.0
    scale = 2.0 * rate * (worth + 1.0) / worth
    apart = min(max(value - mean, -MAX_NUMBER), MAX_NUMBER)
    odds = apart * apart / scale
    # log(1 + odds) where 1 + odds would be infinite.
    tail = math.log1p(odds) if odds < 1e300 else 2.0 * math.log(abs(apart)) - math.log(scale)
    ratio = ratios[int(length)] if length < len(ratios) else log_ratio(shape)
    return ratio - 0.5 * math.log(scale) - (shape + 0.5) * tail


@compiled
def _lightest(weights: Floats, count: int) -> int:
    """Find the run of least weight, but never the first: that nothing has changed."""
    least = 1
    for i in range(2, count):
        if weights[i] < weights[least]:
            least = i
    return least


@compiled
def _born(record: Any, capacity: int, hazard: float, prior: Prior) -> None:
    """Let a new run begin with the next value; without room it takes that of the lightest."""
    count = record.count
    for i in range(count):
        record.weights[i] *= 1.0 - hazard
    place = count
    if count == capacity:
        place = _lightest(record.weights, count)
        # The weights stay a distribution, and nothing is added to a change by forgetting it.
        record.weights[0] += record.weights[place]
    else:
        record.count = count + 1
    record.weights[place] = hazard
    record.lengths[place] = 0.0
    record.means[place] = prior[0]
    record.rates[place] = prior[3]


@compiled
def _taken(record: Any, value: float, scores: Floats, prior: Prior, ratios: Floats) -> None:
    """Weigh every run by how well it foretold the value, then teach it the value."""
    best = -np.inf
    for i in range(record.count):
        length, mean, rate = record.lengths[i], record.means[i], record.rates[i]
        score = math.log(record.weights[i])
        score += log_density(value, (length, mean, rate), prior, ratios)
        scores[i] = score
        best = max(best, score)
        worth = prior[1] + length
        apart = min(max(value - mean, -MAX_NUMBER), MAX_NUMBER)
        record.rates[i] = min(rate + worth * apart * apart / (2.0 * (worth + 1.0)), 1e300)
        record.means[i] = mean + apart / (worth + 1.0)
        record.lengths[i] = length + 1.0
    total = 0.0
    for i in range(record.count):
        scores[i] = math.exp(scores[i] - best)
        total += scores[i]
    for i in range(record.count):
        record.weights[i] = scores[i] / total


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    limits: tuple[float, float, float],
    prior: Prior,
    ratios: Floats,
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `limits`: hazard, threshold, values at least."""
    hazard, threshold, least = limits
    capacity = records[0].weights.shape[0] if len(records) else 0
    scores: NDArray[np.float64] = np.empty(capacity)
    for k in range(tasks.shape[0]):
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if record.alarmed or record.count == 0:
                record.alarmed = False
                record.count = 1
                record.weights[0], record.lengths[0] = 1.0, 0.0
                record.means[0], record.rates[0] = prior[0], prior[3]
            else:
                _born(record, capacity, hazard, prior)
            _taken(record, value, scores, prior, ratios)
            changed = 1.0 - record.weights[0]
            if changed > threshold and record.lengths[0] >= least:
                record.alarmed = True
                hits[0][k], hits[1][k], hits[2][k] = t, changed, threshold
                break
