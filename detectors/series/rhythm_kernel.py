"""The loop of `Rhythm`: forecast by hour and past value, and errors against earlier ones."""

import math
from typing import Any

import numpy as np

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.series.change_points_kernel import unit_of
from streamproc.detectors.series.farthest_kernel import MIN_MULTIPLE, compared, limit_of, turned
from streamproc.detectors.series.phase_kernel import CLIP, FLOOR, HOURS, NORMAL, TINY, WEEK, hourly

LAGS = 24
"""Residuals that are remembered, for jumps."""
JUMP_SHORT, JUMP_DAY, LEVEL, SHAPE, NEWS, BURST, ROUGH, PHASE, RATIO = range(9)
"""The statistics: a jump that 6 values, or 24, confirm; the level over a day; how the daily
profile is followed; the mean forecast error over 8 values; its size over 8, and over a day; whether
the profile some hours before forecasts better; of amounts, by which part of it they are off over
some days."""
STATISTICS = 9
FIGURES = 10
"""Those of a finding, before the daily profile that follows them in its `summary`."""
SUMMARY = FIGURES + HOURS
RARITY = (8.0, 10.0, 5.0, 5.0, 5.0, 8.0, 8.0, 8.0, 6.0)
"""How far each may go beyond the farthest before, in scales of the distribution of the farthest of
a block; more for jumps and sizes of errors, whose tails are heavier."""
MAX_MULTIPLE = (3.0, 4.0, 2.5, 4.0, 2.5, 3.0, 3.0, 2.5, 2.5)
"""The same in multiples of the farthest, at most."""
OF_TWO_VALUES = (2.0, 3.0, 2.0, 3.0, 2.0, 2.5, 2.5, 2.0, 2.5)
"""The same of zeros and ones, whatever their blocks: outages may come together, and then not for
months."""
MIN_STATISTIC = (2.0, 1.5, 0.25, 0.0, 0.0, 0.0, 0.0, FLOOR, 0.25)
"""What each has to be at least: jumps and levels in deviations, the logarithm of the likelihood
ratio of hours, a part of the profile. Most jumps are 0, and a multiple of less is not a finding."""
BLOCKS = (18.0, 72.0, 0.0, 0.0, 24.0, 24.0, 0.0, 0.0, 0.0)
"""Values in a block of each, three times what it looks at; 0: two days, or twice `RATIO_DAYS`."""
RATIO_DAYS = 4.0
"""Days that `RATIO` looks at: a holiday is a quarter of them, and a lasting change all."""
VARIABLE = 0.25
"""Deviation over mean from which on values that are never negative are amounts: the zero of others,
such as an air pressure, says nothing about how large a change is."""
YOUNG = 1.0
"""How much wider the limits are when the farthest values are of few days: by this part at first,
a quarter of it when they are of twice as many."""
SHORT = 8.0
"""Values of the short means."""
MAX_DAY = 512.0
"""Values that the means over a day take at most: fast series are judged sooner."""
DAY = 86400.0
LEARN = 10.0
"""Days, or values an hour of the day, whichever is less, until the profile is known; as long again
until the farthest values are. At least one day of each."""
DAILY, WEEKLY = 28.0, 16.0
"""Visits of an hour that its profile remembers."""
PRIOR, JUDGED = 2.0, 14.0
"""Days of values that the number of visits counts for, and days over which it is compared by how
much the hours of the week are nearer to values than those of the day."""
FEWEST = 150.0
"""Values before statistics count."""
QUIET = 2.0
"""Days after a finding in which what is seen becomes usual, and nothing is found."""
FAST_QUIET = 1.0 / 12.0
"""The same of series with more than `MAX_DAY` values a day."""
MIN_DEVIATION = 0.1
"""Minimum deviation of a series of two values, as a part of their distance: an outage does not
count as larger because outages have been rare."""
FARTHEST = 1e15
"""Values count as at most this many times as far from the first as the first difference:
profiles are stored in 32 bits."""


@compiled
def forecast(record: Any, daily: Any, weekly: Any, visits: Any, hour: int) -> float:
    """Profile of an hour of the week; the week counts from its second visit on.

    By how much it counts is first a matter of its visits, and later of how much nearer values have
    been to the hour of the week than to that of the day.
    """
    day = hour % HOURS
    base = daily[day, 0] if visits[WEEK + day] > 0 or daily[day, 1] > 0.0 else record.middle
    known = float(visits[hour]) - 1.0
    if known <= 0.0:
        return float(base)
    share = known / (known + 2.0)
    n = record.weekly_n
    if n > 0.0:
        shown = min(max(record.weekly_products / (record.weekly_squares + TINY), 0.0), 1.0)
        prior = PRIOR * DAY / max(record.pace, 1e-3)
        share = (prior * share + n * shown) / (prior + n)
    return float(base + (weekly[hour] - base) * share)


