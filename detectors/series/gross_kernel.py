"""The loop over every value of a series: its range, runs of one value, and serial dependence."""

import math
from typing import Any

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.prefetch import AHEAD, prefetch
from streamproc.detectors.series import decimals_kernel as decimals

NOTHING, RANGE, FROZEN, DEPENDENT, SLOW, GAPS, DECIMALS = range(7)
"""What a scan stops at."""
STARTS = 30
"""Values before a range or a centre counts as known."""
MARGIN = 2.0
"""Widths of the range so far that a value has to lie outside of it."""
EXCEEDANCES, WINDOW = 4, 16
"""Values outside of the range that are a finding, if they come within a window of this length."""
HEAVY = 5.0
"""With a Pareto tail of index 1.5 one value in 5n lies outside of the range of n values. That range
is as uncertain as its farthest value, so m of the next k lie outside with probability of about
(1 + 5n / k) ** -m."""
CLOSE, RARE = 11.0, 19.0
"""They have to be less likely than exp(-11); those further apart than `WINDOW`, which may begin
anywhere, than exp(-19)."""
CHOICES = 10.0
"""Logarithm of the number of ways to choose the exceedances among the values that are not repeats:
reached by 4 beside 25, or 9 beside 9."""
MONOTONE = 30
"""Values in a row that rise, or fall, as row numbers and times do: one in 30! if independent."""
RECURRING = 2
"""Signs that make a series dependent: alarms that lead to a level where it was before, and runs of
a value that it never had before."""
NEW_AFTER, NEW_RUN = 25, 12
"""That none of 25 values equals one outside of their range, and the 12 that follow it all do, as
those of one request, is less likely than exp(-23) if values are independent, whatever its share."""
PATIENCE = 32
"""Values that the detectors of an independent series have to report the change first."""
RELEARNING = 230
"""Values after an alarm in which those detectors are blind."""
REPEATS = 10
"""Fewest repeats of one value that are a frozen feed."""
OFTEN = 4.0
"""How many times as often as so far zeros and ones may turn into each other."""
FLICKER_STARTS = 200
"""Values from which on that is known."""
BINARY = (0.0, 1.0)
LOG_ODDS = 23.0
"""A run must be less likely than exp(-23) by what the series has repeated so far."""
MEMORY = 512
"""Values over which mean and deviation are averaged."""
CHECK, CHECKS = 200, 16
"""Values between two tests for dependence, and tests until counting begins again."""
RUNS_LIMIT = -6.0
"""Deviations by which runs above and below the centre are too few: one in 10^9 if independent."""
MIN_VARIANCE = 20.0
"""Of the number of values above the centre; with fewer the test's distribution is not normal."""
MAX_VALUE = 1e150
PACE = 120.0
"""Seconds between values from which on a series is slow: its profile takes weeks to learn, so it is
learned from the beginning, before there can be a word on dependence."""


@compiled
def frozen(record: Any) -> bool:
    """Whether the present run is too long for this series.

    With `repeats` and `breaks` so far, a run lasts r values with probability of about
    (repeats / (repeats + r)) ** (breaks / 2), since a rare event breaks two runs. Where one value
    repeats itself more than others do, its longest run tells more: of m runs it is about log(m)
    mean lengths long.
    """
    if record.reported or record.run < 2 * record.longest + REPEATS:
        return False
    breaks = 0.5 * record.breaks + 1.0
    share = math.log1p(record.run / (record.repeats - record.run + 1.0))
    of_longest = record.run * math.log(breaks) / max(record.longest, 1)
    return bool(min(share * breaks, of_longest) > LOG_ODDS)


@compiled
def dependent(record: Any) -> bool:
    """Wald and Wolfowitz: whether values stay on one side of the centre for too long."""
    n = float(record.counted)
    share = record.above / n
    variance = n * share * (1.0 - share)
    if variance < MIN_VARIANCE:
        return False
    spread = 2.0 * variance / math.sqrt(n)
    return bool((record.runs - 2.0 * variance) / spread < RUNS_LIMIT)


