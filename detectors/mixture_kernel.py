"""The mixture's loop: moments, an exponential histogram of two streams, and the sum over it.

A look at all places costs half a microsecond, so it is spared while the sum
cannot have passed the threshold: a value multiplies the likelihood ratio of any
place by no more than exp(d² / 2), d being its distance from the mean in
deviations. The product of these factors since the last look is what is kept.
"""

import math
from typing import Any

from detectors.bank import Floats, Ints
from detectors.compiled import compiled
from detectors.prefetch import AHEAD, prefetch
from detectors.self_starting import FARTHEST, bounded

Limits = tuple[float, float, float, float, bool, bool]
"""Log threshold, weight of the spread, clip, warm-up, whether rises count, whether falls do."""

ROWS = 16
"""Rows of buckets; those of row r hold 2^r values. Places 260,000 values back are forgotten."""
LIMIT = 4
"""Buckets in a row: more, finer places."""
KNOWN = 20.0
"""Values of deviation 1 that the standardiser's word for the unit is worth."""
FARTHEST_SQUARE = 6.0
"""Squared deviations beyond which a value says no more of the spread."""
STEADY = 0.25
"""Least variance of squared deviations, in units of theirs: those of a fair coin have none."""
LEAST = 0.6
"""A skewed distribution speeds no place up by more than this divisor."""
SHY = 25.0
"""Square of the skewness that is believed by half."""
NEW = 64.0
"""Places that may join between two looks, with a ratio of 1."""
DUST = 7.0
"""A place whose share of the threshold is below exp(-7) is left out of the sum."""
LOG2 = 0.6931471805599453

MEAN_0, SPREAD_0, WEIGHT_0 = 0.0, 0.0225, -0.7985076962177716
MEAN_1, SPREAD_1, WEIGHT_1 = 0.4, 0.0225, -0.6931471805599453
MEAN_2, SPREAD_2, WEIGHT_2 = 1.0, 0.09, -2.995732273553991
"""The sizes of a change that are expected, in deviations: mean, variance and log share of the
three normal parts of the mixture. They are mirrored for falls."""


@compiled
def insert(buckets: Floats, counts: Any, x: float, y: float) -> None:
    """Put a value and its square into row 0 and carry full rows upwards."""
    for r in range(ROWS):
        count = counts[r]
        if count < LIMIT:
            buckets[r, count, 0], buckets[r, count, 1] = x, y
            counts[r] = count + 1
            return
        carried_x = buckets[r, 0, 0] + buckets[r, 1, 0]
        carried_y = buckets[r, 0, 1] + buckets[r, 1, 1]
        for k in range(2, LIMIT):
            buckets[r, k - 2, 0], buckets[r, k - 2, 1] = buckets[r, k, 0], buckets[r, k, 1]
        buckets[r, LIMIT - 2, 0], buckets[r, LIMIT - 2, 1] = x, y
        counts[r] = LIMIT - 1
        x, y = carried_x, carried_y


@compiled
def part(
    gain: float, z: float, v: float, mean: float, spread: float, weight: float, least: float
) -> float:
    """Likelihood ratio of one place under one normal part of the mixture, 0 if it is dust."""
    width = v + spread
    power = gain - 0.5 * (z - mean) * (z - mean) / width + weight
    return math.sqrt(v / width) * math.exp(power) if power > least else 0.0


@compiled
def skewness(cubes: float, n: float, variance: float) -> float:
    """Estimate a third of the skewness, shrunk the more the smaller it is."""
    skew = cubes / (n * variance * math.sqrt(variance))
    return skew * skew * skew / (3.0 * (skew * skew + SHY))


