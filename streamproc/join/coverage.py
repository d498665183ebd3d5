"""How much of what a model said has a label, by age: of all events, and of the parts of them."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from math import frexp
from typing import Any, Final

from msgspec import Struct

# A figure is of the events of one horizon, in steps of a 32nd: 5 hours of a week.
STEPS: Final = 32
# Of a part, in steps of an eighth: there are dozens of parts, and each is kept.
PART_STEPS: Final = 8
AGES: Final = (60.0, 3600.0, 86_400.0, 604_800.0)
# Values by which events are told apart; those that come later are one part.
MAX_VALUES: Final = 50
OTHERS: Final = ""
# Events of which it is told how many have a label: fewer say little, and cost as much.
ENOUGH: Final = 100

AgeCounts = dict[int, list[int]]
"""Step of event time → events, then those whose label came after one age and within the next."""

Parts = dict[str, dict[str, AgeCounts]]
"""By what events are told apart → value → their tally."""

Names = tuple[tuple[str, str], ...]
"""The parts that an event belongs to: by what, and its value."""

Table = dict[str, dict[str, tuple[int, int]]]
"""By what → value → how many events there were, and how many of them have a label."""

_TENTHS: Final = tuple(f"{tenth / 10:g}" for tenth in range(10))


class AgeBuckets(Struct, frozen=True, gc=False):
    """What events are counted by.

    Attributes
    ----------
    horizon, width
        Seconds; of all, and of a step.
    ages
        Seconds, smallest first; the last is the horizon.
    """

    horizon: float
    width: float
    ages: tuple[float, ...]


@lru_cache
def age_buckets(horizon: float, compare_after: float, steps: int) -> AgeBuckets:
    """Return the grid of a horizon.

    Examples
    --------
    >>> age_buckets(7200.0, 600.0, 8).ages
    (60.0, 600.0, 3600.0, 7200.0)
    """
    ages = {*(age for age in AGES if age < horizon), compare_after, horizon}
    return AgeBuckets(horizon, horizon / steps, tuple(sorted(ages)))


def count_event(tally: AgeCounts, time: float, now: float, by: AgeBuckets) -> None:
    """Count an event; `now` is the time of its model, minus infinity while that is not known."""
    step = int(time // by.width)
    row = tally.get(step)
    if row is None:
        row = tally[step] = [0] * (1 + len(by.ages))
        _prune(tally, now, by)
    row[0] += 1


def _prune(tally: AgeCounts, now: float, by: AgeBuckets) -> None:
    """Forget steps of which nothing is asked any more, and wrong times ahead of all others."""
    # Twice the horizon: an event may have its label until the end of the first.
    kept = 2 * round(by.horizon / by.width)
    oldest = now // by.width - kept
    for old in [step for step in tally if step < oldest]:
        del tally[old]
    while len(tally) > 2 * kept:
        del tally[max(tally)]


def labelled(tally: AgeCounts, time: float, delay: float, by: AgeBuckets) -> None:
    """Count the first label of an event; `delay` in seconds."""
    row = tally.get(int(time // by.width))
    place = bisect_left(by.ages, delay)
    if row is not None and place < len(by.ages):
        row[1 + place] += 1


def coverage(tally: Mapping[int, list[int]], now: float, by: AgeBuckets) -> dict[float, float]:
    """Return the share of events with a label within each age, of those that are older.

    Parameters
    ----------
    tally
        Of a model, or of a part of its events.
    now
        Its time, seconds since 1970.
    by
        As it was counted by.

    Returns
    -------
    dict
        Age in seconds → share in [0, 1], of the events of the last horizon that are older; an age
        that no event has reached is left out.
    """
    found: dict[float, float] = {}
    for place, age in enumerate(by.ages, 1):
        last = (now - age) // by.width  # steps before it are over
        first = last - round(by.horizon / by.width)
        rows = [row for step, row in tally.items() if first <= step < last]
        events = sum(row[0] for row in rows)
        if events:
            found[age] = sum(sum(row[1 : place + 1]) for row in rows) / events
    return found


def cohort(parts: Parts, by: str, value: str) -> AgeCounts:
    """Return the tally of a part; of all others, where there are too many."""
    tallies = parts.get(by)
    if tallies is None:
        tallies = parts[by] = {}
    tally = tallies.get(value)
    if tally is None:
        value = value if len(tallies) < MAX_VALUES else OTHERS
        tally = tallies.setdefault(value, {})
    return tally


def names_of(prediction: Any, tags: Mapping[str, str] | None, segments: tuple[str, ...]) -> Names:
    """Return the parts that an event belongs to: by what was said, and by its tags.

    Numbers from 0 to 1 are told apart by tenths, others by powers of two; classes as they are,
    and probabilities of classes by the likeliest.

    Examples
    --------
    >>> names_of(0.47, {"region": "eu"}, ("region",))
    (('score', '0.4'), ('tag:region', 'eu'))
    """
    said = _said(prediction)
    if not segments:
        return said
    found = tags or {}
    return (*said, *((f"tag:{name}", found[name]) for name in segments if name in found))


def _said(prediction: Any) -> Names:
    if prediction.__class__ is float:
        return _score(_edge(prediction))
    if prediction is None:
        return ()
    if isinstance(prediction, dict):
        prediction = max(prediction, key=prediction.__getitem__)
    elif isinstance(prediction, bool):
        prediction = "true" if prediction else "false"
    return (("class", prediction),)


@lru_cache
def _score(edge: str) -> Names:
    return (("score", edge),)


def _edge(number: float) -> str:
    """Return the least number of the part that a number belongs to."""
    if 0.0 <= number <= 1.0:
        return _TENTHS[min(9, int(number * 10.0))]
    exponent = max(0 if number < 0.0 else 1, frexp(number)[1])
    return f"{-(2.0**exponent):g}" if number < 0.0 else f"{2.0 ** (exponent - 1):g}"


def window_counts(parts: Parts, since: float, upto: float, by: AgeBuckets, age: float) -> Table:
    """Count events by their parts, and those with a label within an age.

    Parameters
    ----------
    parts
        Of a model.
    since, upto
        Steps, the last one not counted.
    by
        As they were counted by.
    age
        One of its ages.
    """
    last = by.ages.index(age) + 2
    table: Table = {}
    for what, tallies in parts.items():
        for value, tally in tallies.items():
            rows = [row for step, row in tally.items() if since <= step < upto]
            if rows:
                table.setdefault(what, {})[value] = (
                    sum(row[0] for row in rows),
                    sum(sum(row[1:last]) for row in rows),
                )
    return table
