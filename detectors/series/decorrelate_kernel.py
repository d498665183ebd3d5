"""Decorrelate scores: the inverse root of their correlation matrix (compiled).

Without it one common factor of many features would make their products vary together, and so
their sums vary more at some times than at others, which detectors take for a change.
"""

import math

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.dtypes import Floats
from streamproc.detectors.runtime.jit import compiled

Singles = NDArray[np.float32]

FEWEST = 64
"""Rows of the reference with both features of a pair, below which it counts as uncorrelated; and
with a feature, below which that is left out."""
MAX_KURTOSIS = 8.0
"""Of the scores of a feature, beyond which it is left out: it is mostly one value."""
MIN_SQUARE = 0.01
"""Mean square of the scores of a feature, below which it is left out: it stood still, at an eighth
of its spread before or less. In units of that, what comes when it moves again would overflow."""
STEPS = 40
"""Of the iteration: enough for a condition number of 10,000."""
CLOSE = 0.01
"""How far the product of a root and its matrix may be from 1."""
# Of `scores` and `pairs`, as in `pair_products_kernel`.
_COUNT, _SQUARE, _FOURTH = 1, 2, 3
_MEAN, _MOVING, _CORRELATION, _RAW = range(4)


@compiled
def place_of(i: int, j: int, k: int) -> int:
    """Return the place of a pair i < j among those of k features."""
    return i * (2 * k - i - 1) // 2 + j - i - 1


@compiled
def product(one: Floats, other: Floats, out: Floats) -> None:
    """Multiply two matrices, in an order that is the same on any machine."""
    k = one.shape[0]
    out[:] = 0.0
    for i in range(k):
        for m in range(k):
            factor = one[i, m]
            for j in range(k):
                out[i, j] += factor * other[m, j]


@compiled
def inverse_root(matrix: Floats) -> Floats:
    """Return the inverse square root of a positive definite matrix, by Newton and Schulz."""
    k = matrix.shape[0]
    size = math.sqrt((matrix * matrix).sum())
    root, inverse = matrix / size, np.eye(k)
    step, spare = np.empty((k, k)), np.empty((k, k))
    for _ in range(STEPS):
        product(inverse, root, step)
        for i in range(k):
            for j in range(k):
                step[i, j] = (3.0 * (i == j) - step[i, j]) / 2.0
        product(root, step, spare)
        root, spare = spare, root
        product(step, inverse, spare)
        inverse, spare = spare, inverse
    return inverse / math.sqrt(size)


@compiled
def congruent(root: Floats, matrix: Floats, out: Floats) -> None:
    """Multiply a matrix with another one from both sides."""
    work = np.empty(matrix.shape)
    product(root, matrix, work)
    product(work, root, out)


@compiled
def shrunk_root(correlations: Floats, keep: float) -> Floats:
    """Return the inverse root of correlations, of which a share is kept, as Ledoit and Wolf do.

    Many features and few rows make correlations by chance. Correlations of different rows, since
    values are missing, may belong to no distribution: then less of them is kept.
    """
    k = correlations.shape[0]
    check = np.empty((k, k))
    while True:
        shrunk = correlations * keep
        for i in range(k):
            shrunk[i, i] = 1.0
        root = inverse_root(shrunk)
        congruent(root, shrunk, check)
        if np.abs(check - np.eye(k)).max() < CLOSE:  # false of NaN
            return root
        keep *= 0.8


@compiled
def decorrelate(matrix: Singles, pairs: Singles, scores: Singles) -> None:
    """Turn what was learned of the reference into correlations, a matrix, and means of products.

    Parameters
    ----------
    matrix
        (k, k): mean products above the diagonal, and below it of how many rows they are. Becomes
        what decorrelates centred scores: row j has what score j adds to each. A feature that is
        left out has zeros.
    pairs
        (4, pairs): written.
    scores
        (4, k): counts, mean squares and mean fourth powers; the mean squares become 1 / deviation,
        0 of a feature that is left out.
    """
    k = scores.shape[1]
    used, units = np.zeros(k, np.bool_), np.zeros(k)
    rows = 0.0
    for i in range(k):
        square = float(scores[_SQUARE, i])
        known = scores[_COUNT, i] >= FEWEST and square > MIN_SQUARE
        used[i] = known and scores[_FOURTH, i] <= MAX_KURTOSIS * square * square
        units[i] = 1.0 / math.sqrt(square) if used[i] else 0.0
        rows = max(rows, scores[_COUNT, i])
    found = np.eye(k)
    for i in range(k):
        for j in range(i + 1, k):
            if used[i] and used[j] and matrix[j, i] >= FEWEST:
                mean = float(matrix[i, j]) * units[i] * units[j]
                found[i, j] = found[j, i] = min(max(mean, -1.0), 1.0)
    root, means = shrunk_root(found, rows / (rows + k)), np.empty((k, k))
    congruent(root, found, means)
    for i in range(k):
        for j in range(k):
            both = used[i] and used[j]
            matrix[j, i] = root[i, j] * units[j] if both else 0.0
            if i < j:
                p = place_of(i, j, k)
                pairs[_MEAN, p] = pairs[_MOVING, p] = means[i, j]
                pairs[_CORRELATION, p] = pairs[_RAW, p] = found[i, j]
    for i in range(k):
        scores[_SQUARE, i] = units[i]
