"""The open incident of one series: what it has reported, and what may end it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from streamproc.alerting.level import (
    CLOSE,
    MIN_VALUES,
    SPREAD,
    Level,
    is_back,
    moved_share,
    values_to_tell,
)
from streamproc.schemas.alerts import AlertEvent

WORSE: Final = 0.5
"""How far a level is outside of what an incident has reported, in widths of that: each page for a
worse level then needs a wider one, so that a series that grows for ever pages ever less often."""
MAX_DELAY: Final = 10
"""Quiet times that a comparison is put off for, at most."""


def first_check(quiet: int) -> int:
    """Return after how many values of a quiet time the level that counts begins.

    What a series did right after its alarm says little of where it stays: it is compared by the
    last fifth of the quiet time, if that is enough to know a level.
    """
    begin = quiet - quiet // 5
    return begin if quiet - begin >= MIN_VALUES else quiet


@dataclass(slots=True)
class HeldAlert:
    """An alert that waits for the update interval to end.

    Attributes
    ----------
    alert
        The last one.
    level
        The level that it reports.
    count
        Number of alarms that it stands for.
    finding
        Whether one of them was a finding, which raises the severity.
    back
        Whether its change leads back to the level of before.
    """

    alert: AlertEvent
    level: Level
    count: int = 1
    finding: bool = False
    back: bool = False


@dataclass(slots=True)
class Reported:
    """The range of levels that an incident has reported, with that of before.

    Attributes
    ----------
    low, high
        Of the mean.
    spread
        The standard deviation that is farthest from that of before.
    farthest
        The level that is farthest from that of before.
    of_spread
        Whether the first change was one of the deviation rather than of the mean.
    """

    low: float
    high: float
    spread: float
    farthest: Level
    of_spread: bool = False


@dataclass(slots=True)
class Incident:
    """A series that has alarmed and is not as before.

    Attributes
    ----------
    id, detector
        Of its first alarm.
    before
        The level before the first alarm: the one that the series has to be back at.
    last_reported
        Event time of the last alert.
    raised
        Whether its severity was raised.
    small
        Whether all that it has reported is smaller than `policy.least_size`.
    alarmed
        Event time of the last alarm.
    reported
        What its alerts have reported; None in incidents of earlier versions.
    held
        An alert that waits.
    base
        The level over the first part of the quiet time (`first_check`), or of a settled series over
        what came before it was last compared: the values since are those that count.
    compared
        Values without an alarm after which a series was last compared.
    scattered
        Whether a few values far outside of the range were reported: others were as before.
    settled, settled_at
        The level that it was found to be quiet on, and when; None while it is not quiet.
    profile
        What was usual at each hour of the day before; None where that did not show the change.
    finer
        Whether it has reported that values have more decimals than before.
    """

    id: str
    detector: str
    before: Level
    last_reported: float
    raised: bool = False
    alarmed: float = -math.inf
    reported: Reported | None = None
    held: HeldAlert | None = None
    base: Level | None = None
    compared: int = 0
    settled: Level | None = None
    settled_at: float = math.inf
    small: bool = False
    profile: tuple[float, ...] | None = None
    scattered: bool = False
    finer: bool = False

    def is_of_other_hours(self, profile: Sequence[float]) -> bool:
        """Whether the hours of the day differ from each other in another way than before.

        Parameters
        ----------
        profile
            What has become usual at each hour.
        """
        if self.profile is None:
            return False
        before, now = (
            [value - math.fsum(each) / len(each) for value in each]
            for each in (self.profile, profile)
        )
        apart = math.fsum((one - other) ** 2 for one, other in zip(before, now, strict=True))
        season = math.fsum(value * value for value in before)
        noise = len(before) * (self.before.std or 0.0) ** 2
        return apart > CLOSE**2 * (season + noise)

    def is_back(self, level: Level, *, loss: bool = False, dependent: bool = False) -> bool:
        """Whether a level is that of before; a `loss` may also be lower."""
        if loss and level.mean is not None and level.mean <= (self.before.mean or 0.0):
            return True
        reported = self.reported
        if reported is None:  # of an earlier version: any change was far
            return is_back(self.before, level, Level(0, math.inf), dependent=dependent)
        of_spread = reported.of_spread
        return is_back(
            self.before, level, reported.farthest, of_spread=of_spread, dependent=dependent
        )

    def is_certain(self, level: Level, quiet: int) -> bool:
        """Whether a level that is that of before has enough values to show the change otherwise.

        Parameters
        ----------
        level
            The level of the last values.
        quiet
            Values of the quiet time.
        """
        if self.reported is None or self.reported.of_spread:
            return True
        needed = values_to_tell(self.before, self.reported.farthest)
        # Decimals differ from before wherever their level is.
        delay = 1 if self.finer else MAX_DELAY
        return level.n >= min(max(needed, quiet if self.scattered else 1), delay * quiet)

    def is_worse(self, level: Level) -> bool:
        """Whether a level is outside of what the incident has reported."""
        reported = self.reported
        if reported is None:
            return False
        if level.shares is not None:
            far = moved_share(self.before, reported.farthest)
            return moved_share(self.before, level) > (1 + WORSE) * far
        if level.mean is None:
            return False
        width = reported.high - reported.low
        beyond = max(level.mean - reported.high, reported.low - level.mean)
        if beyond > max(WORSE * width, CLOSE * (self.before.std or 0.0)):
            return True
        wider = (level.std or 0.0) > SPREAD * max(reported.spread, self.before.std or 0.0)
        return reported.of_spread and wider

    def report(self, level: Level, *, of_spread: bool = False) -> None:
        """Add a level to what the incident has reported."""
        if self.reported is None:
            mean = self.before.mean or 0.0
            self.reported = Reported(mean, mean, self.before.std or 0.0, level, of_spread)
        reported = self.reported
        if level.shares is not None:
            before = self.before
            if moved_share(before, level) > moved_share(before, reported.farthest):
                reported.farthest = level
        elif level.mean is not None:
            mean = self.before.mean or 0.0
            far = reported.farthest.mean
            if far is None or abs(level.mean - mean) > abs(far - mean):
                reported.farthest = level
            reported.low = min(reported.low, level.mean)
            reported.high = max(reported.high, level.mean)
            reported.spread = max(reported.spread, level.std or 0.0)

    def disturb(self, ts: float) -> None:
        """Note an alarm: the series is not quiet."""
        self.alarmed, self.base, self.compared = ts, None, 0

    def next_check(self, quiet: int) -> int:
        """Return after how many values without an alarm the series is to be looked at.

        Parameters
        ----------
        quiet
            Values of the quiet time.
        """
        if self.settled is not None:
            return self.compared + quiet
        begin = first_check(quiet) if self.base is None else quiet
        return max(begin, self.compared + max(quiet // 5, 1)) if self.compared else begin

    def due(self, interval: float, accept_after: float) -> float:
        """Return the event time from which on it has an alert without an alarm; infinite: none."""
        held = math.inf if self.held is None else self.last_reported + interval
        return min(held, self.settled_at + accept_after)