@compiled
def absorb(record: Any) -> None:
    """Take the values outside of the range into it."""
    if record.beyond > 0:
        record.low = min(record.low, record.far_low)
        record.high = max(record.high, record.far_high)
        record.beyond = 0


@compiled
def known_range(record: Any) -> bool:
    """Whether the range is of enough values: of a series that is mostly zero, the others count.

    Of a + m exchangeable values, the last m are the farthest with probability 1 / C(a + m, m).
    """
    m = float(record.beyond)
    a = max(record.breaks * (1.0 - 0.5 * record.repeats / record.n) - m, 0.0)
    return bool(math.lgamma(a + m + 1.0) - math.lgamma(a + 1.0) - math.lgamma(m + 1.0) > CHOICES)


@compiled
def too_many(record: Any) -> bool:
    """Whether there are more values outside of the range than heavy tails explain.

    A sentinel in 2 % of values, or another unit of what is mostly zero, comes as rarely as that.
    """
    since = record.n - record.first + 1
    if record.beyond < EXCEEDANCES or not known_range(record):
        return False
    least = CLOSE if since <= WINDOW else RARE
    return bool(record.beyond * math.log1p(HEAVY * record.first / since) > least)


@compiled
def outside(record: Any, value: float) -> int:
    """Count a value outside of the range; returns what it amounts to."""
    if record.beyond == 0:
        record.first, record.far_low, record.far_high = record.n, value, value
        record.far_sum = 0.0
    record.beyond += 1
    record.far_low = min(record.far_low, value)
    record.far_high = max(record.far_high, value)
    record.far_sum += min(max(value, -MAX_VALUE), MAX_VALUE)
    if not too_many(record):
        return NOTHING
    blind = record.n - record.alarmed <= RELEARNING
    waited = record.n - record.first >= PATIENCE
    return RANGE if record.dependent or blind or waited else NOTHING


@compiled
def sided(record: Any, value: float) -> int:
    """Count runs above and below the centre; returns whether they show dependence."""
    if record.counted == 0:
        record.centre = record.mean
        record.above = record.runs = 0
    above = value > record.centre
    if record.counted == 0 or above != record.was_above:
        record.runs += 1
    record.was_above = above
    record.above += above
    record.counted += 1
    if record.counted % CHECK != 0:
        return NOTHING
    if dependent(record):
        return DEPENDENT
    if record.counted >= CHECK * CHECKS:
        record.counted = 0
    return NOTHING


@compiled
def flickering(record: Any) -> bool:
    """Whether a series of zeros and ones turns far more often than it has done.

    Page's cumulative sum of log-likelihood ratios. Gaps of a source that drops out for hours say
    nothing of a loss of every other value, whose share may be smaller.
    """
    usual = OFTEN * (record.breaks + 1.0) / record.n
    if usual > 0.5 / OFTEN or record.n < FLICKER_STARTS:
        return False
    if record.flicker == 0.0:
        record.flicker_n = record.flicker_ones = 0
    record.flicker_n += 1
    record.flicker_ones += record.last == 1.0
    ratio = 0.5 / usual if record.run == 0 else 0.5 / (1.0 - usual)
    record.flicker = max(record.flicker + math.log(ratio), 0.0)
    if record.flicker <= max(LOG_ODDS, 1.5 * record.flickered):
        return False
    record.flickered, record.flicker = record.flicker, 0.0
    return True


@compiled
def repeated(record: Any, value: float) -> int:
    """Count runs of one value, or in one direction; returns what they show."""
    if value > record.last:
        record.climbs = max(record.climbs, 0) + 1
    elif value < record.last:
        record.climbs = min(record.climbs, 0) - 1
    else:
        record.climbs = 0
    climbs = abs(record.climbs) >= MONOTONE and not record.dependent
    found = DEPENDENT if climbs else NOTHING
    if value == record.last:
        record.run += 1
        record.repeats += 1
        if record.new and record.run == NEW_RUN and not record.dependent:
            record.recurred += 1
            found = DEPENDENT if record.recurred >= RECURRING else found
        if record.run >= REPEATS and frozen(record):
            record.reported = True
            return FROZEN
    else:
        record.breaks += 1
        record.longest = max(record.longest, record.run)
        record.run = 0
        record.new = record.n > NEW_AFTER and (value > record.high or value < record.low)
        record.reported = False
        record.last = value
    if record.dependent and record.low == 0.0 and record.high == 1.0 and value in BINARY:
        record.ones += value == 1.0
        if flickering(record):
            return GAPS
    return found


