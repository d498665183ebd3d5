"""FOCuS's loop: convex hulls of the cumulative sum, and a bound that spares looking at them.

For any two means the best place of a rise between them is a corner of the lower
convex hull of the points (t, sum of t values), of a fall one of the upper hull;
so no other place need be kept. A hull is a stack of (t, sum): a new point takes
off the corners that it hides, each corner once.

The statistic of a place grows with a value x by at most what x alone would gain
from a separate mean, since two parts fitted apart fit no worse than as one.
Summing up these gains since the last look bounds the statistic of every place;
the hulls are looked at only when the bound passes the threshold, below which no
place's own need lies.
"""

import math
from typing import Any

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch

Limits = tuple[float, float, bool, bool, bool]
"""Threshold, penalty, whether the mean before is known, whether rises count, whether falls do."""

GAUSSIAN, BERNOULLI, POISSON, GAMMA = range(4)

SURE = 1.0 - 1e-6
"""Share of the threshold up to which the bound is believed; covers rounding of both."""
FARTHEST = 1e100
"""Values count as no farther from the first one than this, so that no square overflows."""
MIN_VALUE = 1e-300
"""Gamma values count as at least this: the likelihood of 0 is infinite."""


@compiled
def domain(value: float, family: int) -> float:
    """Draw a value in to where the family's likelihood is finite."""
    if family == GAUSSIAN:
        return min(max(value, -FARTHEST), FARTHEST)
    if family == BERNOULLI:
        return min(max(value, 0.0), 1.0)
    return min(max(value, MIN_VALUE if family == GAMMA else 0.0), FARTHEST)


@compiled
def best(total: float, count: float, family: int, shape: float) -> float:
    """Log-likelihood of `count` values of this sum at their own mean, up to constants."""
    if family == GAUSSIAN:
        return 0.5 * total * total / count
    if family == GAMMA:
        return -shape * count * (math.log(max(total, MIN_VALUE) / count) + 1.0)
    likelihood = total * math.log(total / count) if total > 0.0 else 0.0
    if family == POISSON:
        return likelihood - total
    zeros = count - total
    return likelihood + (zeros * math.log(zeros / count) if zeros > 0.0 else 0.0)


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
        later, count = total - before, n - since
        return best(later, count, family, shape) - at(later, count, level, family, shape)
    if since == 0.0:
        return 0.0
    if family == GAUSSIAN:  # the same, in one piece: nothing large is subtracted from its like
        apart = since * total - n * before
        return apart * apart / (2.0 * n * since * (n - since))
    apart = best(before, since, family, shape) + best(total - before, n - since, family, shape)
    return apart - best(total, n, family, shape)


@compiled
def grown(
    n: float,
    total: float,
    hull: Floats,
    count: int,
    sign: float,
    known: bool,  # noqa: FBT001 - compiled
    level: float,
) -> int:
    """Add the point (n, total) to a hull; returns how many corners it has."""
    end, height = hull[count - 1, 0], hull[count - 1, 1]
    while count > 1:
        start, depth = hull[count - 2, 0], hull[count - 2, 1]
        if sign * ((total - height) * (end - start) - (height - depth) * (n - end)) > 0.0:
            break
        end, height = start, depth
        count -= 1
    if count == hull.shape[0]:
        count = thinned(hull)
    hull[count, 0], hull[count, 1] = n, total
    count += 1
    return forgotten(hull, count, sign, level) if known else count


@compiled
def thinned(hull: Floats) -> int:
    """Make room in a full hull: forget the corner that is the flattest.

    That is the one between whose two sides a change is the least likely (up to
    the values' variance, which is the same for all corners). A forgotten place
    lowers the statistic or leaves it: it costs no false alarm.
    """
    last: int = hull.shape[0] - 1
    flattest, victim = math.inf, 1
    for k in range(1, last):
        run, rise = hull[k, 0] - hull[k - 1, 0], hull[k, 1] - hull[k - 1, 1]
        run2, rise2 = hull[k + 1, 0] - hull[k, 0], hull[k + 1, 1] - hull[k, 1]
        bend = rise2 * run - rise * run2
        if bend * bend < flattest * (run * run2 * (run + run2)):
            flattest, victim = bend * bend / (run * run2 * (run + run2)), k
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
def needed(head: Any, since: float, limits: Limits) -> float:
    """Gain that a place has to exceed: more where one of its sides is short."""
    threshold, penalty, known, _, _ = limits
    if penalty == 0.0:
        return threshold
    short = 1.0 / (head.n - since)
    if not known:
        short += 1.0 / since
    factor = 1.0 + penalty * math.sqrt(threshold * short)
    return threshold * factor * factor


