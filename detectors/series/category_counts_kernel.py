"""The loop that counts categories: all since the start, and the last ones in their order."""

from typing import Any

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch

EVERY = 8
"""Values from one mark of time and offset to the next: a change begins at one of them."""


@compiled
def place_of(record: Any, keys: Floats, value: float) -> int:
    """Place of a category, which gets one while there is room; the last one is for the rest."""
    place = -1
    for i in range(record.known):  # with no way out in the middle it takes four at a time
        place = i if keys[i] == value else place
    if place >= 0:
        return place
    place = int(record.known)
    if place < keys.shape[0]:
        keys[place] = value
        record.known += 1
    return place


@compiled
def scan(
    values: Floats,
    tasks: Ints,
    ts: Floats,
    offsets: Ints,
    records: Any,
    arrays: tuple[Floats, Any, Any, Floats, Ints],
) -> None:
    """Feed every task, all of it; `arrays`: keys, counts, ring, and ts and offset of marks."""
    for k in range(tasks.shape[0]):
        if k + AHEAD < tasks.shape[0]:
            prefetch(records, tasks[k + AHEAD, 3], 0)
            prefetch(arrays[0], tasks[k + AHEAD, 3], 0)
        column, start, stop, slot = tasks[k, 0], tasks[k, 1], tasks[k, 2], tasks[k, 3]
        record, keys, counts = records[slot], arrays[0][slot], arrays[1][slot]
        ring = arrays[2][slot]
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN, the fastest way to say it
                continue
            place = place_of(record, keys, value)
            cursor = record.cursor
            if cursor % EVERY == 0:
                arrays[3][slot, cursor // EVERY] = ts[t]
                arrays[4][slot, cursor // EVERY] = offsets[t]
            counts[place] += 1
            ring[cursor] = place
            record.n += 1
            record.cursor = cursor + 1 if cursor + 1 < ring.shape[0] else 0