@compiled
def widen(record: Any, value: float) -> None:
    """Take a value into the range, unless others outside of it may yet be a finding."""
    if record.beyond > 0 and record.n - record.first > max(WINDOW, record.first):
        absorb(record)
    if record.beyond > 0:  # else each value would make room for one that is farther out
        record.far_low = min(record.far_low, value)
        record.far_high = max(record.far_high, value)
    else:
        record.low = min(record.low, value)
        record.high = max(record.high, value)


@compiled
def take(record: Any, value: float, ts: float) -> int:
    """Feed one value; returns what it shows."""
    found = NOTHING
    record.n += 1
    record.since += 1
    if record.n <= STARTS:
        if record.n == 1:
            record.began = ts
            record.low = record.high = value
        elif record.n == STARTS and ts - record.began >= PACE * (STARTS - 1):
            found = SLOW
    found = max(repeated(record, value), found)
    reach = MARGIN * (record.high - record.low)
    if (
        record.n > STARTS
        and reach > 0.0
        and (value > record.high + reach or value < record.low - reach)
    ):
        return max(outside(record, value), found)
    widen(record, value)
    x = min(max(value, -MAX_VALUE), MAX_VALUE)
    weight = 1.0 / min(record.n, MEMORY)
    apart = x - record.mean
    record.mean += weight * apart
    record.square += weight * (apart * apart * (1.0 - weight) - record.square)
    if record.n > STARTS and not record.dependent:
        return max(sided(record, value), found)
    return found


@compiled
def take_all(record: Any, value: float, ts: float) -> int:
    """Feed one value to what is known of it and to that of its decimals; returns what it shows."""
    found = take(record, value, ts)
    if record.decimals < decimals.MANY and record.run == 0:
        more = decimals.finer(record, value)
        if more and found == NOTHING:  # else the next one shows it, too
            decimals.reported(record)
            return DECIMALS
    return found


@compiled
def scan(
    values: Floats, ts: Floats, tasks: Ints, records: Any, row: Ints, code: Ints, summary: Floats
) -> None:
    """Feed every task until its first finding.

    Parameters
    ----------
    values, ts, tasks, records
        As of a bank, and the time of each row.
    row, code
        (tasks,): row and kind of the first finding, -1 and `NOTHING` if there is none.
    summary
        (tasks, 6): of it number, mean and deviation of the values before, number and mean of
        those that show it, and the last one.
    """
    for k in range(tasks.shape[0]):
        if k + AHEAD < tasks.shape[0]:
            for line in range(0, 256, 64):
                prefetch(records, tasks[k + AHEAD, 3], line)
        column, start, stop = tasks[k, 0], tasks[k, 1], tasks[k, 2]
        record = records[tasks[k, 3]]
        row[k], code[k] = -1, NOTHING
        for t in range(start, stop):
            value = values[column, t]
            if value != value:  # noqa: PLR0124 - NaN
                continue
            found = take_all(record, value, ts[t])
            if found == NOTHING:
                continue
            row[k], code[k] = t, found
            summary[k, 0], summary[k, 1] = record.n, record.mean
            summary[k, 2] = math.sqrt(max(record.square, 0.0))
            summary[k, 3], summary[k, 4] = record.run + 1.0, value
            summary[k, 5] = value
            if found == GAPS:
                summary[k, 1] = record.ones / record.n
                summary[k, 2] = math.sqrt(summary[k, 1] * (1.0 - summary[k, 1]))
                summary[k, 3] = record.flicker_n
                summary[k, 4] = record.flicker_ones / record.flicker_n
            elif found == RANGE:
                summary[k, 3] = record.beyond
                summary[k, 4] = record.far_sum / record.beyond
                absorb(record)
            elif found == DECIMALS:
                summary[k, 3] = record.finer_n
                summary[k, 4] = record.finer_sum / record.finer_n
            break