@compiled
def compare_weekly(record: Any, daily: Any, weekly: Any, visits: Any, given: Any) -> None:
    """Regress distances of values from their hour of the day on that of the hour of the week."""
    value, wide, perday = given
    hour, day = record.hour, record.hour % HOURS
    if visits[hour] < 2 or record.n < FEWEST or record.second < np.inf:
        return
    apart, reach = weekly[hour] - daily[day, 0], 3.0 * wide
    off = min(max(value - daily[day, 0], -reach), reach)
    record.weekly_n = min(record.weekly_n + 1.0, JUDGED * perday)
    record.weekly_products += (off * apart - record.weekly_products) / record.weekly_n
    record.weekly_squares += (apart * apart - record.weekly_squares) / record.weekly_n


@compiled
def jumped(record: Any, ring: Any, residual: float, lags: int, phi: float) -> float:
    """Smallest distance of the last values from where they would have been, 0 if signs differ."""
    n = int(record.n)
    if n < lags + 2:
        return 0.0
    base = float(ring[(n - lags) % (LAGS + 1)])
    least = residual - base * phi**lags
    sign = 1.0 if least > 0.0 else -1.0
    least *= sign
    power = phi
    for j in range(lags - 1, 0, -1):
        apart = sign * (ring[(n - j) % (LAGS + 1)] - base * power)
        if apart <= 0.0:
            return 0.0
        least = min(least, apart)
        power *= phi
    return float(sign * least)


@compiled
def in_units(record: Any, raw: float) -> float:
    """Return the distance of a value from the first one, in units of the first difference."""
    if record.n == 0.0:
        record.origin = raw
    if record.unit == 0.0 and raw != record.origin:
        record.unit = unit_of(raw - record.origin)
    record.lowest = min(record.lowest, raw)
    return float(min(max((raw - record.origin) * record.unit, -FARTHEST), FARTHEST))


@compiled
def jumps(record: Any, ring: Any, residual: float, phi: float, scale: float) -> None:
    """Look for jumps that the last values confirm, in deviations; note the value's residual."""
    record.statistics[JUMP_SHORT] = jumped(record, ring, residual, 6, phi) / scale
    record.statistics[JUMP_DAY] = jumped(record, ring, residual, LAGS, phi) / scale
    ring[int(record.n) % (LAGS + 1)] = residual


@compiled
def arrived(record: Any, visits: Any, ts: float) -> float:
    """Move on to the hour of a value; returns the seconds since the one before."""
    since = max(ts - record.last, 0.0) if record.n > 0.0 else 0.0
    if record.n == 0.0:
        record.began = ts
    elif record.n == 1.0:
        record.pace = since
    else:
        bound = 4.0 * record.pace if record.pace > 0.0 else since
        record.pace += (min(since, bound) - record.pace) / min(record.n, 300.0)
    record.last = ts if record.n == 0.0 else max(ts, record.last)
    hour = int(math.floor(ts / 3600.0) % WEEK)
    if hour != record.hour:
        if record.hour >= 0:
            past = WEEK + record.hour % HOURS
            visits[record.hour] = min(visits[record.hour] + 1, 200)
            visits[past] = min(visits[past] + 1, 200)
        record.hour, record.within = hour, 0.0
    return float(since)


@compiled
def found_in(record: Any, marks: Any, ts: float, perday: float, away: bool) -> int:  # noqa: FBT001
    """Compare all statistics; returns the one that is most out of proportion, or -1.

    `away`: whether the value is one that may show it.
    """
    day = min(perday, MAX_DAY)
    learning = min(max(LEARN * HOURS / perday, 1.0), LEARN)
    age = (ts - record.began) / DAY
    if age < learning or record.n < FEWEST:
        return -1
    muted = 1.0 if ts < record.muted else 0.0
    watched = age >= 2.0 * learning and record.n >= 2.0 * FEWEST and muted == 0.0 and away
    known = max(age / learning - 1.0, 1.0)
    caution = 1.0 + YOUNG / (known * known)
    is_number = record.second == np.inf
    worst, found = 1.0, -1
    for k in range(STATISTICS):
        value = float(record.statistics[k])
        ratio = compared(record, marks, k, value, muted)
        if watched and ratio > worst * caution * MIN_MULTIPLE:  # few are: limits take time
            multiple = OF_TWO_VALUES[k]
            if is_number:
                multiple = limit_of(marks[k], value, RARITY[k], MAX_MULTIPLE[k])
            limit = caution * multiple
            least = MIN_STATISTIC[k] if k != RATIO or is_amount(record) else np.inf
            if ratio > worst * limit and abs(value) >= least:
                worst, found = ratio / limit, k
                record.worst, record.limit = ratio, limit
        length = block_of(k, day, perday)
        turned(record, marks, k, length, perday)
    if found >= 0:
        record.muted = ts + DAY * (QUIET if perday <= MAX_DAY else FAST_QUIET)
    return found


