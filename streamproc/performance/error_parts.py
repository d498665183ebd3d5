"""Split the increase of a loss among the features whose change came with it.

The labels before and after a change are sorted into the bins of one feature: deciles of its values
before, a bin for values below and one for values above all of these, and one for missing values;
of a category, its most frequent values. With :math:`q` the share of events and :math:`e` the mean
loss in each bin, the increase of the mean loss is a sum of three parts:

- *moved*: events that came to bins with more events than before, by how much their loss exceeds the
  mean loss before; and events that left bins, by how much the loss there was below it,
- *uneven*: the increase in the bins that is not in proportion to their events,
- *even*: what remains, which is the same whatever the value of the feature.

The first two are the part of the feature. Noise makes both larger, so each is multiplied by the
positive-part James-Stein factor :math:`1 - k / X^2` of its test of homogeneity with `k` degrees of
freedom (Efron, Morris, "Stein's estimation rule and its competitors", 1973). The decomposition by
events and rates is that of Kitagawa, "Components of a difference between two rates", 1955.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

BINS: Final = 8
"""Bins between the least and the largest value before a change."""
MIN_BEFORE: Final = 100
"""Labels before a change that are needed to explain it."""
MIN_AFTER: Final = 3
"""Labels since a change that are needed to explain it."""
MIN_SHARE: Final = 0.2
"""Part of the increase below which a feature is not named."""
_CHANCE: Final = 0.002
"""Chance that a model is named any feature by one test if no feature has a part."""


class Part(NamedTuple):
    """Part of one feature in an increase, and its evidence.

    Attributes
    ----------
    share
        Its part, from 0 to 1.
    evidence
        The larger of the two tests' statistics, in standard deviations of a normal distribution.
    """

    share: float
    evidence: float


def explain(
    before: Mapping[str, Floats],
    after: Mapping[str, Floats],
    losses: tuple[Floats, Floats],
    categories: Collection[str] = (),
) -> list[tuple[str, float]]:
    """Return the features that explain the increase of a loss.

    Parameters
    ----------
    before, after
        Values of each feature, one for each label; NaN where it is missing.
    losses
        Loss of each label before and after.
    categories
        Features whose numbers stand for texts.

    Returns
    -------
    list of (str, float)
        Feature and share of the increase, the largest first; shares are from 0 to 1 and their sum
        is 1 at most. Empty if the loss did not increase, there are too few labels, or no feature
        stands out.

    Examples
    --------
    >>> import numpy as np
    >>> x, y = np.arange(400.0) % 20, np.arange(400.0) % 7
    >>> wrong = np.arange(400) % 10 == 0
    >>> explain({"x": x, "y": y}, {"x": 100 * x, "y": y}, (wrong * 1.0, (~wrong) * 1.0))
    [('x', 1.0)]
    """
    loss_before, loss_after = losses
    if len(loss_before) < MIN_BEFORE or len(loss_after) < MIN_AFTER or not before:
        return []
    if loss_after.mean() <= loss_before.mean():
        return []
    least = _quantile(_CHANCE / len(before))
    found: list[tuple[str, float]] = []
    for name, values in before.items():
        codes = _codes(values, after[name], category=name in categories)
        size = 1 + int(max(side.max() for side in codes))
        groups = np.eye(size, dtype=bool) if name in categories else np.tri(size, dtype=bool)
        part = part_of(codes, losses, groups)
        if part.share >= MIN_SHARE and part.evidence >= least:
            found.append((name, part.share))
    total = max(1.0, sum(share for _, share in found))
    named = [(name, round(share / total, 3)) for name, share in found]
    return sorted(named, key=lambda each: (-each[1], each[0]))


def part_of(
    codes: tuple[Codes, Codes], losses: tuple[Floats, Floats], groups: NDArray[np.bool_]
) -> Part:
    """Return the part of a feature in an increase, from the bin of each label.

    Parameters
    ----------
    codes
        Bin of each label before and after.
    losses
        Loss of each label before and after.
    groups
        (groups, bins): groups of bins that are compared with all other bins.
    """
    size = groups.shape[1]
    counts = [np.bincount(side, minlength=size).astype(np.float64) for side in codes]
    sums = [np.bincount(*pair, minlength=size) for pair in zip(codes, losses, strict=True)]
    means = [float(side.mean()) for side in losses]
    increase = means[1] - means[0]
    rates = [
        np.where(count > 0, total / np.maximum(count, 1.0), mean)
        for count, total, mean in zip(counts, sums, means, strict=True)
    ]
    shares = [count / count.sum() for count in counts]
    came, left = np.maximum(shares[1] - shares[0], 0.0), np.maximum(shares[0] - shares[1], 0.0)
    moved = float((came * (rates[1] - means[0]) + left * (means[0] - rates[0])).sum())
    stayed = np.minimum(*shares)
    drift, drift_degrees = _homogeneity(*counts)
    growth = rates[1] - rates[0]
    spreads = [max(float(side.var()), 1e-12 * increase**2) for side in losses]
    spreads[1] = max(spreads)
    uneven, uneven_degrees = _unevenness(growth, counts, spreads)
    mean_growth = float((stayed * growth).sum()) / max(float(stayed.sum()), 1e-12)
    apart = 0.5 * float((stayed * np.abs(growth - mean_growth)).sum())
    group, gap = _group(codes[1], losses[1] - rates[0][codes[1]], groups, spreads[0])
    share = max(0.0, moved) * _reliable(drift, drift_degrees)
    share += max(apart * _reliable(uneven, uneven_degrees), gap * _reliable(group**2, 1))
    evidence = max(_normal(drift, drift_degrees), _normal(uneven, uneven_degrees), group)
    return Part(min(share / increase, 1.0), evidence)


def _codes(before: Floats, after: Floats, *, category: bool) -> tuple[Codes, Codes]:
    """Return the bin of each value."""
    present = before[~np.isnan(before)]
    if category:
        values, times = np.unique(present, return_counts=True)
        edges = np.sort(values[np.argsort(-times, kind="stable")[:BINS]])
    else:
        inner = np.quantile(present, np.arange(1, BINS) / BINS, method="lower")
        ends = (present.min(), np.nextafter(present.max(), np.inf)) if len(present) else ()
        edges = np.unique(np.concatenate([inner if len(present) else [], ends]))
    return _placed(before, edges, category=category), _placed(after, edges, category=category)


def _placed(values: Floats, edges: Floats, *, category: bool) -> Codes:
    missing = len(edges) + 1
    if category:
        places = np.searchsorted(edges, values)
        known = np.append(edges, np.nan)[places] == values
        codes = np.where(known, places, len(edges))
    else:
        codes = np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), missing, codes).astype(np.int64)


def _homogeneity(before: Floats, after: Floats) -> tuple[float, int]:
    """Return Pearson's statistic that two samples are of one distribution, and its degrees."""
    used = before + after > 0
    total = (before + after)[used]
    if len(total) < 2:
        return 0.0, 0
    all_of = total.sum()
    statistic = sum(
        float(
            ((side[used] - total * side.sum() / all_of) ** 2 / (total * side.sum() / all_of)).sum()
        )
        for side in (before, after)
    )
    return statistic, len(total) - 1


