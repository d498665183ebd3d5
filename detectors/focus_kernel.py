"""FOCuS's loop: convex hulls of the cumulative sum, and a bound that spares looking at them.

For any two means the best place of a rise between them is a corner of the lower
convex hull of the points (t, sum of t values), of a fall one of the upper hull;
so no other place need be kept. A hull is a stack of (t, sum): a new point takes
off the corners that it hides, each corner once.

The statistic of a place grows with a value x by at most what x alone would gain
from a mean of its own, since two parts fitted apart fit no worse than as one.
Summing up these gains since the last look bounds the statistic of every place;
the hulls are looked at only when the bound passes the threshold.
"""

import math
from typing import Any

from detectors.bank import Floats, Ints
from detectors.compiled import compiled
from detectors.prefetch import AHEAD, prefetch

GAUSSIAN, BERNOULLI, POISSON, GAMMA = range(4)

SURE = 1.0 - 1e-6
"""Share of the threshold up to which the bound is believed; covers rounding of both."""
FARTHEST = 1e100
"""Values count as no farther from the first one than this, so that no square overflows."""
LEAST = 1e-300
"""Gamma values count as at least this: the likelihood of 0 is infinite."""


@compiled
def domain(value: float, family: int) -> float:
    """Draw a value in to where the family's likelihood is finite."""
    if family == GAUSSIAN:
        return min(max(value, -FARTHEST), FARTHEST)
    if family == BERNOULLI:
        return min(max(value, 0.0), 1.0)
    return min(max(value, LEAST if family == GAMMA else 0.0), FARTHEST)


@compiled
def best(total: float, count: float, family: int, shape: float) -> float:
    """Log-likelihood of `count` values of this sum at their own mean, up to constants."""
    if family == GAUSSIAN:
        return 0.5 * total * total / count
    if family == GAMMA:
        return -shape * count * (math.log(max(total, LEAST) / count) + 1.0)
    likelihood = total * math.log(total / count) if total > 0.0 else 0.0
    if family == POISSON:
        return likelihood - total
    rest = count - total
    return likelihood + (rest * math.log(rest / count) if rest > 0.0 else 0.0)


@compiled
def at(total: float, count: float, level: float, family: int, shape: float) -> float:
    """Log-likelihood of such values at a given mean."""
    if family == GAUSSIAN:
        return level * (total - 0.5 * count * level)
    if family == GAMMA:
        return -shape * (count * math.log(level) + total / level)
    if family == POISSON:
        return total * math.log(level) - count * level
    return total * math.log(level) + (count - total) * math.log1p(-level)


@compiled
def gain(total: float, n: float, before: float, since: float, known: bool, model: Any) -> float:  # noqa: FBT001 - compiled
    """Log-likelihood ratio of a change after `since` values, whose sum was `before`."""
    family, shape, level = model
    if known:
        rest, count = total - before, n - since
        return best(rest, count, family, shape) - at(rest, count, level, family, shape)
    if since == 0.0:
        return 0.0
    if family == GAUSSIAN:  # the same, in one piece: nothing large is subtracted from its like
        apart = since * total - n * before
        return apart * apart / (2.0 * n * since * (n - since))
    apart = best(before, since, family, shape) + best(total - before, n - since, family, shape)
    return apart - best(total, n, family, shape)


@compiled
def grown(head: Any, hull: Floats, count: int, sign: float, known: bool, level: float) -> int:  # noqa: FBT001 - compiled
    """Add the point (n, total) to a hull; returns how many corners it has."""
    n, total = head.n, head.total
    while count > 1:
        end, height = hull[count - 1, 0], hull[count - 1, 1]
        run, rise = end - hull[count - 2, 0], height - hull[count - 2, 1]
        if sign * ((total - height) * run - rise * (n - end)) > 0.0:
            break
        count -= 1
    if count == hull.shape[0]:
        count = thinned(hull, n)
    hull[count, 0], hull[count, 1] = n, total
    count += 1
    return forgotten(hull, count, sign, level) if known else count


@compiled
def thinned(hull: Floats, n: float) -> int:
    """Make room in a full hull: forget the corner that its neighbours replace best.

    That is the one whose neighbours lie closest together for its age, so that
    places stay dense where they are recent, as on a logarithmic scale. A
    forgotten place lowers the statistic or leaves it: it costs no false alarm.
    """
    last: int = hull.shape[0] - 1
    closest, victim = math.inf, 1
    for k in range(1, last):
        gap = (hull[k + 1, 0] - hull[k - 1, 0]) / (n - hull[k, 0])
        if gap < closest:
            closest, victim = gap, k
    for k in range(victim, last):
        hull[k, 0], hull[k, 1] = hull[k + 1, 0], hull[k + 1, 1]
    return last


