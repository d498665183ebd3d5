"""Whether a series changed while its unit is learned: a rank test on the values of its warm-up.

Pettitt's statistic, the largest of Mann and Whitney's over all places of a change, of the values
and of their distances from the median: the second sees a spread or a unit. Ranks need no unit, and
nothing is assumed of the distribution. They do need values that are independent of each other, so
nothing is found where neighbours are alike on either side of the place.

A. N. Pettitt, "A Non-parametric Approach to the Change-point Problem", Applied Statistics 28, 1979.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.bank import Bank
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.runtime.jit import compiled
from streamproc.detectors.runtime.slots import every_row
from streamproc.detectors.series.change_points import Change, Moments

WARM_UP_TEST: Final = "warm_up"
"""Name, in place of a detector's, of what finds changes in a warm-up."""

STEP = 8
"""Values between two looks."""
FIRST = 40
"""Values before the first look."""
BEFORE, AFTER = 20, 10
"""Fewest values on either side of a change."""
LIMIT = 5.2
"""Standard errors that the largest statistic has to exceed."""
ALIKE = 2.2
"""Standard errors of a rank correlation of neighbours that is none."""
RECENT, OUTSIDE = 24, 8
"""A first warm-up is looked at closely only where enough of its last values lie outside of the
range of those before: large changes alone are sought there, and most looks cost little."""
WIDER = 8
"""Factor by which more of the values before are read where those read so far do not decide."""
LIVELY = 60.0
"""Fewest values that differ from the most frequent ones for the statistic to be about normal."""
OFTEN = 20
"""Alarms of a series from which on a look is as in its first warm-up: looks for small changes cost
1.7 microseconds a value, and such a series is one that alarms anyway."""


@compiled
def ranked(values: Floats, ranks: Floats) -> float:
    """Write the ranks less their mean; returns their variance, that of ties taken off."""
    n = values.shape[0]
    order = np.argsort(values, kind="mergesort")
    ties = 0.0
    i = 0
    while i < n:
        j = i + 1
        while j < n and values[order[j]] == values[order[i]]:
            j += 1
        middle = 0.5 * (i + j - 1) - 0.5 * (n - 1)
        for k in range(i, j):
            ranks[order[k]] = middle
        ties += float(j - i) ** 3 - (j - i)
        i = j
    return float(((n + 1.0) * n - ties / (n - 1.0)) / 12.0)


@compiled
def alike(ranks: Floats, place: int) -> bool:
    """Whether neighbours are alike on either side of a place."""
    n = ranks.shape[0]
    first, last = np.mean(ranks[:place]), np.mean(ranks[place:])
    product, square, before = 0.0, 0.0, 0.0
    for i in range(n):
        apart = ranks[i] - (first if i < place else last)
        if i not in (0, place):
            product += apart * before
        square += apart * apart
        before = apart
    return product > ALIKE / math.sqrt(n) * square


@compiled
def most_likely(values: Floats) -> tuple[float, int]:
    """Largest statistic over all places, in standard errors, and its place."""
    n = values.shape[0]
    ranks = np.empty(n)
    variance = ranked(values, ranks)
    if 12.0 * variance < min(LIVELY, 0.8 * n) * n:
        return 0.0, 0
    total, most, place = 0.0, 0.0, 0
    for i in range(1, n - AFTER + 1):
        total += ranks[i - 1]
        if i >= BEFORE:
            statistic = abs(total) / math.sqrt(variance * i * (n - i) / n)
            if statistic > most:
                most, place = statistic, i
    if most > LIMIT and alike(ranks, place):
        return 0.0, 0
    return most, place


@compiled
def suspicious(values: Floats) -> bool:
    """Whether many of the last values lie outside of those before, but for one on either side.

    The range of the first of those before is the narrower one, so where few of the last values lie
    outside of it, the others need not be read: most series, and all that are constant, cost little.
    """
    n = values.shape[0]
    low, lower = max(values[0], values[1]), min(values[0], values[1])
    high, higher = lower, low
    known, end = 2, n - RECENT
    while True:
        count = 0
        for i in range(end, n):
            count += (values[i] < low) | (values[i] > high)
        if count < OUTSIDE or known == end:
            return count >= OUTSIDE
        more = min(WIDER * known, end)
        for i in range(known, more):
            value = values[i]
            low, lower = min(low, max(lower, value)), min(lower, value)
            high, higher = max(high, min(higher, value)), max(higher, value)
        known = more


