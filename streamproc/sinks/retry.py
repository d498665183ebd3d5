"""Decide when to retry a target. Pure: no clock, no I/O."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

FIRST_SECONDS: Final = 1.0
MAX_SECONDS: Final = 60.0
# Upper limit of a target's Retry-After. It must be below 5 min, Kafka's limit between two polls of
# a consumer.
MAX_RETRY_AFTER: Final = 120.0
_DOUBLINGS: Final = 6  # enough to reach the maximum; 10,000 would overflow a float
# Timeout, too early, or too many requests: the same request may succeed later.
_LATER: Final = frozenset({408, 425, 429})


class Verdict(Enum):
    """What a response means for the alert that was sent."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    LATER = "later"
    MORE = "more"
    """Accepted, and the alert has a further request."""


def judge(status: int) -> Verdict:
    """Classify an HTTP status.

    Examples
    --------
    >>> judge(202), judge(404), judge(429), judge(503)
    (<Verdict.DELIVERED: 'delivered'>, <Verdict.REFUSED: 'refused'>, <Verdict.LATER: 'later'>, \
<Verdict.LATER: 'later'>)
    """
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if 400 <= status < 500 and status not in _LATER:
        return Verdict.REFUSED  # a retry would fail, too
    return Verdict.LATER


def asked_seconds(text: str | None, now: datetime) -> float:
    """Parse a ``Retry-After`` header, in seconds; 0 if absent or malformed.

    Parameters
    ----------
    text
        Value of the header: seconds, or an HTTP date.
    now
        Current time, with a time zone; a date is relative to it.

    Examples
    --------
    >>> from datetime import UTC
    >>> now = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
    >>> asked_seconds("30", now), asked_seconds("Mon, 05 Jan 2026 10:00:05 GMT", now)
    (30.0, 5.0)
    """
    if text is None:
        return 0.0
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), int(MAX_RETRY_AFTER)))
    try:
        date = parsedate_to_datetime(text)
        return max(0.0, (date - now).total_seconds())
    except (ValueError, TypeError, OverflowError):  # TypeError: a date without a time zone
        return 0.0


@dataclass(slots=True)
class Backoff:
    """Exponential backoff of a failing target, from 1 s up to a minute.

    It applies to the target, not to an alert: the next alerts wait, too.

    Examples
    --------
    >>> patience = Backoff()
    >>> [patience.failed(now=0.0) for _ in range(8)]
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    """

    failures: int = 0
    until: float = 0.0

    def failed(self, now: float, asked: float = 0.0) -> float:
        """Count a failure; return the seconds until the next attempt.

        Parameters
        ----------
        now
            Seconds of a monotonic clock.
        asked
            Seconds that the target requests by Retry-After, limited to 120.
        """
        own = min(FIRST_SECONDS * (1 << min(self.failures, _DOUBLINGS)), MAX_SECONDS)
        self.failures += 1
        pause = max(own, min(asked, MAX_RETRY_AFTER))
        self.until = now + pause
        return pause

    def answered(self) -> None:
        """Reset the backoff after a response."""
        self.failures, self.until = 0, 0.0

    def left(self, now: float) -> float:
        """Return the seconds until the next attempt."""
        return max(0.0, self.until - now)
