"""Whether a series follows its daily profile some hours early or late: a sum for each shift.

Values are averaged over an hour and forecast as in `rhythm_kernel`: the profile at that hour, and
how far the hour before was from it. Were the clock off by k hours, the profile of k hours before
would forecast better. Page's cumulative sum of the log-likelihood ratio, one for each k, is large
when it has for days. Where one hour is the likeliest, it is daylight saving time, and no finding.

E. S. Page, "Continuous Inspection Schemes", Biometrika 41, 1954.
"""

import math
from typing import Any

from streamproc.detectors.runtime.jit import compiled

HOURS = 24
WEEK = 7 * HOURS
CLIP = 8.0
"""Deviations beyond which an error counts, and is learned, no more."""
NORMAL = 1.2533
"""Standard deviation over mean absolute deviation of normal values."""
TINY = 1e-12
STARTS = 168.0
"""Hours before sums count: a week, since days differ in it."""
FLOOR = 20.0
"""Logarithm of the likelihood ratio that is a finding at least."""
CEILING = 300.0
"""Sums grow no further, so that they have fallen some days after the clock is right again."""
FARTHEST_SQUARE = 16.0
"""Squared deviations from which on an error speaks for no shift."""


@compiled
def cost(error: float) -> float:
    """Negative log-likelihood of a standardised error, that of an outlier bounded."""
    return 0.5 * min(error * error, FARTHEST_SQUARE)


@compiled
def compare(record: Any, daily: Any, sums: Any, given: Any) -> None:
    """Add the log-likelihood ratio of an hour to the sum of each shift."""
    h, power, z, precision = given
    before = int(record.hourly_before) % HOURS
    unshifted, most, shift = cost(z), 0.0, 0
    level = z + precision * (daily[h, 0] - power * daily[before, 0])
    at, past = h, before
    for k in range(1, HOURS):
        at = at - 1 if at > 0 else HOURS - 1
        past = past - 1 if past > 0 else HOURS - 1
        shifted = level - precision * (daily[at, 0] - power * daily[past, 0])
        sums[k] = min(max(sums[k] + unshifted - cost(shifted), 0.0), CEILING)
        if sums[k] > most:
            most, shift = sums[k], k
    record.shift = shift
    record.shifted = 0.0 if shift in (1, HOURS - 1) else most


@compiled
def ended(record: Any, daily: Any, sums: Any) -> None:
    """Take an hour that is over into the sums; `record.shifted`: the largest, 0 if of one hour."""
    h = int(record.hourly % HOURS)
    residual = record.hourly_sum / record.hourly_n - record.hourly_season
    known = record.hours > 50.0
    gap = min(max(record.hourly - record.hourly_before, 1.0), 200.0) if record.hours > 0.0 else 1.0
    phi = min(max(record.hourly_products / record.hourly_squares, 0.0), 0.999) if known else 0.0
    power = phi if gap < 1.5 else phi**gap
    error = residual - power * record.hourly_residual
    # Hours differ in the size of their errors as the values in them do.
    usual = record.hourly_errors if record.hourly_errors > 0.0 else abs(error) + TINY
    scale = NORMAL * usual * (daily[h, 1] + TINY) / (record.errors + TINY) + TINY
    if gap >= 1.5:
        scale *= math.sqrt(max(1.0 - power * power, 1e-3) / max(1.0 - phi * phi, 1e-3))
    z = error / scale
    if record.hours >= STARTS:
        compare(record, daily, sums, (h, power, z, 1.0 / scale))
    near = min(max(z, -CLIP), CLIP) * scale if known else error
    expected = power * record.hourly_residual + near
    if gap < 3.0:
        record.hourly_products = 0.998 * record.hourly_products + expected * record.hourly_residual
        record.hourly_squares = 0.998 * record.hourly_squares + record.hourly_residual**2
    record.hourly_residual = residual if abs(z) < CLIP else expected
    record.hours += 1.0
    record.hourly_errors += (abs(near) - record.hourly_errors) / min(record.hours, 2000.0)
    record.hourly_before, record.hourly_n = record.hourly, 0.0


@compiled
def hourly(record: Any, daily: Any, sums: Any, value: float, season: float) -> float:
    """Add a value to its hour, and end the hour before it; returns the largest sum."""
    now = math.floor(record.last / 3600.0)
    if record.hourly_n > 0.0 and now != record.hourly:
        ended(record, daily, sums)
    if record.hourly_n == 0.0:
        record.hourly, record.hourly_sum, record.hourly_season = now, 0.0, season
    record.hourly_sum += value
    record.hourly_n += 1.0
    return float(record.shifted)
