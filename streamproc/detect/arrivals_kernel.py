"""Count the events of each model by the clock of its partition, and find silent ones (compiled)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.detect.arrival_columns import (
    AFTER,
    AHEAD,
    BORN,
    COMPARED,
    COMPLETE,
    CURRENT,
    DISPERSION,
    EARLIEST,
    EVENTS,
    FIRST,
    GAP,
    HEARD,
    HOUR_COUNT,
    HOUR_MINUTES,
    HOURS,
    LIMIT,
    MAX_GAP,
    MAX_MISSED,
    MEASURED,
    MEMBER,
    MISSED,
    NOISE,
    NONE,
    OFFSET,
    PAUSED,
    RECENT,
    REJOINED,
    RUN,
    RUN_COUNT,
    RUN_EXPECTED,
    RUN_HOURS,
    RUN_SINCE,
    SEEN,
    SILENCE,
    SILENCE_ACCEPTED,
    SILENCE_BACK,
    SILENT,
    SINCE,
    START,
    TAINTED,
    VOLUME,
    VOLUME_ACCEPTED,
    VOLUME_AT,
    VOLUME_LOW,
    WATCH_VOLUME,
    WHAT,
)
from streamproc.detect.rhythm_kernel import HOUR, expected_minutes, learn_hour, mean
from streamproc.detect.volume_kernel import add_hour, end_block, judge_block, start_run
from streamproc.detectors.runtime.jit import compiled

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Profiles = NDArray[np.float32]
Table = tuple[Floats, Ints, Profiles, Profiles, Floats]
"""Rows, events in the present minute, lowest minutes and usual events by hour, settings."""

MINUTE: Final = 60.0
CONFIRMED: Final = 3
"""Events in a row, of any models, that have to be later for the clock to go on."""
PATIENCE: Final = 6000
"""Records in a row that are earlier than the clock, until it is set back."""
RHYTHM_AFTER: Final = 4 * 1440
"""Minutes that a model has to send until it is judged by its rhythm."""
GAP_AFTER: Final = 8 * 1440
"""Minutes that a model has to send until it is judged by its longest gap."""
MIN_MISSED: Final = 30.0
"""Minutes with events that have to be missed at least."""
MIN_GAP: Final = 60.0
"""Minutes that a gap takes at least."""
TIMES: Final = 3.0
"""How many times the longest gap so far is a silence."""
MAX_IDLE: Final = 60
"""Minutes that a time without an event of any model counts at most."""
_RATE: Final = 0.25
_RATE_OF_NEWS: Final = 0.5
_MIN_RECORDS: Final = 4.0
_SHARE: Final = 4.0


@compiled
def count_events(
    runs: Ints,
    times: tuple[Ints, Floats],
    counted: tuple[Ints, Ints, Ints],
    clock: Floats,
    counts: Ints,
) -> bool:
    """Count the events of each run.

    Parameters
    ----------
    runs
        (models, 3): row in the layout, first event, event after the last.
    times
        Offset and time of each event.
    counted
        Of each row of the layout: number of events and offset of the last one, both updated, and
        place in the table of arrivals, negative without one.
    clock
        Fields of the clock; `RECENT` is updated.
    counts
        Events of each model of the table in the present minute; updated.

    Returns
    -------
    bool
        Whether the events have to be looked at in the order of the log: the clock may move.
    """
    offsets, ts = times
    events, last, members = counted
    start, boundary = clock[START], clock[START] + MINUTE
    limit, recent, moves = clock[CURRENT] + PATIENCE, clock[RECENT], False
    for run in range(len(runs)):
        row, begin, stop = runs[run]
        events[row] += stop - begin
        last[row] = offsets[stop - 1]
        if members[row] < 0:
            moves = True
        else:
            counts[members[row]] += stop - begin
        for at in range(begin, stop):
            moves |= ts[at] >= boundary or offsets[at] >= limit
            if ts[at] >= start and offsets[at] > recent:
                recent = offsets[at]
    clock[RECENT] = recent
    return moves


@compiled
def take_back(members: Ints, counts: Ints) -> None:
    """Take back the counts of events, which `advance` counts in the order of the log."""
    for member in members:
        counts[member] -= 1


@compiled
def advance(
    begin: int,
    events: tuple[Ints, Ints, Floats],
    clock: Floats,
    table: Table,
    accept_after: int,
    found: Floats,
) -> tuple[int, int]:
    """Count events in the order of the log, and move the clock, until something is found.

    Parameters
    ----------
    begin
        The first event.
    events
        Place in the table, offset and time of each event.
    clock
        Fields of the clock; updated.
    table
        The table; updated.
    accept_after
        Minutes until what was found is accepted.
    found
        Written: a row for each finding.

    Returns
    -------
    tuple of int
        The next event, and the number of findings; they are of the event before.
    """
    members, offsets, ts = events
    counts = table[1]
    for at in range(begin, len(ts)):
        count = 0
        if ts[at] >= clock[START] + MINUTE:
            clock[EARLIEST] = min(clock[EARLIEST], ts[at]) if clock[AHEAD] else ts[at]
            clock[AHEAD] += 1
            clock[CURRENT] = offsets[at]
            if clock[AHEAD] >= CONFIRMED:
                count = _tick(clock, table, offsets[at], accept_after, found)
        else:
            clock[AHEAD] = 0
            if ts[at] >= clock[START]:
                clock[CURRENT] = offsets[at]
            elif offsets[at] >= clock[CURRENT] + PATIENCE:
                _set_back(clock, table, ts[at], offsets[at])
        counts[members[at]] += 1
        if count:
            return at + 1, count
    return len(ts), 0


@compiled
def _set_back(clock: Floats, table: Table, ts: float, offset: int) -> None:
    """Set the clock back, to times that all records have had for long; no gap counts."""
    clock[START] = np.floor(ts / MINUTE) * MINUTE
    clock[CURRENT], clock[COMPLETE] = offset, 0.0
    minute = clock[START] / MINUTE
    table[1][:] = 0
    for row in table[0]:
        row[HOUR_MINUTES] = row[HOUR_COUNT] = row[MISSED] = row[GAP] = 0.0
        end_block(row)
        row[PAUSED] = 1.0
        row[FIRST], row[SILENT] = min(row[FIRST], minute), min(row[SILENT], minute)
        row[VOLUME_AT] = min(row[VOLUME_AT], minute // HOUR)


@compiled
def _tick(clock: Floats, table: Table, offset: int, accept_after: int, found: Floats) -> int:
    """Move the clock to a later minute; return the number of findings."""
    after = int(np.floor(clock[EARLIEST] / MINUTE))
    begins = not np.isfinite(clock[START])
    before = after if begins else int(clock[START] / MINUTE)
    clock[START], clock[AHEAD] = after * MINUTE, 0.0
    rows, counts = table[0], table[1]
    hour = before // HOUR
    ends = after // HOUR != hour
    complete = clock[COMPLETE] > 0.0 and after - before <= MAX_IDLE
    count = 0
    for member in range(len(rows)):
        row = rows[member]
        if row[FIRST] < 0.0 and counts[member] == 0:
            continue
        now = before, after, offset
        count += _listen(member, now, table, accept_after, found[count:])
        if ends and complete and 0.0 <= row[FIRST] <= hour * HOUR:
            count += _end_hour(member, now, table, accept_after, found[count:])
        if ends:
            row[HOUR_MINUTES] = row[HOUR_COUNT] = 0.0
    if ends:
        clock[COMPLETE] = 0.0 if begins else 1.0
    return count


@compiled
def _listen(
    member: int, now: tuple[int, int, int], table: Table, accept_after: int, found: Floats
) -> int:
    """Note whether a model had events in the minute that ended; return the number of findings."""
    before, after, offset = now
    rows, counts, low, usual, settings = table
    row, count, begin = rows[member], 0, before
    if counts[member]:
        what, since = _heard(row, before, counts[member], offset)
        counts[member] = 0
        begin += 1
        if what != NONE:
            _write(found[count], member, what, since, -1.0, before - since, 0.0)
            count += 1
    row[GAP] += min(after - before, MAX_IDLE)
    row[MISSED] += expected_minutes(low[member], max(begin, after - MAX_IDLE), after)
    what = _silence(row, settings[member, AFTER], after, offset, accept_after)
    if what != NONE:
        into = found[count]
        _write(into, member, what, row[SEEN], row[HEARD], row[GAP], row[MAX_GAP])
        into[HOURS] = row[MISSED]
        count += 1
    if what == SILENCE_ACCEPTED:
        _forget(row, low[member], usual[member])
    return count


@compiled
def _heard(row: Floats, minute: int, count: int, offset: int) -> tuple[int, float]:
    """Note the events of a model in a minute; return what ends by them, and since when it was."""
    what, since = NONE, row[SEEN]
    if row[FIRST] < 0.0:
        row[FIRST], row[BORN], row[REJOINED] = minute, offset, minute
    elif row[SILENT] > 0.0:
        what, row[SILENT], row[TAINTED] = SILENCE_BACK, 0.0, minute // HOUR
    elif row[PAUSED] > 0.0:
        row[TAINTED], row[REJOINED] = minute // HOUR, minute
    else:
        row[MAX_GAP] = max(row[MAX_GAP], row[GAP])
        row[MAX_MISSED] = max(row[MAX_MISSED], row[MISSED])
    row[SEEN], row[HEARD] = minute, offset
    row[MISSED] = row[GAP] = row[PAUSED] = 0.0
    row[EVENTS] += count
    row[HOUR_MINUTES] += 1.0
    row[HOUR_COUNT] += count
    return what, since


@compiled
def _is_silent(row: Floats, after: float, offset: int) -> bool:
    """Whether a model has had no events for too long, in time and in records of the partition."""
    gap = row[GAP]
    records = offset - row[HEARD]
    if after > 0.0:
        return bool(gap >= after and records >= _MIN_RECORDS)
    apart = (row[HEARD] - row[BORN]) / max(row[EVENTS], 1.0)
    if records < max(_MIN_RECORDS, _SHARE * apart):
        return False
    missed = row[MISSED] > max(TIMES * row[MAX_MISSED], MIN_MISSED)
    if missed and row[SEEN] - row[FIRST] >= RHYTHM_AFTER:
        return True
    long = gap > max(TIMES * row[MAX_GAP], MIN_GAP)
    return bool(long and row[SEEN] - row[REJOINED] >= GAP_AFTER)


@compiled
def _silence(row: Floats, after: float, minute: int, offset: int, accept_after: int) -> int:
    if after < 0.0:
        return NONE
    if row[SILENT] > 0.0:
        row[TAINTED] = minute // HOUR
        return SILENCE_ACCEPTED if minute - row[SILENT] >= accept_after else NONE
    if row[PAUSED] > 0.0 or not _is_silent(row, after, offset):
        return NONE
    row[SILENT], row[TAINTED] = minute, minute // HOUR
    return SILENCE


@compiled
def _end_hour(
    member: int, now: tuple[int, int, int], table: Table, accept_after: int, found: Floats
) -> int:
    """Judge and learn an hour that has ended; return the number of findings."""
    row, low, usual = table[0][member], table[2][member], table[3][member]
    hour = now[0] // HOUR
    if row[TAINTED] == hour or row[SILENT] > 0.0 or row[PAUSED] > 0.0:
        row[RUN] = 0.0 if row[VOLUME] == 0.0 else row[RUN]
        end_block(row)
        return 0
    what, count = NONE, row[HOUR_COUNT]
    expected = mean(usual, hour) if table[4][member, WATCH_VOLUME] > 0.0 else -1.0
    if expected >= 0.0 and add_hour(row, hour, count, expected):
        what = judge_block(row, hour, accept_after / HOUR)
    rate = _RATE if row[VOLUME] == 0.0 and row[RUN] == 0.0 else _RATE_OF_NEWS
    learn_hour(low, usual, hour, (row[HOUR_MINUTES], count), rate)
    if what == VOLUME_LOW and row[RUN_COUNT] == 0.0:
        return _no_volume(member, now[1], table, found)
    if what == NONE:
        return 0
    since = row[RUN_SINCE] * HOUR
    _write(found[0], member, what, since, -1.0, row[RUN_COUNT], row[RUN_EXPECTED])
    found[0, HOURS] = row[RUN_HOURS]
    start_run(row)
    if what == VOLUME_ACCEPTED:
        row[NOISE] = row[DISPERSION] = row[COMPARED] = 0.0
        low[:] = -1.0
        usual[:] = -1.0
    return 1


@compiled
def _no_volume(member: int, minute: int, table: Table, found: Floats) -> int:
    """Report a volume of nothing as the silence that it is, unless that is set by hand."""
    row, after = table[0][member], table[4][member, AFTER]
    row[VOLUME] = 0.0
    start_run(row)
    if after != 0.0:
        return 0
    row[SILENT], row[TAINTED] = minute, minute // HOUR
    _write(found[0], member, SILENCE, row[SEEN], row[HEARD], row[GAP], row[MAX_GAP])
    found[0, HOURS] = row[MISSED]
    return 1


@compiled
def _forget(row: Floats, low: NDArray[np.float32], usual: NDArray[np.float32]) -> None:
    """Forget a model whose end was accepted: should it come back, it is a new one."""
    row[:] = 0.0
    row[FIRST] = row[SEEN] = row[TAINTED] = -1.0
    low[:] = -1.0
    usual[:] = -1.0


@compiled
def _write(
    into: Floats, member: int, what: int, since: float, offset: float, measured: float, limit: float
) -> None:
    into[MEMBER], into[WHAT], into[SINCE], into[OFFSET] = member, what, since, offset
    into[MEASURED], into[LIMIT] = measured, limit