@compiled
def summed(head: Any, buckets: Floats, limits: Limits) -> float:
    """Sum the likelihood ratios of a change over all places, of the mean and of the spread."""
    log_threshold, share, _, _, up, down = limits
    n, mean, level = head.n, head.mean, head.level
    variance = (head.squares + KNOWN) / (n + KNOWN)
    unit, skew = 1.0 / math.sqrt(variance), skewness(head.cubes, n, variance)
    rough = share > 0.0 and up and down
    unit_y = skew_y = log_share = 0.0
    if rough:
        variance = max((head.rough + KNOWN) / (n + KNOWN), STEADY)
        unit_y, log_share = 1.0 / math.sqrt(variance), math.log(share)
        skew_y = head.ragged / (3.0 * n * variance * math.sqrt(variance))
    after, x, y, size, log_size, total = 0.0, 0.0, 0.0, 1.0, 0.0, 0.0
    for r in range(ROWS):
        if head.counts[r] == 0:
            break
        dust = log_threshold - DUST - log_size
        for k in range(head.counts[r] - 1, -1, -1):
            after += size
            if after >= n:
                break
            x += buckets[r, k, 0]
            y += buckets[r, k, 1]
            v = n / (after * (n - after))
            apart = (x - mean * after) * unit
            z = apart * v
            gain = 0.5 * apart * z / max(1.0 + skew * z, LEAST)
            if gain > dust and (up if z > 0.0 else down):
                z = math.sqrt(2.0 * gain * v)
                ratio = part(gain, z, v, MEAN_0, SPREAD_0, WEIGHT_0, dust)
                ratio += part(gain, z, v, MEAN_1, SPREAD_1, WEIGHT_1, dust)
                ratio += part(gain, z, v, MEAN_2, SPREAD_2, WEIGHT_2, dust)
                total += (1.0 - share) * size * ratio
            if rough:
                apart = (y - level * after) * unit_y
                z = apart * v
                gain = 0.5 * apart * z / max(1.0 + skew_y * z, LEAST)
                if gain + log_share > dust:
                    wide = v + 0.1225
                    total += size * math.sqrt(v / wide) * math.exp(gain * 0.1225 / wide + log_share)
        size *= 2.0
        log_size += LOG2
    return total


@compiled
def cleared(head: Any) -> None:
    """Make a slot as good as new."""
    head.alarmed = False
    head.n = head.mean = head.squares = head.cubes = 0.0
    head.level = head.rough = head.ragged = 0.0
    head.bound = head.bound_y = head.gate = head.total = 0.0
    head.unit = head.unit_y = 1.0
    head.counts[:] = 0


@compiled
def hint(heads: Any, windows: Floats, tasks: Ints, later: int) -> None:
    """Fetch the series of a later task: its head and the newer buckets."""
    if later >= tasks.shape[0]:
        return
    for line in range(0, 192, 64):
        prefetch(heads, tasks[later, 3], line)
    for line in range(0, 512, 64):
        prefetch(windows, tasks[later, 3], line)


@compiled
def taken(head: Any, value: float, clip: float, rough: bool) -> tuple[float, float]:  # noqa: FBT001 - compiled
    """Put a value into the moments; returns it, clipped, and how far it says the spread goes."""
    n = head.n
    if n == 0.0:
        head.origin = bounded(value)
    inverse = 1.0 / (n + 1.0)
    apart = min(max(bounded(value) - head.origin, -FARTHEST), FARTHEST) - head.mean
    apart = min(max(apart, -clip), clip)
    x, square = head.mean + apart, apart * apart
    moved = apart * inverse
    head.cubes += moved * n * (moved * (n - 1.0) * apart) - 3.0 * moved * head.squares
    head.squares += square * n * inverse
    head.mean += moved
    square *= head.unit
    head.bound += 0.5 * square
    y = 0.0
    if rough:
        y = min(square, FARTHEST_SQUARE)
        apart = y - head.level
        moved = apart * inverse
        head.ragged += moved * n * (moved * (n - 1.0) * apart) - 3.0 * moved * head.rough
        head.rough += apart * apart * n * inverse
        head.level += moved
        head.bound_y += 0.5 * apart * apart * head.unit_y
    head.n = n + 1.0
    return x, y


@compiled
def looked(head: Any, buckets: Floats, limits: Limits) -> bool:
    """Sum over all places and start the bound anew; returns whether the sum alarms."""
    log_threshold, n = limits[0], head.n
    total = summed(head, buckets, limits)
    head.bound = head.bound_y = 0.0
    head.total = math.log(max(total, 1.0))
    head.gate = log_threshold - math.log(total + NEW)
    head.unit = (n + KNOWN) / (head.squares + KNOWN)
    head.unit_y = 1.0 / max((head.rough + KNOWN) / (n + KNOWN), STEADY)
    alarms: bool = head.total > log_threshold
    return alarms


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    heads: Any,
    windows: Floats,
    limits: Limits,
    row: Ints,
    statistic: Floats,
) -> None:
    """Feed every task until its first alarm."""
    _, share, clip, warmup, up, down = limits
    rough = share > 0.0 and up and down
    for i in range(tasks.shape[0]):
        hint(heads, windows, tasks, i + AHEAD)
        column, start, stop, slot = tasks[i, 0], tasks[i, 1], tasks[i, 2], tasks[i, 3]
        head, buckets = heads[slot], windows[slot]
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if head.alarmed:
                cleared(head)
            x, y = taken(head, value, clip if head.n >= warmup else FARTHEST, rough)
            insert(buckets, head.counts, x, y)
            if max(head.bound, head.bound_y) <= head.gate or head.n < warmup:
                continue
            head.alarmed = looked(head, buckets, limits)
            if head.alarmed:
                row[i], statistic[i] = t, head.total
                break
