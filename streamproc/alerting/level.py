"""Levels of a series, and whether one of them is that of before a change."""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from streamproc.decode.vocabulary import Vocabulary
from streamproc.detectors.series.category_counts import CategoryDistribution
from streamproc.detectors.series.change_points import Moments
from streamproc.schemas.alerts import Summary

CLOSE: Final = 0.25
"""Standard deviations of before within which a mean counts as that of before."""
ERRORS: Final = 3.0
"""Standard errors within which it does, where fewer values are known."""
SPREAD: Final = 1.5
"""Factor within which the deviation does after a change of the deviation."""
WILD: Final = 3.0
"""The same after a change of the mean: deviations of series with heavy tails vary."""
CLOSE_SHARES: Final = 0.05
"""Share of the values that may have moved from category to category."""
ERRORS_OF_HALF: Final = 2.33
"""Standard errors that half of a change has to be for its absence to be no chance: one in 100."""
MAX_SHARES: Final = 32
"""Categories whose shares an incident remembers."""
MIN_VALUES: Final = 30
"""Values that a level is known by."""
_LOST: Final = 1e-12
"""Part of a sum of squares below which a difference of two is rounding."""
_ROUNDING: Final = 1e-9
_MANY: Final = 1e6


class Level(NamedTuple):
    """How a series is over a number of consecutive values.

    Attributes
    ----------
    n
        Number of values.
    mean, std
        Of numbers; None of categories, or where they are not finite.
    shares
        Of categories: the share of each of the most frequent ones, by name; None of numbers.
    """

    n: int
    mean: float | None = None
    std: float | None = None
    shares: Mapping[str, float] | None = None

    @property
    def summary(self) -> Summary:
        """The level as alerts publish it."""
        return Summary(n=self.n, mean=self.mean, std=self.std)


def level_of(values: Moments | CategoryDistribution, texts: Vocabulary) -> Level:
    """Return the level of a series of numbers or of categories."""
    if isinstance(values, CategoryDistribution):
        shares: dict[str, float] = {}
        for key in sorted(values.shares, key=lambda key: -values.shares[key])[:MAX_SHARES]:
            name = texts.name(key)  # long ones are cut, and may then be equal
            shares[name] = shares.get(name, 0.0) + values.shares[key]
        return Level(values.n, shares=shares)
    mean, std = (x if math.isfinite(x) else None for x in (values.mean, values.std))
    return Level(values.n, mean, std)


def moved_share(one: Level, other: Level) -> float:
    """Return the total variation distance of two levels of categories, 0 to 1.

    Examples
    --------
    >>> moved_share(Level(100, shares={"DE": 0.75, "FR": 0.25}), Level(100, shares={"DE": 1.0}))
    0.25
    """
    was, now = one.shares or {}, other.shares or {}
    names = was.keys() | now.keys()
    moved = sum(abs(was.get(name, 0.0) - now.get(name, 0.0)) for name in names)
    remainder = abs(sum(was.values()) - sum(now.values()))
    return (moved + remainder) / 2


def is_back(
    before: Level,
    now: Level,
    farthest: Level,
    *,
    of_spread: bool = False,
    dependent: bool = False,
) -> bool:
    """Whether a series is as it was before a change.

    Parameters
    ----------
    before, now
        The levels to compare.
    farthest
        The level of its incident that is farthest from `before`: what is not nearer to `before`
        than to this one is not back.
    of_spread
        Whether the change was one of the deviation rather than of the mean.
    dependent
        Whether values depend on each other: the deviation of some of them is not that of others.
    """
    if before.shares is not None:
        far = moved_share(before, farthest)
        return moved_share(before, now) <= min(far / 2, max(CLOSE_SHARES, _chance(before, now)))
    if before.mean is None or now.mean is None or farthest.mean is None:
        return False
    sigma = _deviation(before)
    near = max(CLOSE, ERRORS * math.sqrt(1 / max(before.n, 1) + 1 / max(now.n, 1))) * sigma
    if not of_spread:
        near = min(near, abs(farthest.mean - before.mean) / 2)
    if abs(now.mean - before.mean) > near + _ROUNDING * abs(before.mean):
        return False
    if dependent and now.std:
        return True
    return _same_spread(before, now, farthest if of_spread else None)


