"""Notices that records wait and none is handled: Kafka clients can hang without an error."""

from collections.abc import Awaitable, Callable


class Watchdog:
    """Says when a worker should end, since it stands still.

    Parameters
    ----------
    seconds
        How long records may wait while none is handled.
    look
        Asks the cluster, past the client that may hang, how many records wait; 0 when it does not
        answer: a cluster that is away must not end its workers.

    Notes
    -----
    A client that hangs goes on saying what it last heard, which may be that nothing waits. So a
    worker that has been idle for `seconds` looks for itself, and once more as long after: only
    what waits both times has waited.

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
        """Return why the worker should end; None when it need not.

        Parameters
        ----------
        now, active
            Seconds of one clock: now, and when something was last handled.
        behind
            Records that wait, as far as the client knows.
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