@compiled
def block_of(k: int, day: float, perday: float) -> float:
    """Return the number of values in a block of a statistic."""
    if BLOCKS[k] > 0.0:
        return float(BLOCKS[k])
    if k == RATIO:
        return 2.0 * RATIO_DAYS * perday
    return 2.0 * (perday if k in (SHAPE, PHASE) else day)


@compiled
def is_amount(record: Any) -> bool:
    """Whether changes are parts of a value: values vary, more than two of them, none negative."""
    spread = math.sqrt(record.swings + (NORMAL * record.residuals) ** 2)
    level = abs(record.middle + record.origin * record.unit)
    positive = record.lowest >= 0.0 and record.second == np.inf
    return bool(positive and spread > VARIABLE * level)


@compiled
def part_of(record: Any, residual: float, season: float, since: float) -> float:
    """Return by which part of the profile the last days have been off."""
    usual = season + record.origin * record.unit
    fade = math.exp(-min(since / (RATIO_DAYS * DAY), 50.0))
    record.off = record.off * fade + residual * usual
    record.total = record.total * fade + usual * usual
    return float(record.off / (record.total + TINY))


@compiled
def span_of(record: Any, value: float) -> float:
    """Distance of the two values of a series that has no others; else 0.

    With a third value deviations are others, and cannot be compared with earlier ones.
    """
    if value not in (0.0, record.second) and record.second < np.inf:
        if record.second != 0.0:
            record.blocks[:] = 0
        record.second = value if record.second == 0.0 else np.inf
    return float(abs(record.second)) if record.second < np.inf else 0.0


@compiled
def averaged(record: Any, value: float, season: float, values: float) -> None:
    """Average what is seen, and what was expected."""
    record.seen += (value - record.seen) / values
    record.season += (season - record.season) / values


@compiled
def take(record: Any, arrays: Any, raw: float, ts: float) -> int:
    """Feed one value; returns the statistic that is out of all proportion, or -1."""
    daily, weekly, visits, ring, marks, sums = arrays
    # 1. How far apart values come, and which hour this one is of.
    since = arrived(record, visits, ts)
    value = in_units(record, raw)
    pace, perday = max(record.pace, 1e-3), max(DAY / max(record.pace, 1e-3), 4.0)
    day, perhour = min(perday, MAX_DAY), max(perday / HOURS, 1.0)
    hour, h = record.hour, record.hour % HOURS
    # 2. Forecast, and its error in the deviations of the hour.
    season = forecast(record, daily, weekly, visits, hour)
    gap = min(max(since / pace, 1.0), 200.0)
    phi = min(max(record.products / record.squares, 0.0), 0.999) if record.n > 50.0 else 0.0
    power = phi if gap < 1.5 else phi**gap
    residual, error = value - season, value - season - power * record.residual
    usual, span = (
        record.errors if record.errors > 0.0 else abs(error) + TINY,
        span_of(record, value),
    )
    weight = min(float(visits[WEEK + h]) * perhour + record.within, 66.0)
    least = MIN_DEVIATION * span + TINY
    scale = max(NORMAL * (daily[h, 1] * weight + 8.0 * usual) / (weight + 8.0), least)
    wide = NORMAL * (record.residuals if record.residuals > 0.0 else abs(residual)) + TINY
    if gap >= 1.5:
        scale *= math.sqrt(max(1.0 - power * power, 1e-3) / max(1.0 - phi * phi, 1e-3))
    z = error / scale
    near = min(max(z, -CLIP), CLIP) if record.n > 48.0 else z
    # 3. The statistics.
    s = record.statistics
    s[NEWS] += (near - s[NEWS]) / SHORT
    s[BURST] += (min(abs(z), 2.0 * CLIP) - s[BURST]) / SHORT
    s[ROUGH] += (min(abs(z), 2.0 * CLIP) - s[ROUGH]) / day
    bounded = min(max(residual, -CLIP * wide), CLIP * wide)
    s[LEVEL] += (bounded / wide - s[LEVEL]) / day
    compare_weekly(record, daily, weekly, visits, (value, wide, perday))
    swing = season - record.middle
    fade = math.exp(-min(since / DAY, 50.0))
    record.followed = record.followed * fade + swing * bounded
    record.expected = record.expected * fade + swing * swing
    swings = record.swings + TINY
    swung = record.expected + 0.25 * swings * perday + TINY
    s[SHAPE] = record.followed / swung * math.sqrt(swings) / wide
    s[RATIO] = part_of(record, bounded, season, since)
    s[PHASE] = hourly(record, daily, sums, value, season)
    jumps(record, ring, residual, phi, scale)
    averaged(record, value, season, min(record.n + 1.0, day))
    found = found_in(record, marks, ts, perday, abs(residual) >= MIN_DEVIATION * span)
    # 4. Learn, from what lies within the possible error.
    decayed = power * record.residual + near * scale
    if gap < 3.0:
        record.products = 0.9995 * record.products + decayed * record.residual
        record.squares = 0.9995 * record.squares + record.residual * record.residual
    record.residual = residual if abs(z) < CLIP else decayed
    learn(record, daily, weekly, visits, (residual, season, near * scale, wide, weight, perhour))
    record.swings += (swing * swing - record.swings) / min(record.n, 4000.0)
    return found


