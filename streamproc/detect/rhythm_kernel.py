"""Learn how many events a model has in each hour of the week (compiled).

A profile has a number for each of the 168 hours of a week, negative while an hour is unknown. An
hour that was never seen is judged by the same hour of other working days. The weekend, in any time
zone, is judged by itself only.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.jit import compiled

Profile = NDArray[np.float32]

HOUR: Final = 60
"""Minutes of an hour."""
WEEK: Final = 168
"""Hours of a week; hour 0 of the epoch was on a Thursday."""
_DAY: Final = 24
# Friday 12:00 UTC to Monday 12:00 UTC: Saturday and Sunday of every time zone.
_WEEKEND_FROM: Final = 36
_WEEKEND_TO: Final = 108
_DAYS: Final = 2


@compiled
def lowest(profile: Profile, hour: int) -> float:
    """Return what a profile has for an hour, or else the lowest of that hour on working days.

    Parameters
    ----------
    profile
        (168,): the numbers of the hours of the week.
    hour
        Hours since 1970.

    Returns
    -------
    float
        Negative if unknown: fewer than two working days were seen.
    """
    known = float(profile[hour % WEEK])
    return known if known >= 0.0 else _of_working_days(profile, hour)[0]


@compiled
def mean(profile: Profile, hour: int) -> float:
    """Return what a profile has for an hour, or else the mean of that hour on working days."""
    known = float(profile[hour % WEEK])
    return known if known >= 0.0 else _of_working_days(profile, hour)[1]


@compiled
def _of_working_days(profile: Profile, hour: int) -> tuple[float, float]:
    """Return lowest and mean of an hour on working days; negative if unknown."""
    week = hour % WEEK
    count, total, least = 0, 0.0, np.inf
    if _WEEKEND_FROM <= week < _WEEKEND_TO:
        return -1.0, -1.0
    for same in range(week % _DAY, WEEK, _DAY):
        value = float(profile[same])
        if value >= 0.0 and not _WEEKEND_FROM <= same < _WEEKEND_TO:
            count += 1
            total += value
            least = min(least, value)
    return (least, total / count) if count >= _DAYS else (-1.0, -1.0)


@compiled
def expected_minutes(profile: Profile, start: int, stop: int) -> float:
    """Return how many minutes with events were to be expected at least in a time.

    Each hour counts as the lowest of it and its two neighbours: a model does not start on the
    minute. Unknown hours count as none.

    Parameters
    ----------
    profile
        (168,): lowest number of minutes with events in each hour of the week.
    start, stop
        Minutes since 1970; of more than a week, the last week counts.
    """
    total = 0.0
    at = max(start, stop - WEEK * HOUR)
    while at < stop:
        hour = at // HOUR
        end = min((hour + 1) * HOUR, stop)
        least = min(lowest(profile, hour - 1), lowest(profile, hour), lowest(profile, hour + 1))
        total += max(least, 0.0) / HOUR * (end - at)
        at = end
    return total


@compiled
def learn_hour(
    low: Profile, usual: Profile, hour: int, seen: tuple[float, float], rate: float
) -> None:
    """Learn from an hour that was seen as a whole.

    Parameters
    ----------
    low
        (168,): lowest number of minutes with events; it follows lower ones at once and higher ones
        by `rate` a week.
    usual
        (168,): usual number of events, which moves by `rate` a week.
    hour
        Hours since 1970.
    seen
        Minutes with events, and events.
    rate
        0 to 1.
    """
    week = hour % WEEK
    minutes, count = seen
    if usual[week] < 0.0:
        low[week], usual[week] = minutes, count
        return
    low[week] = min(minutes, low[week] + rate * (minutes - low[week]))
    usual[week] += rate * (count - usual[week])
