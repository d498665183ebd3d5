"""Date the onset of a change, and name what incidents of different models can share."""

from datetime import UTC, datetime, timedelta
from typing import Final

from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.incidents import Direction, OnsetInterval

# Clocks of producers differ, and features arrive in batches.
MIN_ERROR: Final = timedelta(minutes=1)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def onset_of(alert: AlertEvent) -> OnsetInterval:
    """Return the interval in which the change of an alert began.

    The error of a change point is of the order of the detection delay: both are the values that
    tell the new level from the old one. So the interval is the change point ± the delay, and at
    least a minute.
    """
    point = alert.change_point.ts if alert.change_point and alert.change_point.ts else alert.ts
    error = max(abs(alert.ts - point), MIN_ERROR)
    # Event times may be those of the years 1 and 9999.
    earliest = _FIRST if point - _FIRST < error else point - error
    latest = _LAST if _LAST - point < error else point + error
    return OnsetInterval(earliest=earliest, latest=latest)


def overlap(one: OnsetInterval, other: OnsetInterval) -> OnsetInterval | None:
    """Return the interval that two intervals have in common; None if they have none."""
    earliest, latest = max(one.earliest, other.earliest), min(one.latest, other.latest)
    return OnsetInterval(earliest=earliest, latest=latest) if earliest <= latest else None


def direction_of(alert: AlertEvent) -> Direction:
    """Return how the mean of an alert's series moved."""
    before = None if alert.before is None else alert.before.mean
    after = None if alert.after is None else alert.after.mean
    if before is None or after is None or before == after:
        return "changed"
    return "up" if after > before else "down"


def is_shared(series: str) -> bool:
    """Whether models can share a series: a feature, how often it is missing, or a rule.

    Predictions and errors have the same name in all models and are different things.
    """
    return series.startswith(("feature:", "quality:", "rule:"))