@compiled
def changed(values: Floats, again: bool) -> tuple[float, int]:  # noqa: FBT001 - compiled
    """Look for a change in the values of a warm-up so far.

    Parameters
    ----------
    values
        (n,): n is `FIRST` or more.
    again
        Whether the series has alarmed before, so that smaller changes are sought, too.

    Returns
    -------
    float, int
        The statistic and the number of values before the change; 0 and 0 if there is none.
    """
    if not again and not suspicious(values):
        return 0.0, 0
    most, place = most_likely(values)
    other, at = most_likely(np.abs(values - np.median(values)))
    if other > most:
        most, place = other, at
    return (most, place) if most > LIMIT else (0.0, 0)


@compiled
def moments(values: Floats, out: Floats) -> None:
    """Write number, mean and deviation, in units of the largest value: no square overflows."""
    n = values.shape[0]
    unit = np.max(np.abs(values))
    mean = np.mean(values / unit) if unit > 0.0 else 0.0
    square = np.sum((values / unit - mean) ** 2) if unit > 0.0 else 0.0
    out[0], out[1] = n, mean * unit
    out[2] = math.sqrt(square / max(n - 1, 1)) * unit


@compiled
def look(values: Floats, again: bool, out: Floats) -> bool:  # noqa: FBT001 - compiled
    """Look for a change; `out` (8,): as `Looks.found`."""
    statistic, place = changed(values, again)
    if place == 0:
        return False
    out[0], out[1] = statistic, LIMIT
    moments(values[:place], out[2:5])
    moments(values[place:], out[5:8])
    return True


class Looks(NamedTuple):
    """Where the values of warm-ups are looked at, by task, and what was found.

    Attributes
    ----------
    row
        int64 (tasks,): row at which a change was found, -1: none.
    again
        bool (tasks,): whether small changes are sought, too.
    found
        float64 (tasks, 8): statistic, limit, and number, mean and deviation before the change and
        after it.
    learned
        bool (tasks,): whether a warm-up after an alarm has ended.
    replay
        float64 (tasks, warm-up): its values, standardised.
    """

    row: Ints
    again: NDArray[np.bool_]
    found: Floats
    learned: NDArray[np.bool_]
    replay: Floats

    def prime(self, banks: Sequence[Bank], slots: Ints) -> None:
        """Feed the values of warm-ups after an alarm to detectors, who would else begin behind it.

        So a change in the last of them, too few for ranks, is seen against those before. What
        alarms by them, although ranks do not, is reset.
        """
        ended = np.flatnonzero(self.learned)
        values = np.ascontiguousarray(self.replay[ended])
        tasks = every_row(values)
        tasks[:, 3] = slots[ended]
        for bank in banks:
            hits = bank.scan_checked(values, tasks, values.shape[1])
            bank.reset(tasks[hits.row >= 0, 3])

    def behind(self, done: int) -> "Looks":
        """Give the looks at the tasks behind the first `done`."""
        return Looks(
            self.row[done:],
            self.again[done:],
            self.found[done:],
            self.learned[done:],
            self.replay[done:],
        )

    def change(self, task: int) -> Change:
        """Tell what was found, which has no date: values wait without their times."""
        n, mean, std, later, now, wide = self.found[task, 2:].tolist()
        return Change(
            before=Moments(int(n), mean, std),
            after=Moments(int(later), now, wide),
            ts=math.nan,
            offset=-1,
            direction="up" if now >= mean else "down",
        )


def looks(alarms: Ints, warmup: int) -> Looks:
    """Prepare looks at tasks; `alarms`: how often the series of each has alarmed before."""
    again = (alarms > 0) & (alarms <= OFTEN)
    count = len(again)
    replay = np.empty((count if again.any() else 0, warmup))
    return Looks(np.full(count, -1), again, np.zeros((count, 8)), np.zeros(count, np.bool_), replay)


NO_LOOKS: Final = looks(np.zeros(0, np.int64), 0)
"""With no entries nothing is looked at."""