@compiled
def forgotten(hull: Floats, count: int, sign: float, level: float) -> int:
    """With a known mean, drop the oldest corners: what followed them lay on its other side."""
    drop = 0
    while drop + 1 < count:
        run, rise = hull[drop + 1, 0] - hull[drop, 0], hull[drop + 1, 1] - hull[drop, 1]
        if sign * (rise - level * run) > 0.0:
            break
        drop += 1
    if drop > 0:
        for k in range(drop, count):
            hull[k - drop, 0], hull[k - drop, 1] = hull[k, 0], hull[k, 1]
    return count - drop


@compiled
def look(head: Any, hull: Floats, count: int, most: float, known: bool, model: Any) -> float:  # noqa: FBT001 - compiled
    """Gain of the best corner if it is above `most`, whose place it takes; else `most`."""
    for k in range(count - 1):  # the last is now: nothing came after it
        gained = gain(head.total, head.n, hull[k, 1], hull[k, 0], known, model)
        if gained > most:
            most, head.place = gained, hull[k, 0]
    return most


@compiled
def possible(head: Any, x: float, known: bool, model: Any) -> float:  # noqa: FBT001 - compiled
    """Most that the value can add to the statistic of any place; it is not in `head` yet."""
    family, shape, level = model
    n: float = head.n
    if known:
        return best(x, 1.0, family, shape) - at(x, 1.0, level, family, shape)
    if n == 0.0:
        head.past = best(x, 1.0, family, shape)
        return 0.0
    if family == GAUSSIAN:
        apart: float = n * x - head.total
        return apart * apart / (2.0 * n * (n + 1.0))
    past: float = head.past
    head.past = whole = best(head.total + x, n + 1.0, family, shape)
    return past + best(x, 1.0, family, shape) - whole


@compiled
def step(
    head: Any,
    rises: Floats,
    falls: Floats,
    value: float,
    limits: tuple[float, bool, bool, bool],
    model: Any,
) -> float:
    """Take a value; returns the statistic where it had to be known, else 0."""
    threshold, known, up, down = limits
    family, _, level = model
    x = domain(value - head.origin, family)
    head.bound += possible(head, x, known, model)
    head.n += 1.0
    head.total += x
    if up:
        head.ups = grown(head, rises, head.ups, 1.0, known, level)
    if down:
        head.downs = grown(head, falls, head.downs, -1.0, known, level)
    if head.bound <= SURE * threshold:
        return 0.0
    most = 0.0
    if up:
        most = look(head, rises, head.ups, most, known, model)
    if down:
        most = look(head, falls, head.downs, most, known, model)
    head.bound = most
    return most


@compiled
def restart(head: Any, rises: Floats, falls: Floats) -> None:
    """Begin anew: both hulls have the origin as their only corner."""
    head.n = head.total = head.past = head.bound = head.place = 0.0
    head.ups = head.downs = 1
    head.alarmed = False
    rises[0, 0] = rises[0, 1] = falls[0, 0] = falls[0, 1] = 0.0


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    heads: Any,
    hulls: Floats,
    limits: tuple[float, bool, bool, bool],
    model: Any,
    row: Ints,
    statistic: Floats,
) -> None:
    """Feed every task until its first alarm.

    `limits`: threshold, whether the mean is known, whether rises, falls count;
    `model`: family, shape, known mean from `origin` on.
    """
    threshold, known = limits[0], limits[1]
    first = not known and model[0] == GAUSSIAN
    half = 16 * hulls.shape[2]
    for i in range(tasks.shape[0]):
        if i + AHEAD < tasks.shape[0]:
            later = tasks[i + AHEAD, 3]
            prefetch(heads, later, 0)
            for line in range(0, min(192, half), 64):
                prefetch(hulls, later, line)
                prefetch(hulls, later, half + line)
        column, start, stop, slot = tasks[i, 0], tasks[i, 1], tasks[i, 2], tasks[i, 3]
        head, rises, falls = heads[slot], hulls[slot, 0], hulls[slot, 1]
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if head.alarmed:
                restart(head, rises, falls)
            if first and head.n == 0.0:
                head.origin = value
            most = step(head, rises, falls, value, limits, model)
            if most > threshold:
                head.alarmed = True
                row[i], statistic[i] = t, most
                break
