"""Advance the watermark of a log, robust against single wrong times."""

from typing import Final

from msgspec import Struct

# A time further ahead than this fraction of the grace period must be confirmed: smaller errors
# have no effect, since expired entries are removed in steps of that size.
STEPS: Final = 64
# Consecutive times. One or two wrong times cannot move the watermark; a model with one event a day
# classifies a label two events later than it could.
CONFIRMATIONS: Final = 3
# Grace periods by which times must be behind, and consecutive times, before the watermark goes
# back. Labels that old belong to events that are no longer stored, so a backfill is not affected;
# it lets a state recover that was saved with a time in the year 9999.
FAR_BEHIND: Final = 4
BACKWARD_CONFIRMATIONS: Final = 16


class Candidate(Struct, array_like=True):
    """A time that the watermark may move to.

    Attributes
    ----------
    time
        Seconds since 1970: the smallest of the times ahead, or the largest of those behind.
    count
        Number of consecutive times; negative if they are behind.
    """

    time: float = 0.0
    count: int = 0


def advance(watermark: float, candidate: Candidate, time: float, horizon: float) -> float:
    """Return the watermark after the next time of its log.

    Parameters
    ----------
    watermark
        Seconds since 1970; minus infinity at the beginning.
    candidate
        Updated in place.
    time
        Time of the next event or label; seconds since 1970.
    horizon
        Grace period in seconds.

    Examples
    --------
    >>> candidate, watermark = Candidate(), 1000.0
    >>> for time in (1001.0, 9e9, 1002.0, 5000.0, 5001.0, 5002.0):
    ...     watermark = advance(watermark, candidate, time, horizon=640.0)
    ...     print(watermark)
    1001.0
    1001.0
    1002.0
    1002.0
    1002.0
    5000.0
    """
    if time > watermark + horizon / STEPS:
        ahead = candidate.count > 0
        candidate.time = min(candidate.time, time) if ahead else time
        candidate.count = candidate.count + 1 if ahead else 1
    elif time < watermark - FAR_BEHIND * horizon:
        behind = candidate.count < 0
        candidate.time = max(candidate.time, time) if behind else time
        candidate.count = candidate.count - 1 if behind else -1
    else:
        candidate.count = 0
        return max(watermark, time)
    if candidate.count in {CONFIRMATIONS, -BACKWARD_CONFIRMATIONS}:
        candidate.count = 0
        return candidate.time
    return watermark
