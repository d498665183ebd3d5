"""The mixture's loop: moments, an exponential histogram of two streams, and the sum over it.

A look at all places costs half a microsecond, so it is spared while the sum
cannot have passed the threshold: a value d deviations above the mean multiplies
the likelihood ratio of a rise by no more than exp(d² / 2), whatever its place and
size, and makes that of a fall no larger (of skewed values `possible` has the
rest). The products of these factors since the last look are what is kept.
"""

import math
from typing import Any

from streamproc.detectors.mean.self_starting import bounded
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch
from streamproc.detectors.runtime.skewness import gained, skewness

Limits = tuple[float, float, float, float, bool, bool]
"""Log threshold, weight of the spread, clip, warm-up, whether rises count, whether falls do."""

ROWS = 16
"""Rows of buckets; those of row r hold 2^r values. Places 260,000 values back are forgotten."""
LIMIT = 4
"""Buckets in a row: more, finer places."""
KNOWN = 20.0
"""Values of deviation 1 that the standardiser's word for the unit is worth."""
FARTHEST = 1e18
"""Values count as no farther from the first one than this: sums of them are kept in 32 bits."""
FARTHEST_SQUARE = 6.0
"""Squared deviations beyond which a value says no more of the spread."""
STEADY = 0.25
"""Least variance of squared deviations: those of a fair coin have none."""
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
SPREAD_Y = 0.1225
"""The same of changes of the spread, of which there is one part: its variance."""

Moments = tuple[float, float, float]
"""Mean, and sums of squares and of cubes of what is apart from it."""
Bounds = tuple[float, float]
"""Most that the logarithm of the sum can have grown by since the last look: rises, falls."""
NO_VALUES: Moments = (0.0, 0.0, 0.0)
NOTHING: Bounds = (0.0, 0.0)


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
def scaled(squares: float, cubes: float, n: float) -> tuple[float, float]:
    """One over the deviation of the values, as far as it is known, and their skewness."""
    variance = (squares + KNOWN) / (n + KNOWN)
    return 1.0 / math.sqrt(variance), skewness(cubes, n, variance)


@compiled
def scaled_y(squares: float, cubes: float, n: float) -> tuple[float, float]:
    """Compute the same of the squared deviations, which are skewed whatever the values are."""
    variance = max((squares + KNOWN) / (n + KNOWN), STEADY)
    return 1.0 / math.sqrt(variance), cubes / (n * variance * math.sqrt(variance))


@compiled
def grown(apart: float, n: float, moments: Moments) -> Moments:
    """Add a value to mean, squares and cubes of n others, from whose mean it is `apart`."""
    mean, squares, cubes = moments
    moved = apart / (n + 1.0)
    cubes += moved * n * (moved * (n - 1.0) * apart) - 3.0 * moved * squares
    return mean + moved, squares + moved * n * apart, cubes


@compiled
def possible(bounds: Bounds, apart: float, unit: float, skew: float) -> Bounds:
    """Add what a value can add to the logarithm of the sum, to places of a rise and of a fall."""
    apart *= unit
    u = skew * apart
    most = 0.5 / (1.0 + 0.125 * max(u, 0.0)) - 0.5 * min(u, 0.0)
    up, down = max(apart, 0.0), min(apart, 0.0)  # not a branch: half of all would be guessed wrong
    return bounds[0] + most * up * up, bounds[1] + most * down * down


