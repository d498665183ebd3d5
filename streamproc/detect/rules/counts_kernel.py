"""Count violations of rules event by event, and find when there is something to report.

The test is the cumulative sum of the log-likelihood ratio of a share of violations with twice the
allowed odds and of the allowed share (Page 1954, "Continuous inspection schemes"). It is counted in
whole numbers, so that any split of the events gives the same sum.
"""

from typing import Final

import numpy as np

from streamproc.decode.matrix import Floats, Ints
from streamproc.detectors.runtime.jit import compiled

# Columns of the counts of a rule and model.
JUDGED: Final = 0
VIOLATIONS: Final = 1
SCORE: Final = 2
OPEN: Final = 3
BEFORE_JUDGED: Final = 4  # counts before the first violation that the sum has in it
BEFORE_VIOLATIONS: Final = 5
SINCE_OFFSET: Final = 6
EXAMPLES: Final = 7  # since the last report
QUIET: Final = 8  # judged since the last violation at which the sum was at its limit
REPORTS: Final = 9
COUNTS: Final = 10

# Columns of the times of a rule and model.
SINCE: Final = 0
ALARMED: Final = 1
REPORTED: Final = 2
PREVIOUS: Final = 3  # last value, of a rule with an order
TIMES: Final = 4

# Columns of the steps, with a test for each rule.
UP: Final = 0
DOWN: Final = 1
LIMIT: Final = 2

# What is found.
EXAMPLE: Final = 0
FIRING: Final = 1
UPDATED: Final = 2
RESOLVED: Final = 3

# Columns of what is found; from JUDGED on the counts and the time of `SINCE`.
WHAT: Final = 0
RUN: Final = 1
RULE: Final = 2
EVENT: Final = 3
FIRST: Final = 4
FOUND: Final = FIRST + COUNTS + 1

MAX_EXAMPLES: Final = 3
_WRITTEN: Final = MAX_EXAMPLES  # behind the examples of a slice: how many are written
_DAY: Final = 86400.0


@compiled
def judge_order(
    values: Floats, runs: Ints, order: tuple[bool, bool], previous: Floats, codes: np.ndarray
) -> None:
    """Compare each value with the one before it of the same model.

    Parameters
    ----------
    values
        (events,): NaN is missing, and not judged.
    runs
        (models, 3): row in the layout, first event, event after the last.
    order
        Whether equal values violate it, and whether values fall rather than rise.
    previous
        (models,): last value before; continued.
    codes
        (events,): int8; filled.
    """
    is_strict, falls = order
    for run in range(len(runs)):
        last = previous[run]
        for event in range(runs[run, 1], runs[run, 2]):
            value = values[event]
            codes[event] = -1
            if np.isnan(value):
                continue
            if not np.isnan(last):
                step = last - value if falls else value - last
                codes[event] = step < 0 or (is_strict and step == 0)
            last = value
        previous[run] = last


@compiled
def count_violations(
    codes: np.ndarray,
    runs: Ints,
    slots: Ints,
    steps: Ints,
    events: tuple[Floats, Ints],
    policy: tuple[int, float, float],
    state: tuple[np.ndarray, np.ndarray],
    found: Floats,
) -> int:
    """Count the violations of each rule by each model; return how much is found.

    Parameters
    ----------
    codes
        int8 (rules, events): 1 violated, 0 kept, negative not judged.
    runs
        (models, 3): row in the layout, first event, event after the last.
    slots
        (models,): slot of each model in the state.
    steps
        (rules, 3): what a violation adds to the sum, what another event takes, and its limit.
    events
        (events,): event time and offset.
    policy
        Judged events and seconds until an incident is resolved, and seconds between its reports.
    state
        int64 (slots, rules, COUNTS) and float64 (slots, rules, TIMES); changed.
    found
        (n, FOUND): filled by run, rule and event; of an example `EXAMPLES` is its place.
    """
    counts, times = state
    size = 0
    examples = np.zeros(MAX_EXAMPLES + 1, np.int64)
    for run in range(len(runs)):
        for rule in range(len(steps)):
            count, time = counts[slots[run], rule], times[slots[run], rule]
            examples[_WRITTEN] = count[EXAMPLES]
            for event in range(runs[run, 1], runs[run, 2]):
                code = codes[rule, event]
                what = -1
                if code == 0:
                    what = _keep(steps[rule], events[0][event], policy, count, time)
                elif code > 0:
                    at = event, events[0][event], events[1][event]
                    what = _violate(steps[rule], at, policy[2], count, time, examples)
                if what >= 0:
                    size = _write_examples(found, size, (run, rule), count, time, examples)
                    size = _write(found, size, what, (run, rule, event), count, time)
                if what in (FIRING, UPDATED):
                    count[EXAMPLES] = examples[_WRITTEN] = 0
            size = _write_examples(found, size, (run, rule), count, time, examples)
    return size


