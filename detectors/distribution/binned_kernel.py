"""The loop of all detectors that compare a window with a reference, bin by bin.

A series goes through three spans: its first values say where the bins begin
and end; they and those up to `reference` fill the reference's counts; the rest
pass through the window, whose counts gain a value and lose one. Categories need
no bins: their window begins sooner, and what leaves it fills the reference up.
"""

import math
from typing import Any

import numpy as np

from streamproc.detectors.distribution import binned_statistics as by
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch

WARMUP, PREVIOUS, SLIDING = range(3)
EQUAL_MASS, EQUAL_WIDTH, CODES = range(3)
TAIL = 0.05
"""Share of the first values beyond each end of the range that equal widths are laid out for..."""
MARGIN = 0.75
"""... which is then widened by this share of itself at both ends, for what may come."""
SHARED = 16  # what 4 bits of a hash can tell apart
"""Classes that all categories beyond the cap share: one that takes a third of a million others'
place moves one of 16 by a third, but one of 1 not at all."""
RARE = 8
"""Values in both samples below which a category counts as rare: χ² holds down to some two
expected values a class. Judged on both, for the sum says nothing of how it is divided."""


@compiled
def equal_mass(ordered: Floats, edges: Floats, bins: int) -> int:
    """Lay edges at quantiles; returns the number of bins. Bin i holds (edge i-1, edge i].

    A value that fills more than a bin gets a separate one, between the number
    before it and itself.
    """
    used = 0
    for i in range(1, bins):
        edge = ordered[(i * ordered.shape[0]) // bins]
        before = np.nextafter(edge, -math.inf)
        if used == 0 or edge > edges[used - 1]:
            edges[used] = edge
            used += 1
        elif used == 1 or edges[used - 2] < before:
            edges[used - 1], edges[used] = before, edge
            used += 1
    return used + 1


@compiled
def equal_width(ordered: Floats, edges: Floats, bins: int) -> int:
    """Lay edges at equal distances around the bulk; returns the number of bins."""
    n = ordered.shape[0]
    skip = int(TAIL * n)
    low, high = ordered[skip], ordered[n - 1 - skip]
    if low == high:
        low, high = ordered[0], ordered[n - 1]
    if low == high:
        edges[0], edges[1] = np.nextafter(low, -math.inf), low
        return 3
    start = low - MARGIN * (high - low)
    width = (high - low) * (1.0 + 2.0 * MARGIN) / bins
    for i in range(bins - 1):
        edges[i] = start + (i + 1) * width
    return bins


@compiled
def bin_of(edges: Floats, bins: int, value: float) -> int:
    """Index of the first edge that is not below the value."""
    low, more = 0, bins - 1
    while more > 0:
        half = more >> 1
        if edges[low + half] < value:
            low += half + 1
            more -= half + 1
        else:
            more = half
    return low


@compiled
def class_of(keys: Floats, known: int, value: float) -> int:
    """Class of a category: its place among the known ones, else one of the shared classes."""
    place = -1
    for i in range(known):  # with no way out in the middle it takes four at a time
        place = i if keys[i] == value else place
    return place if place >= 0 else int(keys.shape[0]) + shared_class(value)


@compiled
def shared_class(value: float) -> int:
    """Which of the shared classes a category is in: the same wherever it is seen."""
    fraction, exponent = math.frexp(value)
    bits = np.uint64(np.int64(fraction * 2.0**53) * 4099 + exponent)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return int(bits >> np.uint64(60))


@compiled
def learn(record: Any, keys: Floats, value: float) -> int:
    """Class of a category of the reference, a separate one while there is room."""
    place = class_of(keys, record.bins, value)
    if place >= keys.shape[0] and record.bins < keys.shape[0]:
        place = int(record.bins)
        keys[place] = value
        record.bins += 1
    return place


@compiled
def without_rare(counts: Any, keys: Floats, known: int, merged: Any) -> int:
    """Gather the classes to compare: all that are not rare, the rest as the first one.

    A rare category joins a shared class, which then may not be rare. While there
    is room for further categories, all without a separate class was not in the
    reference: that and the rare are the rest. Returns the number of classes.
    """
    cap, full, used = keys.shape[0], known == keys.shape[0], 1
    merged[:, 0] = 0
    merged[:, cap + 1 :] = counts[:2, cap:]
    for i in range(known):
        place = used
        if counts[0, i] + counts[1, i] >= RARE:
            merged[:, used] = 0
            used += 1
        else:
            place = cap + 1 + shared_class(keys[i]) if full else 0
        merged[0, place] += counts[0, i]
        merged[1, place] += counts[1, i]
    for i in range(cap + 1, cap + 1 + SHARED):
        before, now, place = merged[0, i], merged[1, i], 0
        if full and before + now >= RARE:
            place = used
            merged[:, used] = 0
            used += 1
        merged[0, place] += before
        merged[1, place] += now
    return used


@compiled
def judge(
    kind: int, counts: Any, bins: int, bounds: Floats, xlogx: Floats, sizes: Floats, work: Floats
) -> tuple[float, float]:
    """Find a statistic of the first two rows of counts, and its bound; `sizes`: n, m, width."""
    a, b, n, m = counts[0], counts[1], sizes[0], sizes[1]
    if kind == by.KS:
        return by.kolmogorov(a, b, bins, n, m), bounds[0]
    if kind == by.CVM:
        return by.cramer(a, b, bins, n, m), bounds[0] * by.cramer_scale(a, b, bins, work)
    if kind == by.W1:
        scale = sizes[2] * by.wasserstein_scale(a, b, bins, n, m)
        return by.wasserstein(a, b, bins, n, m) * sizes[2], bounds[0] * scale
    return judge_divergence(kind, a, b, bins, bounds, xlogx, sizes)


@compiled
def judge_divergence(
    kind: int, a: Any, b: Any, bins: int, bounds: Floats, xlogx: Floats, sizes: Floats
) -> tuple[float, float]:
    """Do so for a statistic whose multiple tends to χ²."""
    n, m = sizes[0], sizes[1]
    used = 0
    for i in range(bins):
        used += a[i] + b[i] > 0
    bound, k = bounds[used - 1], n * m / (n + m)
    if kind == by.CHI2:
        return by.chi2(a, b, bins, n, m), bound
    if kind == by.G:
        return by.likelihood_ratio(a, b, bins, xlogx), bound
    if kind == by.PSI:
        return by.stability(a, b, bins, n, m), bound / k
    if kind == by.JS:
        return by.jensen_shannon(a, b, bins, n, m), bound / (8.0 * k)
    return by.hellinger(a, b, bins, n, m), math.sqrt(bound / (8.0 * k))


@compiled
def begin(edges: Floats, counts: Any, scheme: int, bins: int, sample: int, ring: Any) -> int:
    """Lay the bins out for the values in `edges`, and count those; returns the number of bins."""
    first = edges[:sample].copy()
    ordered = np.sort(first)
    edges[:] = 0.0
    if scheme == EQUAL_MASS:
        used = equal_mass(ordered, edges, bins)
    else:
        used = equal_width(ordered, edges, bins)
    for i in range(sample):
        place = bin_of(edges, used, first[i])
        counts[0, place] += 1
        ring[i % ring.shape[0]] = place
    return used


@compiled
def slide(record: Any, counts: Any, ring: Any, place: int, against: int, sizes: Ints) -> None:
    """Put a value into the window, and let the oldest out of it."""
    reference, window = sizes[0], sizes[1]
    cursor, length = record.cursor, ring.shape[0]
    if record.held < window:
        record.held += 1
    elif against == WARMUP:
        old = ring[cursor]
        counts[1, old] -= 1
        if record.seen < reference:
            counts[0, old] += 1
            record.seen += 1
    elif against == PREVIOUS:
        old = ring[cursor]
        counts[1, old] -= 1
        counts[2, old] += 1
        record.aged += 1
        if record.aged == reference:
            record.aged = 0
            counts[0] = counts[2]
            counts[2] = 0
    else:
        old = ring[cursor - window if cursor >= window else cursor - window + length]
        counts[1, old] -= 1
        counts[0, old] += 1
        counts[0, ring[cursor]] -= 1
    counts[1, place] += 1
    ring[cursor] = place
    record.cursor = cursor + 1 if cursor + 1 < length else 0


@compiled
def take(
    record: Any, edges: Floats, counts: Any, ring: Any, value: float, modes: Any, sizes: Ints
) -> bool:
    """Put a value where it belongs; whether a comparison is due."""
    scheme, against = modes[1], modes[2]
    if record.seen < sizes[4]:
        edges[record.seen] = value
        record.seen += 1
        if record.seen == sizes[4]:
            record.bins = begin(edges, counts, scheme, sizes[3], sizes[4], ring)
            record.cursor = sizes[4] if against == SLIDING else 0
        return False
    if scheme != CODES:
        place = bin_of(edges, record.bins, value)
    elif record.seen < sizes[0]:
        place = learn(record, edges, value)
    else:
        place = class_of(edges, record.bins, value)
    if record.seen < sizes[5]:
        record.seen += 1
        counts[0, place] += 1
        if against == SLIDING:
            ring[record.cursor] = place
            record.cursor += 1
        return False
    slide(record, counts, ring, place, against, sizes)
    if record.held < sizes[1]:
        return False
    record.wait -= 1
    if record.wait > 0:
        return False
    record.wait = sizes[2]
    return True


@compiled
def forget(record: Any, edges: Floats, counts: Any, ring: Any) -> None:
    """Make a slot as good as new."""
    record.alarmed = False
    record.seen = record.held = record.aged = record.cursor = 0
    record.wait = record.bins = 0
    edges[:] = 0.0
    counts[:] = 0
    ring[:] = 0


@compiled
def compare(
    record: Any,
    edges: Floats,
    counts: Any,
    modes: Any,
    tables: Any,
    sizes: Floats,
    work: tuple[Floats, Any],
) -> tuple[float, float]:
    """Find the statistic of a slot, and its bound."""
    bins = record.bins
    if modes[1] == CODES:
        used = without_rare(counts, edges, bins, work[1])
        return judge(modes[0], work[1], used, tables[0], tables[1], sizes, work[0])
    # Three equal-width bins are those of a constant: it has no width, so differing counts as 1.
    sizes[2] = edges[1] - edges[0] if bins > 3 else 1.0
    return judge(modes[0], counts, bins, tables[0], tables[1], sizes, work[0])


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    arrays: tuple[Floats, Any, Any],
    modes: tuple[int, int, int],
    sizes: Ints,
    tables: tuple[Floats, Floats],
    hits: tuple[Ints, Floats, Floats],
) -> None:
    """Feed every task until its first alarm.

    `arrays`: edges, counts, ring. `modes`: kind, scheme, against. `sizes`:
    reference, window, stride, bins, sample, first values that are of the reference
    (it grows to its size by what leaves the window). `tables`: bounds, i ln i.
    `hits`: row, statistic, threshold.
    """
    measures = np.array([float(sizes[0]), float(sizes[1]), 1.0])
    work = np.zeros(sizes[3]), np.zeros((2, sizes[3] + 1), np.int16)
    for k in range(tasks.shape[0]):
        if k + AHEAD < tasks.shape[0]:
            later = tasks[k + AHEAD, 3]
            prefetch(records, later, 0)
            for line in range(0, 8 * sizes[3], 64):
                prefetch(arrays[0], later, line)
            for line in range(0, 4 * sizes[3], 64):
                prefetch(arrays[1], later, line)
        column, start, stop, slot = tasks[k, 0], tasks[k, 1], tasks[k, 2], tasks[k, 3]
        record, edges = records[slot], arrays[0][slot]
        counts, ring = arrays[1][slot], arrays[2][slot]
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            if record.alarmed:
                forget(record, edges, counts, ring)
            if not take(record, edges, counts, ring, value, modes, sizes):
                continue
            measures[0] = record.seen
            found, bound = compare(record, edges, counts, modes, tables, measures, work)
            if found > bound:
                record.alarmed = True
                hits[0][k], hits[1][k], hits[2][k] = t, found, bound
                break
