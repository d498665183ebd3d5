"""The loop over texts: which categories a series has had, and which one is new."""

from typing import Any

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch

PLACES = 32
"""Categories that are remembered: the first ones. Of a series with more none can be called new."""
KNOWN = 2000
"""Values after which a category that was not among them is new."""
ENOUGH, WITHIN = 10, 1000
"""A new category counts when it makes up 1 % of this number of values."""


@compiled
def take(record: Any, keys: Floats, counts: Ints, firsts: Ints, value: float) -> int:
    """Count a category; returns its place if it is new and frequent, else -1."""
    record.n += 1
    record.since += 1
    for k in range(record.known):
        if keys[k] == value:
            if counts[k] >= ENOUGH:
                return -1
            if record.n - firsts[k] > WITHIN:
                counts[k] = ENOUGH  # rare, and no news
                return -1
            counts[k] += 1
            return k if counts[k] == ENOUGH and firsts[k] > KNOWN else -1
    if record.known < PLACES:
        keys[record.known], counts[record.known], firsts[record.known] = value, 1, record.n
        record.known += 1
    return -1


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    records: Any,
    arrays: tuple[Floats, Any, Ints],
    row: Ints,
    place: Ints,
) -> None:
    """Feed every task until its first finding; `arrays`: keys, counts, and when each was first."""
    keys, counts, firsts = arrays
    for i in range(tasks.shape[0]):
        if i + AHEAD < tasks.shape[0]:
            prefetch(records, tasks[i + AHEAD, 3], 0)
            prefetch(keys, tasks[i + AHEAD, 3], 0)
        column, start, stop, slot = tasks[i, 0], tasks[i, 1], tasks[i, 2], tasks[i, 3]
        row[i], place[i] = -1, -1
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN
                continue
            found = take(records[slot], keys[slot], counts[slot], firsts[slot], value)
            if found >= 0:
                row[i], place[i] = t, found
                break