@compiled
def _keep(
    step: Ints, ts: float, policy: tuple[int, float, float], count: Ints, time: Floats
) -> int:
    """Count an event that keeps a rule; return what is found, negative: nothing."""
    count[JUDGED] += 1
    count[SCORE] = max(0, count[SCORE] - step[DOWN])
    if count[OPEN]:
        count[QUIET] += 1
        if count[QUIET] >= policy[0] and ts - time[ALARMED] >= policy[1]:
            count[OPEN], count[SCORE] = 0, 0
            return RESOLVED
    return -1


@compiled
def _violate(
    step: Ints,
    at: tuple[int, float, int],
    interval: float,
    count: Ints,
    time: Floats,
    examples: Ints,
) -> int:
    """Count an event that violates a rule; return what is found, negative: nothing."""
    event, ts, offset = at
    if count[OPEN] == 0 and count[SCORE] == 0:
        count[BEFORE_JUDGED], count[BEFORE_VIOLATIONS] = count[JUDGED], count[VIOLATIONS]
        count[SINCE_OFFSET], time[SINCE] = offset, ts
        count[EXAMPLES] = examples[_WRITTEN] = 0
    count[JUDGED] += 1
    count[VIOLATIONS] += 1
    count[SCORE] = min(step[LIMIT], count[SCORE] + step[UP])
    if count[EXAMPLES] < MAX_EXAMPLES:
        examples[count[EXAMPLES]] = event
        count[EXAMPLES] += 1
    if count[SCORE] < step[LIMIT]:
        count[QUIET] += 1
        return -1
    count[QUIET], time[ALARMED] = 0, ts
    what = UPDATED
    if count[OPEN] == 0:
        what, count[OPEN], count[REPORTS] = FIRING, 1, 0
    elif abs(ts - time[REPORTED]) < _wait(interval, count[REPORTS]):
        return -1
    else:
        count[REPORTS] += 1
    time[REPORTED] = ts
    return what


@compiled
def _wait(interval: float, reports: int) -> float:
    """Return the seconds until the next report: twice as many after each one, at most a day."""
    wait = interval
    for _ in range(reports):
        if wait >= _DAY:
            break
        wait *= 2.0
    return max(interval, min(wait, _DAY))


@compiled
def _write_examples(
    found: Floats, size: int, at: tuple[int, int], count: Ints, time: Floats, examples: Ints
) -> int:
    """Write the examples that have not been written yet; those of the last violations only."""
    total = count[EXAMPLES]
    for place in range(examples[_WRITTEN], total):
        count[EXAMPLES] = place
        size = _write(found, size, EXAMPLE, (at[0], at[1], examples[place]), count, time)
    count[EXAMPLES] = examples[_WRITTEN] = total
    return size


@compiled
def _write(
    found: Floats, size: int, what: int, at: tuple[int, int, int], count: Ints, time: Floats
) -> int:
    row = found[size]
    row[WHAT] = what
    row[RUN], row[RULE], row[EVENT] = at
    for column in range(COUNTS):
        row[FIRST + column] = count[column]
    row[FIRST + COUNTS] = time[SINCE]
    return size + 1
