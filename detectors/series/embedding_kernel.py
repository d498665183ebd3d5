"""The loop of the embedder: a vector to three numbers, and what is remembered of it."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled

SKETCH = 64
"""Numbers that a longer vector is summed up in: inner products of unit vectors are off by an
eighth at most, mostly, whatever the length, and a series takes 2.4 kB instead of 20."""
WAVES = 64
"""Random Fourier features: the kernel is off by an eighth; 256 would cost four times as much."""
LEARN = 64
"""Vectors that the width of the kernel is learned from, and then its mean; and vectors of a new
length in a row after which the series restarts with it."""
PAIRS = LEARN // 2
RECENT = 32
"""Vectors that the recent mean is made of. It only gives the direction in which the next one
is looked at: longer follows smaller changes, and makes neighbouring values more alike."""
MAX_WEIGHT = 4096
"""Vectors that a reference is made of at most; then it follows."""
ENOUGH = 100.0
"""Sum of standardised values, less half a deviation each, after which a change is the new
normal. Page-Hinkley, at 42, has alarmed by then."""
DRIFT, CLIP = 0.5, 4.0
FARTHEST = 1e100
"""Numbers count as no farther from zero than this, so that no square of them overflows."""
# Of `places`: what a slot remembers, a row of SKETCH or WAVES each.
CENTER, LAST, REFERENCE, MEAN = range(4)


@compiled
def summed_up(flat: Floats, start: int, stop: int, sketch: Floats) -> float:
    """Fill the sketch of a vector; returns its norm.

    Up to `SKETCH` numbers are taken as they are. Each of more is added to, or
    taken from, one of the sketch's, by a hash of its place.
    """
    sketch[:] = 0.0
    squares, short = 0.0, stop - start <= SKETCH
    for i in range(start, stop):
        value = min(max(flat[i], -FARTHEST), FARTHEST)
        squares += value * value
        if short:
            sketch[i - start] = value
            continue
        bits = np.uint64(i - start + 1) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        place = np.int64(bits >> np.uint64(58))
        if bits & np.uint64(1 << 40):
            sketch[place] += value
        else:
            sketch[place] -= value
    return math.sqrt(squares)


@compiled
def length_of(vector: Floats) -> float:
    """Euclidean norm."""
    squares = 0.0
    for i in range(vector.shape[0]):
        squares += vector[i] * vector[i]
    return math.sqrt(squares)


@compiled
def waves(sketch: Floats, used: int, width: float, angles: Any, lifted: Floats) -> None:
    """Fill random Fourier features: their inner product is a Gaussian kernel of that width."""
    for j in range(WAVES):
        lifted[j] = angles[SKETCH, j]
    for i in range(used):
        value = sketch[i] / width
        for j in range(WAVES):
            lifted[j] += value * angles[i, j]
    for j in range(WAVES):
        lifted[j] = math.cos(lifted[j]) * math.sqrt(2.0 / WAVES)


@compiled
def toward(mean: Floats, value: Floats, count: float) -> None:
    """Take a value into a mean of `count` values, it among them."""
    for i in range(mean.shape[0]):
        mean[i] += (value[i] - mean[i]) / count


@compiled
def learn(record: Any, places: Any, distances: Floats, sketch: Floats) -> None:
    """Learn the width of the kernel: the median distance of neighbours."""
    if record.n % 2 == 1:
        distances[record.n // 2] = length_of(sketch - places[LAST])
    places[LAST] = sketch
    if record.n == LEARN - 1:
        ordered = np.sort(distances)
        # Vectors that are mostly equal have no such distance: then the largest, then any.
        width = ordered[PAIRS // 2] if ordered[PAIRS // 2] > 0.0 else ordered[PAIRS - 1]
        if width == 0.0:
            width = length_of(sketch)
        record.width = width if width > 0.0 else 1.0


@compiled
def apart(record: Any, places: Any, lifted: Floats) -> float:
    """How far a vector lies from the reference in the direction of the recent ones.

    The mean of it is the maximum mean discrepancy of the two. Without that
    direction it is 0.
    """
    along, squares = 0.0, 0.0
    for j in range(WAVES):
        way = places[MEAN, j] - places[REFERENCE, j]
        along += (lifted[j] - places[REFERENCE, j]) * way
        squares += way * way
    found = along / math.sqrt(squares) if squares > 0.0 else 0.0
    counted = record.n - 2 * LEARN + 1.0
    record.square += (found * found - record.square) / min(counted, float(MAX_WEIGHT))
    if record.square > 0.0 and counted >= LEARN:
        step = min(found / math.sqrt(record.square), CLIP) - DRIFT
        record.moved = max(0.0, record.moved + step)
    return found


@compiled
def restart(record: Any, places: Any, distances: Floats, length: int) -> None:
    """Forget all but the length."""
    record.length, record.n, record.odd_length, record.odd = length, 0, 0, 0
    record.width = record.square = record.moved = 0.0
    places[:] = 0.0
    distances[:] = 0.0


@compiled
def take(
    record: Any, places: Any, distances: Floats, angles: Any, work: Floats
) -> tuple[float, float]:
    """Take the vector whose sketch is in `work`; returns its direction and how far it lies."""
    sketch, unit, lifted = work[0], work[1], work[2]
    size = length_of(sketch)
    for i in range(SKETCH):
        unit[i] = sketch[i] / size if size > 0.0 else 0.0
    direction, found = math.nan, math.nan
    if record.n < LEARN:
        learn(record, places, distances, sketch)
    else:
        middle = length_of(places[CENTER])
        direction = 0.0
        for i in range(SKETCH):
            direction += unit[i] * places[CENTER, i]
        direction = direction / middle if middle > 0.0 else 0.0
        waves(sketch, min(record.length, SKETCH), record.width, angles, lifted)
        count = record.n - LEARN + 1.0
        if record.n >= 2 * LEARN:
            found = apart(record, places, lifted)
        toward(places[REFERENCE], lifted, min(count, float(MAX_WEIGHT)))
        toward(places[MEAN], lifted, min(count, float(RECENT)))
    toward(places[CENTER], unit, min(record.n + 1.0, float(MAX_WEIGHT)))
    record.n += 1
    return direction, found


@compiled
def scan(
    flat: Floats,
    bounds: Ints,
    tasks: Ints,
    records: Any,
    arrays: tuple[Floats, Floats],
    angles: NDArray[np.float64],
    out: Floats,
) -> None:
    """Feed every task: start, stop, slot; `bounds` says where each row's vector begins."""
    work = np.zeros((3, SKETCH))
    for k in range(tasks.shape[0]):
        slot = tasks[k, 2]
        record, places, distances = records[slot], arrays[0][slot], arrays[1][slot]
        for t in range(tasks[k, 0], tasks[k, 1]):
            length = bounds[t + 1] - bounds[t]
            out[:, t] = math.nan
            if length == 0:
                continue
            if record.length == 0:
                record.length = length
            if length != record.length:
                record.odd = record.odd + 1 if length == record.odd_length else 1
                record.odd_length = length
                if record.odd == LEARN:
                    restart(record, places, distances, length)
                continue
            record.odd = record.odd_length = 0
            out[0, t] = summed_up(flat, bounds[t], bounds[t + 1], work[0])
            out[1, t], out[2, t] = take(record, places, distances, angles, work)
            if record.moved > ENOUGH:
                restart(record, places, distances, length)