@compiled
def look(head: Any, hull: Floats, count: int, limits: Limits, model: Any) -> None:
    """Put the corner that exceeds its need the most, if it is better, into the head."""
    known = limits[2]
    for k in range(count - 1):  # the last is now: nothing came after it
        since = hull[k, 0]
        if since == 0.0 and not known:
            continue
        gained = gain(head.total, head.n, hull[k, 1], since, known, model)
        head.bound = max(head.bound, gained)
        need = needed(head, since, limits)
        if gained - need > head.gain - head.need:
            head.gain, head.need, head.place = gained, need, since


@compiled
def largest(head: Any, hull: Floats, count: int, so_far: float) -> float:
    """Largest gain of a Gaussian hull's corners, or `so_far`; no root, one division in all."""
    n, total = head.n, head.total
    top, below = so_far * 2.0 * n, 1.0
    for k in range(1 if hull[0, 0] == 0.0 else 0, count - 1):
        since = hull[k, 0]
        apart = since * total - n * hull[k, 1]
        over, under = apart * apart, since * (n - since)
        if over * below > top * under:
            top, below = over, under
    gained: float = top / (2.0 * n * below)
    return gained


@compiled
def possible(
    n: float,
    total: float,
    past: float,
    x: float,
    known: bool,  # noqa: FBT001 - compiled
    model: Any,
) -> tuple[float, float]:
    """Most that a value can add to the statistic of any place, and the `past` of the next one."""
    family, shape, level = model
    if known:
        return best(x, 1.0, family, shape) - at(x, 1.0, level, family, shape), past
    if n == 0.0:
        return 0.0, best(x, 1.0, family, shape)
    if family == GAUSSIAN:
        apart = n * x - total
        return apart * apart / (2.0 * n * (n + 1.0)), past
    total_gain = best(total + x, n + 1.0, family, shape)
    return past + best(x, 1.0, family, shape) - total_gain, total_gain


@compiled
def looked(head: Any, rises: Floats, falls: Floats, limits: Limits, model: Any) -> bool:
    """Look at all corners; returns whether some place gained more than it needs."""
    threshold, _, known, up, down = limits
    head.bound = 0.0
    head.gain, head.need, head.place = 0.0, math.inf, head.n
    if model[0] == GAUSSIAN and not known:  # most looks end here: no place gained the threshold
        gained = largest(head, rises, head.ups, 0.0) if up else 0.0
        gained = largest(head, falls, head.downs, gained) if down else gained
        if gained <= SURE * threshold:
            head.bound = gained
            return False
    if up:
        look(head, rises, head.ups, limits, model)
    if down:
        look(head, falls, head.downs, limits, model)
    above: bool = head.gain > head.need
    return above


@compiled
def hint(heads: Any, hulls: Floats, tasks: Ints, later: int) -> None:
    """Fetch the series of a later task: its head, and the older corners of both hulls."""
    if later >= tasks.shape[0]:
        return
    slot, half = tasks[later, 3], 16 * hulls.shape[2]
    prefetch(heads, slot, 0)
    prefetch(heads, slot, 64)
    for line in range(0, min(192, half), 64):
        prefetch(hulls, slot, line)
        prefetch(hulls, slot, half + line)


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    heads: Any,
    hulls: Floats,
    limits: Limits,
    model: Any,
    found: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm; `model`: family, shape, known mean.

    `found`: row, statistic and threshold of each task's alarm.
    """
    row, statistic, threshold = found
    known, up, down = limits[2:]
    family, _, level = model
    first = not known and family == GAUSSIAN
    gate = SURE * limits[0]
    for i in range(tasks.shape[0]):
        hint(heads, hulls, tasks, i + AHEAD)
        column, start, stop, slot = tasks[i, 0], tasks[i, 1], tasks[i, 2], tasks[i, 3]
        head, rises, falls = heads[slot], hulls[slot, 0], hulls[slot, 1]
        # In registers: a loop through a record waits for its own writes.
        n, total, past, bound = head.n, head.total, head.past, head.bound
        origin, ups, downs = head.origin, head.ups, head.downs
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if head.alarmed:
                head.alarmed = False
                n = total = past = bound = 0.0
                ups = downs = 1
                rises[0, 0] = rises[0, 1] = falls[0, 0] = falls[0, 1] = 0.0
            if first and n == 0.0:
                origin = value
            x = domain(value - origin, family)
            more, past = possible(n, total, past, x, known, model)
            bound += more
            n += 1.0
            total += x
            if up:
                ups = grown(n, total, rises, ups, 1.0, known, level)
            if down:
                downs = grown(n, total, falls, downs, -1.0, known, level)
            if bound <= gate:
                continue
            head.n, head.total, head.ups, head.downs = n, total, ups, downs
            head.alarmed = looked(head, rises, falls, limits, model)
            bound = head.bound
            if head.alarmed:
                row[i], statistic[i], threshold[i] = t, head.gain, head.need
                break
        head.n, head.total, head.past, head.bound = n, total, past, bound
        head.origin, head.ups, head.downs = origin, ups, downs