@compiled
def summed(head: Any, buckets: Floats, limits: Limits) -> float:
    """Sum the likelihood ratios of a change over all places, of the mean and of the spread."""
    log_threshold, share, _, _, up, down = limits
    n, mean, level = head.n, head.mean, head.level
    rough = share > 0.0 and up and down
    unit, skew = scaled(head.squares, head.cubes, n)
    unit_y, skew_y = scaled_y(head.rough, head.ragged, n)
    log_share = math.log(share) if rough else 0.0
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
            # No skewness doubles what a normal distribution gains; most places end here.
            apart = (x - mean * after) * unit
            if apart * apart * v > dust and (up if apart > 0.0 else down):
                gain = gained(apart, after, n - after, skew)
                if gain > dust:
                    z = math.sqrt(2.0 * gain * v)
                    ratio = part(gain, z, v, MEAN_0, SPREAD_0, WEIGHT_0, dust)
                    ratio += part(gain, z, v, MEAN_1, SPREAD_1, WEIGHT_1, dust)
                    ratio += part(gain, z, v, MEAN_2, SPREAD_2, WEIGHT_2, dust)
                    total += (1.0 - share) * size * ratio
            apart = (y - level * after) * unit_y
            if rough and apart * apart * v + log_share > dust:
                gain = gained(apart, after, n - after, skew_y)
                z = math.sqrt(2.0 * gain * v)
                total += size * part(gain, z, v, MEAN_0, SPREAD_Y, log_share, dust)
        size *= 2.0
        log_size += LOG2
    return total


@compiled
def cleared(head: Any) -> None:
    """Make a slot as good as new."""
    head.alarmed = False
    head.n = head.mean = head.squares = head.cubes = 0.0
    head.level = head.rough = head.ragged = 0.0
    head.rise = head.fall = head.rise_y = head.fall_y = 0.0
    head.gate = head.total = 0.0
    head.unit = head.unit_y = 1.0
    head.skew = head.skew_y = 0.0
    head.counts[:] = 0


@compiled
def hint(heads: Any, windows: Floats, tasks: Ints, later: int) -> None:
    """Fetch the series of a later task: its head and the newer buckets."""
    if later >= tasks.shape[0]:
        return
    for line in range(0, 192, 64):
        prefetch(heads, tasks[later, 3], line)
    for line in range(0, 256, 64):
        prefetch(windows, tasks[later, 3], line)


@compiled
def looked(head: Any, buckets: Floats, limits: Limits) -> bool:
    """Sum over all places and set the bar for the next look; returns whether the sum alarms."""
    log_threshold = limits[0]
    total = summed(head, buckets, limits)
    head.total = math.log(max(total, 1.0))
    head.gate = log_threshold - math.log(total + NEW)
    head.unit, head.skew = scaled(head.squares, head.cubes, head.n)
    head.unit_y, head.skew_y = scaled_y(head.rough, head.ragged, head.n)
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
        # In registers: a loop through a record waits for its own writes.
        n, origin = head.n, head.origin
        bounds, bounds_y = (head.rise, head.fall), (head.rise_y, head.fall_y)
        own, wide = (head.mean, head.squares, head.cubes), (head.level, head.rough, head.ragged)
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if head.alarmed:
                cleared(head)
                n, bounds, bounds_y = 0.0, NOTHING, NOTHING
                own = wide = NO_VALUES
            if n == 0.0:
                origin = bounded(value)
            apart = min(max(bounded(value) - origin, -FARTHEST), FARTHEST) - own[0]
            reach = clip if n >= warmup else FARTHEST
            apart = min(max(apart, -reach), reach)
            x, y = own[0] + apart, 0.0
            own = grown(apart, n, own)
            bounds = possible(bounds, apart, head.unit, head.skew)
            if rough:
                y = min(apart * apart, FARTHEST_SQUARE)
                bounds_y = possible(bounds_y, y - wide[0], head.unit_y, head.skew_y)
                wide = grown(y - wide[0], n, wide)
            n += 1.0
            insert(buckets, head.counts, x, y)
            if max(*bounds, *bounds_y) <= head.gate or n < warmup:
                continue
            head.n, head.mean, head.squares, head.cubes = n, own[0], own[1], own[2]
            head.level, head.rough, head.ragged = wide
            head.alarmed = looked(head, buckets, limits)
            bounds = bounds_y = NOTHING
            if head.alarmed:
                row[i], statistic[i] = t, head.total
                break
        head.n, head.origin = n, origin
        head.rise, head.fall = bounds
        head.rise_y, head.fall_y = bounds_y
        head.mean, head.squares, head.cubes = own
        head.level, head.rough, head.ragged = wide
