"""Decide whether a request may be accepted now: rate of events, and unconfirmed bytes."""

import math
from collections.abc import Callable
from typing import Final

#: Unconfirmed bytes; a process that holds more waits for the cluster rather than for senders.
MAX_PENDING_BYTES: Final = 64 * 2**20
#: A cluster that is behind confirms within moments, or is away for longer.
BUSY_SECONDS: Final = 1


class Admission:
    """Limit accepted events per second, and bytes that the cluster has not confirmed.

    Parameters
    ----------
    rate
        Events per second in the long run; twice as many may come at once.
    clock
        Seconds, monotonic.

    Examples
    --------
    >>> now = [0.0]
    >>> admission = Admission(10, lambda: now[0])
    >>> admission.wait(), admission.spend(30), admission.wait()
    (0, None, 1)
    >>> now[0] = 1.0
    >>> admission.wait()
    0
    """

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate, self._clock = rate, clock
        self._left, self._at = 2 * rate, clock()
        self.pending = 0

    def wait(self, size: int = 0) -> int:
        """Return the seconds after which a request may come again; 0: it is accepted now.

        The number of its events is not known yet, so a request may overdraw the limit; the next
        ones wait for that.
        """
        if self.pending and self.pending + size > MAX_PENDING_BYTES:
            return BUSY_SECONDS
        now = self._clock()
        self._left = min(2 * self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        return max(1, math.ceil(-self._left / self._rate)) if self._left < 0 else 0

    def spend(self, events: int) -> None:
        """Count the events of a request; one that cannot be read counts as one."""
        self._left -= events
