"""How often a target is tried, and when no more. Pure: clocks are given, nothing is sent here."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

FIRST_SECONDS: Final = 1.0
MAX_SECONDS: Final = 60.0
# A target may ask for so much at most. It must stay below the 5 min after which Kafka's clients
# take a consumer that asks for nothing for dead.
MAX_RETRY_AFTER: Final = 120.0
_DOUBLINGS: Final = 6  # beyond the longest; 10,000 of them would be no float
# The request took the receiver too long, or it has too many: the same one may do later.
_LATER: Final = frozenset({408, 425, 429})


class Verdict(Enum):
    """What an answer means for the alert that was sent."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    LATER = "later"


def judge(status: int) -> Verdict:
    """Say what an HTTP status means.

    Examples
    --------
    >>> judge(202), judge(404), judge(429), judge(503)
    (<Verdict.DELIVERED: 'delivered'>, <Verdict.REFUSED: 'refused'>, <Verdict.LATER: 'later'>, \
<Verdict.LATER: 'later'>)
    """
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if 400 <= status < 500 and status not in _LATER:
        return Verdict.REFUSED  # it would be wrong the next time, too
    return Verdict.LATER


def asked_seconds(text: str | None, now: datetime) -> float:
    """Read a ``Retry-After``: seconds, or the time of an HTTP date; 0 for none, or what is neither.

    Parameters
    ----------
    text
        What the header says.
    now
        To count a date from; it knows its time zone.

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
    """How long a target that failed is left alone: twice as long each time, up to a minute.

    It is the target's, not an alert's: whatever is to be sent next waits, too.

    Examples
    --------
    >>> patience = Backoff()
    >>> [patience.failed(now=0.0) for _ in range(8)]
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    """

    failures: int = 0
    until: float = 0.0

    def failed(self, now: float, asked: float = 0.0) -> float:
        """Count a failure; return the seconds that the target is left alone.

        Parameters
        ----------
        now
            Seconds of a clock that only goes forward.
        asked
            Seconds that the target wants to be left alone; 120 at most count.
        """
        own = min(FIRST_SECONDS * (1 << min(self.failures, _DOUBLINGS)), MAX_SECONDS)
        self.failures += 1
        pause = max(own, min(asked, MAX_RETRY_AFTER))
        self.until = now + pause
        return pause

    def answered(self) -> None:
        """Forget all failures: the target is there."""
        self.failures, self.until = 0, 0.0

    def left(self, now: float) -> float:
        """Return the seconds for which the target is still left alone."""
        return max(0.0, self.until - now)
