"""How large a change is, in one measure for numbers and for texts."""

import math

from streamproc.detectors.series.category_counts import ShareChange
from streamproc.detectors.series.change_points import Change
from streamproc.schemas.effect_size import Level, effect_size


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
        return effect_size(*_more_frequent(change))
    before, after = change.before, change.after
    return effect_size((before.mean, before.std), (after.mean, after.std))


def _more_frequent(change: ShareChange) -> tuple[Level, Level]:
    before, after = change.before, change.after
    pairs = [(share, after.shares[key]) for key, share in before.shares.items()]
    grown = [pair for pair in [*pairs, (before.rest, after.rest)] if pair[1] > pair[0]]
    was, now = (sum(pair[side] for pair in grown) for side in (0, 1))
    return _rate(was), _rate(now)


def _rate(share: float) -> Level:
    return share, math.sqrt(max(0.0, share * (1.0 - share)))