@compiled
def learn(record: Any, daily: Any, weekly: Any, visits: Any, given: Any) -> None:
    """Take a value into the profile, if it lies within the possible error."""
    residual, season, error, wide, weight, perhour = given
    hour, h = record.hour, record.hour % HOURS
    record.within += 1.0
    reach = 3.0 * wide if record.n > 200.0 else np.inf
    moved = min(max(residual, -reach), reach) + season
    count = float(visits[WEEK + h]) * perhour + record.within
    daily[h, 0] += (moved - daily[h, 0]) / min(count, DAILY * perhour)
    count = float(visits[hour]) * perhour + record.within
    weekly[hour] += (moved - weekly[hour]) / min(count, WEEKLY * perhour)
    daily[h, 1] += (abs(error) - daily[h, 1]) / min(weight + 1.0, 66.0)
    reach = 3.0 * wide if record.n > 100.0 else np.inf
    record.n += 1.0
    record.middle += (moved - record.middle) / min(record.n, 2000.0)
    record.errors += (abs(error) - record.errors) / min(record.n, 2000.0)
    record.residuals += (min(abs(residual), reach) - record.residuals) / min(record.n, 2000.0)


@compiled
def day_of(record: Any, daily: Any, visits: Any, profile: Any) -> None:
    """Write the profile of each hour of the day, in the unit of the series."""
    for hour in range(HOURS):
        known = visits[WEEK + hour] > 0 or daily[hour, 1] > 0.0
        profile[hour] = record.origin + (daily[hour, 0] if known else record.middle) / record.unit


@compiled
def scan(
    values: Floats,
    ts: Floats,
    tasks: Ints,
    records: Any,
    arrays: Any,
    row: Ints,
    which: Ints,
    summary: Floats,
) -> None:
    """Feed every task until its first finding.

    `summary` (tasks, `SUMMARY`): number of values, level that was expected, its deviation, level
    that was seen, over how many values, the ratio to the farthest before, its limit, by how many
    hours it is late, the last value, the profile at its hour, and that of all hours of the day.
    """
    daily, weekly, visits, ring, marks, sums = arrays
    for k in range(tasks.shape[0]):
        column, start, stop, slot = tasks[k, 0], tasks[k, 1], tasks[k, 2], tasks[k, 3]
        record = records[slot]
        own = (daily[slot], weekly[slot], visits[slot], ring[slot], marks[slot], sums[slot])
        row[k], which[k] = -1, -1
        for t in range(start, stop):
            value = values[column, t]
            if math.isnan(value) or math.isnan(ts[t]):
                continue
            found = take(record, own, value, ts[t])
            if found >= 0:
                row[k], which[k] = t, found
                summary[k, 0], summary[k, 1] = record.n, record.origin + record.season / record.unit
                summary[k, 2] = NORMAL * record.residuals / record.unit
                summary[k, 3] = record.origin + record.seen / record.unit
                summary[k, 4] = min(record.n, MAX_DAY, max(DAY / max(record.pace, 1e-3), 4.0))
                summary[k, 5], summary[k, 6] = record.worst, record.limit
                summary[k, 7], summary[k, 8] = record.shift, value
                residual = float(own[3][int(record.n - 1.0) % (LAGS + 1)])
                summary[k, 9] = value - residual / record.unit
                day_of(record, own[0], own[2], summary[k, FIGURES:])
                break