def values_to_tell(before: Level, farthest: Level) -> int:
    """Return how many values tell the level of before from the one that was reported.

    The mean of fewer is nearer to the other level than to its own in more than one of a hundred
    cases: a fault in 1 % of events leaves 200 values as they were in one of eight.

    Parameters
    ----------
    before, farthest
        Levels of numbers; of others it is 1.

    Examples
    --------
    >>> values_to_tell(Level(500, 10.0, 2.0), Level(40, 14.0, 2.0))
    6
    >>> values_to_tell(Level(500, 0.0, 0.0), Level(500, 0.01, 0.0995))
    2150
    """
    if before.mean is None or farthest.mean is None:
        return 1
    apart = abs(farthest.mean - before.mean) / 2
    deviation = max(before.std or 0.0, farthest.std or 0.0)
    ratio = ERRORS_OF_HALF * deviation / apart if apart > 0.0 else 0.0
    return math.ceil(min(ratio, _MANY) ** 2) or 1


def since(level: Level, earlier: Level) -> Level:
    """Return the level of the values after the first ones of a stretch.

    Parameters
    ----------
    level
        Of all values of the stretch.
    earlier
        Of the first ones.

    Examples
    --------
    >>> since(Level(4, 3.0, 0.0), Level(2, 1.0, 0.0)).mean
    5.0
    """
    n, before = level.n - earlier.n, earlier.n
    if n < 1:
        return level
    if level.shares is not None:
        was = earlier.shares or {}
        counts = {
            name: level.n * x - before * was.get(name, 0.0) for name, x in level.shares.items()
        }
        return Level(n, shares={name: max(count, 0.0) / n for name, count in counts.items()})
    if level.mean is None or earlier.mean is None:
        return Level(n)
    total = level.n * level.mean - before * earlier.mean
    # The difference of two equal sums is their rounding, and not a level.
    mean = total / n if abs(total) > _LOST * abs(level.n * level.mean) else 0.0
    apart, std, was_std = mean - earlier.mean, level.std or 0.0, earlier.std or 0.0
    # Not `** 2`, which raises where a product is infinite: values may be as large as 1e308.
    squares, first = (level.n - 1) * std * std, (before - 1) * was_std * was_std
    remaining = squares - first - apart * apart * n * before / level.n
    if not math.isfinite(remaining):
        return Level(n, mean if math.isfinite(mean) else None)
    if n < 2 or abs(remaining) < _LOST * squares:  # far smaller than what it was subtracted from
        return Level(n, mean)
    return Level(n, mean, math.sqrt(max(remaining, 0.0) / (n - 1)))


def _deviation(level: Level) -> float:
    """Return the standard deviation; of a rate that was 0 or 1 so far, as large as it may be."""
    mean, std = level.mean or 0.0, level.std or 0.0
    if std or mean not in {0.0, 1.0}:
        return std
    share = 1.0 / (level.n + 2)
    return math.sqrt(share * (1.0 - share))


def _same_spread(before: Level, now: Level, farthest: Level | None) -> bool:
    if before.std is None or now.std is None:
        return True
    if not before.std:
        return before.mean in {0.0, 1.0} or not now.std
    if not now.std:
        return False
    limit = WILD
    if farthest is not None:
        reached = abs(math.log((farthest.std or before.std) / before.std))
        limit = min(SPREAD, math.exp(reached / 2))
    return 1 / limit <= now.std / before.std <= limit


def _chance(one: Level, other: Level) -> float:
    """Return how far shares of the same series are apart by chance, twice the expected distance."""
    errors = sum(
        math.sqrt(max(share * (1.0 - share), 0.0)) for share in (one.shares or {}).values()
    )
    return 0.8 * errors * math.sqrt(1 / max(one.n, 1) + 1 / max(other.n, 1))
