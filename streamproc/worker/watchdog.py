"""Detect lag without progress: Kafka clients can hang without an error."""

from collections.abc import Awaitable, Callable
from typing import Final

# Lag without progress for this long makes a worker not ready, well before it stops.
NOTICE_SECONDS: Final = 60.0


class Watchdog:
    """Decide when a worker that makes no progress should stop.

    Parameters
    ----------
    seconds
        How long lag may last while no record is processed.
    look
        Returns the lag in records from a new connection, since the worker's client may hang; 0 if
        the cluster does not answer, since an unreachable cluster must not stop its workers.

    Notes
    -----
    A client that hangs keeps reporting its last known offsets, which may show no lag. So a worker
    that has been idle for `seconds` measures the lag itself, and again after `seconds`: only lag
    that both measurements show counts.

    Examples
    --------
    >>> import asyncio
    >>> async def look() -> int:
    ...     return 7
    >>> dog = Watchdog(10.0, look)
    >>> [asyncio.run(dog.check(now, active=0.0, behind=0)) for now in (9, 11, 20, 22)]
    [None, None, None, '7 records wait, none came for 22 s']
    """

    def __init__(self, seconds: float, look: Callable[[], Awaitable[int]]) -> None:
        self._seconds = seconds
        self._look = look
        self._looked: float | None = None
        self._suspect: float | None = None

    async def check(self, now: float, active: float, behind: int) -> str | None:
        """Return the reason to stop the worker; None if there is none.

        Parameters
        ----------
        now, active
            Seconds of one clock: now, and when a record was last processed.
        behind
            Lag in records, as far as the client knows.
        """
        still = now - active
        if still <= self._seconds:
            self._looked = self._suspect = None
            return None
        waiting = behind
        if not behind:
            if self._looked is not None and now - self._looked <= self._seconds:
                return None
            self._looked = now
            waiting = await self._look()
            if self._suspect != active:
                self._suspect = active if waiting else None
                return None
        return f"{waiting} records wait, none came for {still:.0f} s" if waiting else None


class Progress:
    """Measure for how long a part of a worker has had lag without progress.

    Examples
    --------
    >>> labels = Progress()
    >>> [labels.stalled(now, handled=7, waiting=3) for now in (100.0, 105.0)]
    [0.0, 5.0]
    >>> labels.stalled(106.0, handled=8, waiting=2)
    0.0
    """

    def __init__(self) -> None:
        self._handled: object = None
        self._since: float | None = None

    def stalled(self, now: float, handled: object, waiting: int) -> float:
        """Return the seconds without progress; 0 while the lag is 0.

        Parameters
        ----------
        now
            Seconds of a monotonic clock.
        handled
            Any value that changes whenever a record is processed.
        waiting
            Lag in records.
        """
        if self._since is None or not waiting or handled != self._handled:
            self._handled, self._since = handled, now
        return now - self._since


class Stalls:
    """Track for how long each part of a worker has made no progress.

    Parameters
    ----------
    limit
        Seconds after which the worker should stop.
    show
        Called with the name of a part and its seconds without progress.

    Examples
    --------
    >>> stalls = Stalls(600.0, lambda part, seconds: None)
    >>> stalls.note("labels", 61.0, "7 records wait")
    >>> stalls.unready(), stalls.fatal("labels")
    ('7 records wait', None)
    >>> stalls.note("labels", 601.0, "7 records wait")
    >>> stalls.fatal("labels")
    '7 records wait'
    """

    def __init__(self, limit: float, show: Callable[[str, float], object]) -> None:
        self._limit = limit
        self._notice = min(NOTICE_SECONDS, limit / 2)
        self._show = show
        self._parts: dict[str, tuple[float, str]] = {}

    def note(self, part: str, seconds: float, why: str) -> None:
        """Set for how many seconds a part has stalled, and the reason to report."""
        self._parts[part] = seconds, why
        self._show(part, seconds)

    def unready(self) -> str | None:
        """Return why the worker is not ready; None if every part makes progress."""
        return next((why for still, why in self._parts.values() if still > self._notice), None)

    def fatal(self, *parts: str) -> str | None:
        """Return why one of these parts should stop the worker; None if none should."""
        found = [self._parts[part] for part in parts if part in self._parts]
        return next((why for still, why in found if still > self._limit), None)