def _unevenness(
    growth: Floats, counts: Sequence[Floats], spreads: Sequence[float]
) -> tuple[float, int]:
    """Return Cochran's statistic that the increase is the same in all bins, and its degrees."""
    used = np.minimum(*counts) > 0
    if np.count_nonzero(used) < 2:
        return 0.0, 0
    weights = 1.0 / (spreads[0] / counts[0][used] + spreads[1] / counts[1][used])
    middle = float((weights * growth[used]).sum() / weights.sum())
    statistic = float((weights * (growth[used] - middle) ** 2).sum())
    return statistic, int(np.count_nonzero(used)) - 1


def _group(
    codes: Codes, growth: Floats, groups: NDArray[np.bool_], spread: float
) -> tuple[float, float]:
    """Return the evidence that the loss of one group of bins increased by more or less than others.

    The second number is the part of the mean increase that would have to be in other bins for an
    even increase. The statistic is Student's, less what the largest of several exceeds by chance.
    """
    size = groups.shape[1]
    count, total, square = (
        np.bincount(codes, weights, size) for weights in (np.ones(len(codes)), growth, growth**2)
    )
    inside, sums = groups @ count, groups @ total
    outside, others = count.sum() - inside, total.sum() - sums
    tried = np.minimum(inside, outside) >= MIN_AFTER
    if not tried.any():
        return 0.0, 0.0
    inside, sums, outside, others = (each[tried] for each in (inside, sums, outside, others))
    degrees = len(codes) - 2
    within = square.sum() - sums**2 / inside - others**2 / outside
    variance = np.maximum(within / degrees, spread)
    gaps = sums / inside - others / outside
    squares = gaps**2 / (variance * (1.0 / inside + 1.0 / outside))
    normal = degrees * np.log1p(squares / degrees)
    best = int(normal.argmax())
    apart = abs(gaps[best]) * inside[best] * outside[best] / len(codes) ** 2
    return math.sqrt(max(0.0, normal[best] - 2.0 * math.log(2 * len(gaps)))), float(apart)


def _reliable(statistic: float, degrees: int) -> float:
    return max(0.0, 1.0 - degrees / statistic) if statistic > 0.0 else 0.0


def _normal(statistic: float, degrees: int) -> float:
    """Return a chi-squared statistic as a standard normal one (Wilson, Hilferty, 1931)."""
    if degrees == 0:
        return 0.0
    width = 2.0 / (9.0 * degrees)
    return (math.cbrt(statistic / degrees) - (1.0 - width)) / math.sqrt(width)


def _quantile(chance: float) -> float:
    """Return the value that a standard normal variable exceeds with a chance."""
    return NormalDist().inv_cdf(1.0 - chance)
