"""How much of what a model said has a label, by age."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

# A figure is of the events of one horizon, in steps of a 32nd: 5 hours of a week.
STEPS: Final = 32
AGES: Final = (60.0, 3600.0, 86_400.0, 604_800.0)

Tally = dict[int, list[int]]
"""Step of event time → events, then those whose label came after one age and within the next."""


@lru_cache
def ages(horizon: float) -> tuple[float, ...]:
    """Return the ages in seconds that coverage is told for: those below the horizon, and it.

    Examples
    --------
    >>> ages(7200.0)
    (60.0, 3600.0, 7200.0)
    """
    return (*(age for age in AGES if age < horizon), horizon)


def came(tally: Tally, time: float, horizon: float) -> None:
    """Count an event."""
    step = int(time // (horizon / STEPS))
    row = tally.get(step)
    if row is None:
        row = tally[step] = [0] * (1 + len(ages(horizon)))
        # Twice the horizon: an event may have its label until the end of the first.
        for old in [other for other in tally if other < max(tally) - 2 * STEPS]:
            del tally[old]
    row[0] += 1


def labelled(tally: Tally, time: float, delay: float, horizon: float) -> None:
    """Count the first label of an event; `delay` in seconds."""
    row = tally.get(int(time // (horizon / STEPS)))
    place = bisect_left(ages(horizon), delay)
    if row is not None and place < len(row) - 1:
        row[1 + place] += 1


def coverage(tally: Mapping[int, list[int]], now: float, horizon: float) -> dict[float, float]:
    """Return the share of events with a label within each age, of those that are older.

    Parameters
    ----------
    tally
        Of a model.
    now
        Its time, seconds since 1970.
    horizon
        Seconds.

    Returns
    -------
    dict
        Age in seconds → share in [0, 1], of the events of the last horizon that are older; an age
        that no event has reached is left out.
    """
    width = horizon / STEPS
    found: dict[float, float] = {}
    for place, age in enumerate(ages(horizon), 1):
        last = (now - age) // width  # steps before it are over
        rows = [row for step, row in tally.items() if last - STEPS <= step < last]
        events = sum(row[0] for row in rows)
        if events:
            found[age] = sum(sum(row[1 : place + 1]) for row in rows) / events
    return found
