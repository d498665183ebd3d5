"""How far a series of numbers moved, in standard deviations."""

import math
from typing import Final

from streamproc.schemas.alerts import Summary

MAX_SIZE: Final = 100.0
"""A series that was constant, or changed its unit, would else leave nothing to the others."""
MIN_SIZE: Final = 0.01
"""What alarmed has a part in what happened."""

Level = tuple[float, float]
"""Mean and standard deviation."""


def effect_size(before: Level, after: Level) -> float:
    """Return how far mean and standard deviation moved, from `MIN_SIZE` to `MAX_SIZE`.

    It is the root of the squares of both moves, in standard deviations of before; a series that was
    constant counts in the deviations that it has now.

    Examples
    --------
    >>> effect_size((10.0, 2.0), (14.0, 2.0)), effect_size((1.0, 0.0), (2.0, 0.0))
    (2.0, 100.0)
    """
    moved = after[0] - before[0]
    unit = before[1] or after[1]
    if not unit:
        return MAX_SIZE if moved else MIN_SIZE
    moved, spread = moved / unit, (after[1] - before[1]) / unit
    # In this order NaN becomes `MAX_SIZE`.
    return max(MIN_SIZE, min(MAX_SIZE, math.sqrt(moved * moved + spread * spread)))


def size_between(before: Summary | None, after: Summary | None) -> float | None:
    """Return the effect size between two summaries; None: one of them has no mean.

    Examples
    --------
    >>> size_between(Summary(n=9, mean=1.0, std=0.5), Summary(n=9, mean=2.0, std=0.5))
    2.0
    """
    if before is None or after is None or before.mean is None or after.mean is None:
        return None
    return effect_size((before.mean, before.std or 0.0), (after.mean, after.std or 0.0))
