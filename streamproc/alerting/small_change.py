"""Recognise changes that are significant, but too small to page anybody.

With many values any difference becomes significant: of 24,000 values a day, one of .07 standard
deviations. Lorden (1971) calls the changes between none and the least that matters the indifference
zone.
"""

from typing import Final

from streamproc.alerting.level import Level, moved_share
from streamproc.config.least_size import LeastSize

_OF_A_RATE: Final = 0.05
"""Part by which the variance of values that are 0 or 1 may differ from that of their mean."""
_AROUND_0: Final = 0.2
"""Deviations from 0 within which the factor of a mean says nothing."""
_ROUNDING: Final = 1e-9


def is_small(before: Level, now: Level, least: LeastSize, *, loss: bool = False) -> bool:
    """Whether the difference of two levels is below the least size.

    Parameters
    ----------
    before, now
        The levels.
    least
        The size of a change that is not small.
    loss
        Whether the series says how wrong a model is.

    Examples
    --------
    >>> least = LeastSize()
    >>> is_small(Level(500, 10.0, 2.0), Level(500, 10.4, 2.0), least)
    True
    >>> is_small(Level(500, 0.05, 0.218), Level(500, 0.07, 0.255), least)
    False
    """
    if before.shares is not None:
        return moved_share(before, now) < least.share
    if before.mean is None or now.mean is None or not before.std or now.std is None:
        return False
    if _is_rate(before) and _is_rate(now):
        others = 1.0 - before.mean, 1.0 - now.mean
        return all(_is_within(least.factor, *pair) for pair in ((before.mean, now.mean), others))
    if loss:
        return _is_within(least.factor, before.mean, now.mean)
    if abs(before.mean) > _AROUND_0 * before.std:  # an amount, of which a deviation is a large part
        is_same_sign = before.mean * now.mean > 0.0
        if not (is_same_sign and _is_within(least.factor, abs(before.mean), abs(now.mean))):
            return False
    moved = abs(now.mean - before.mean)
    is_same_mean = moved < least.deviations * before.std - _ROUNDING * abs(before.mean)
    return is_same_mean and _is_within(least.factor, before.std, now.std)


def _is_rate(level: Level) -> bool:
    """Whether the values of a level are 0 or 1, as far as their mean and deviation can tell."""
    mean, std = level.mean or 0.0, level.std or 0.0
    variance = mean * (1.0 - mean)
    return 0.0 < mean < 1.0 and abs(std * std - variance) <= _OF_A_RATE * variance


def _is_within(factor: float, one: float, other: float) -> bool:
    """Whether two numbers differ by less than a factor."""
    low, high = min(one, other), max(one, other)
    return low > 0.0 and high < factor * low
