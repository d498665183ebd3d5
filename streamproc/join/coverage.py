"""Count label coverage by age: of all events of a model, and of its cohorts."""

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from math import frexp
from typing import Any, Final

from msgspec import Struct

from streamproc.schemas.class_names import class_name

# Steps per grace period: 5 hours of a week.
STEPS: Final = 32
# Fewer steps for cohorts: there are dozens, and each is stored.
PART_STEPS: Final = 8
AGES: Final = (60.0, 3600.0, 86_400.0, 604_800.0)
# Values per cohort dimension; later values share one cohort.
MAX_VALUES: Final = 50
OTHERS: Final = ""
# Minimum events for a coverage outcome: fewer carry little information at the same cost.
MIN_EVENTS: Final = 100

AgeCounts = dict[int, list[int]]
"""Step of event time → number of events, then of labels by age bucket."""

Parts = dict[str, dict[str, AgeCounts]]
"""Cohort dimension → value → counts by age."""

Names = tuple[tuple[str, str], ...]
"""The cohorts of an event: dimension and value."""

Table = dict[str, dict[str, tuple[int, int]]]
"""Cohort dimension → value → number of events, and of those with a label."""

_TENTHS: Final = tuple(f"{tenth / 10:g}" for tenth in range(10))
_MAX_EXPONENT: Final = 1023  # 2 ** 1024 is infinite


class AgeBuckets(Struct, frozen=True, gc=False):
    """Steps and ages by which events are counted.

    Attributes
    ----------
    horizon, width
        Seconds of the grace period, and of a step.
    ages
        Upper bounds in seconds, increasing; the last is the grace period.
    """

    horizon: float
    width: float
    ages: tuple[float, ...]


@lru_cache
def age_buckets(horizon: float, compare_after: float, steps: int) -> AgeBuckets:
    """Return the age buckets of a grace period.

    Examples
    --------
    >>> age_buckets(7200.0, 600.0, 8).ages
    (60.0, 600.0, 3600.0, 7200.0)
    """
    ages = {*(age for age in AGES if age < horizon), compare_after, horizon}
    return AgeBuckets(horizon, horizon / steps, tuple(sorted(ages)))


def count_event(tally: AgeCounts, time: float, now: float, by: AgeBuckets) -> None:
    """Count an event; `now` is its model's watermark, minus infinity while unknown."""
    step = int(time // by.width)
    row = tally.get(step)
    if row is None:
        row = tally[step] = [0] * (1 + len(by.ages))
        _prune(tally, now, by)
    row[0] += 1


def _prune(tally: AgeCounts, now: float, by: AgeBuckets) -> None:
    """Remove steps that are no longer needed, and implausible ones in the future."""
    # Two grace periods: an event may get its label until the end of the first.
    max_steps = 2 * round(by.horizon / by.width)
    oldest = now // by.width - max_steps
    for old in [step for step in tally if step < oldest]:
        del tally[old]
    while len(tally) > 2 * max_steps:
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
        Counts of a model, or of a cohort.
    now
        Watermark of the model, seconds since 1970.
    by
        Age buckets of the counts.

    Returns
    -------
    dict
        Age in seconds → share in [0, 1] of the events of the last grace period that are older;
        ages that no event has reached are left out.
    """
    found: dict[float, float] = {}
    for place, age in enumerate(by.ages, 1):
        last = (now - age) // by.width  # earlier steps are complete
        first = last - round(by.horizon / by.width)
        rows = [row for step, row in tally.items() if first <= step < last]
        events = sum(row[0] for row in rows)
        if events:
            found[age] = sum(sum(row[1 : place + 1]) for row in rows) / events
    return found


def cohort(parts: Parts, by: str, value: str) -> AgeCounts:
    """Return the counts of a cohort; those of all others if there are too many."""
    tallies = parts.get(by)
    if tallies is None:
        tallies = parts[by] = {}
    tally = tallies.get(value)
    if tally is None:
        value = value if len(tallies) < MAX_VALUES else OTHERS
        tally = tallies.setdefault(value, {})
    return tally


def names_of(prediction: Any, tags: Mapping[str, str] | None, segments: tuple[str, ...]) -> Names:
    """Return the cohorts of an event: by its prediction, and by its tags.

    Numbers from 0 to 1 are grouped by tenths, others by powers of two; classes are used as they
    are, and class probabilities by the most probable class.

    Examples
    --------
    >>> names_of(0.47, {"region": "eu"}, ("region",))
    (('score', '0.4'), ('tag:region', 'eu'))
    """
    predicted = _by_prediction(prediction)
    if not segments:
        return predicted
    found = tags or {}
    return (*predicted, *((f"tag:{name}", found[name]) for name in segments if name in found))


def _by_prediction(prediction: Any) -> Names:
    if prediction.__class__ is float:
        return _score(_edge(prediction))
    if prediction is None:
        return ()
    if isinstance(prediction, dict):
        prediction = max(prediction, key=prediction.__getitem__)
    return (("class", class_name(prediction)),)


@lru_cache
def _score(edge: str) -> Names:
    return (("score", edge),)


def _edge(number: float) -> str:
    """Return the lower bound of a number's cohort, as text."""
    if 0.0 <= number <= 1.0:
        return _TENTHS[min(9, int(number * 10.0))]
    exponent = frexp(number)[1]
    if number < 0.0:
        return f"{-(2.0 ** min(max(0, exponent), _MAX_EXPONENT)):g}"
    return f"{2.0 ** (max(1, exponent) - 1):g}"


def window_counts(parts: Parts, since: float, upto: float, by: AgeBuckets, age: float) -> Table:
    """Count the events of each cohort, and those with a label within an age.

    Parameters
    ----------
    parts
        Counts of a model's cohorts.
    since, upto
        First step, and the step after the last.
    by
        Age buckets of the counts.
    age
        One of its ages, in seconds.
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
