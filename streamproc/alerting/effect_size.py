"""How large a change is, in one measure for numbers and for texts."""

import math

from streamproc.detectors.series.category_counts import ShareChange
from streamproc.detectors.series.change_points import Change

MAX_SIZE = 100.0
"""A series that was constant, or changed its unit, would else leave nothing to the others."""
MIN_SIZE = 0.01
"""What alarmed has a part in what happened."""

Level = tuple[float, float]  # mean and standard deviation


def size_of(change: Change | ShareChange) -> float:
    """Tell how far a series moved, in standard deviations that it had before.

    Returns
    -------
    float
        From `MIN_SIZE` to `MAX_SIZE`: the root of the squares by which its mean and its standard
        deviation moved. A series that was constant counts in the deviations that it has now. Of a
        text it is that of the series "its value is one of those that have become more frequent",
        whose mean moves by the total variation distance.

    Examples
    --------
    >>> from streamproc.detectors.series.change_points import Moments
    >>> before, after = Moments(500, 10.0, 2.0), Moments(30, 14.0, 2.0)
    >>> size_of(Change(before, after, ts=0.0, offset=500, direction="up"))
    2.0
    """
    if isinstance(change, ShareChange):
        return _size(*_more_frequent(change))
    before, after = change.before, change.after
    return _size((before.mean, before.std), (after.mean, after.std))


def _size(before: Level, after: Level) -> float:
    moved = after[0] - before[0]
    unit = before[1] or after[1]
    if not unit:
        return MAX_SIZE if moved else MIN_SIZE
    moved, spread = moved / unit, (after[1] - before[1]) / unit
    # In this order NaN becomes `MAX_SIZE`.
    return max(MIN_SIZE, min(MAX_SIZE, math.sqrt(moved * moved + spread * spread)))


def _more_frequent(change: ShareChange) -> tuple[Level, Level]:
    before, after = change.before, change.after
    pairs = [(share, after.shares[key]) for key, share in before.shares.items()]
    grown = [pair for pair in [*pairs, (before.rest, after.rest)] if pair[1] > pair[0]]
    was, now = (sum(pair[side] for pair in grown) for side in (0, 1))
    return _rate(was), _rate(now)


def _rate(share: float) -> Level:
    return share, math.sqrt(max(0.0, share * (1.0 - share)))
