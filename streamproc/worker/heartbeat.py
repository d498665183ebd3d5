"""Whether another process still runs: a count in shared memory that its event loop raises.

A process that was stopped (SIGSTOP, a frozen cgroup) neither ends nor answers, and a blocked event
loop handles no signal. Only a process beside it can notice.
"""

import asyncio
from collections.abc import Callable
from multiprocessing.context import SpawnContext
from typing import Any, Final

BEAT_SECONDS: Final = 1.0
# An observer that did not look for so long was itself suspended, and knows nothing of that time.
_SUSPENDED: Final = 10.0


class Heartbeat:
    """A count that one process raises and another one reads.

    Parameters
    ----------
    context
        Of the processes.
    """

    def __init__(self, context: SpawnContext) -> None:
        self._count: Any = context.RawValue("Q", 0)

    @property
    def count(self) -> int:
        """The count."""
        return int(self._count.value)

    def beat(self) -> None:
        """Raise the count; only one process may."""
        self._count.value += 1

    def clear(self) -> None:
        """Set the count to 0, before another process begins to raise it."""
        self._count.value = 0


class Silence:
    """Measure for how long a count has not changed, while its observer was awake.

    Examples
    --------
    >>> silence = Silence()
    >>> [silence.seconds(now, count=7) for now in (100.0, 105.0, 110.0)]
    [0.0, 5.0, 10.0]
    >>> silence.seconds(111.0, count=8)
    0.0
    >>> silence.seconds(500.0, count=8)  # it did not look for minutes
    0.0
    """

    def __init__(self) -> None:
        self._count: int | None = None
        self._since = self._looked = 0.0

    def seconds(self, now: float, count: int) -> float:
        """Return the seconds since the count has changed.

        Parameters
        ----------
        now
            Seconds of a monotonic clock.
        count
            The count now.
        """
        if count != self._count or now - self._looked > _SUSPENDED:
            self._count, self._since = count, now
        self._looked = now
        return now - self._since


async def keep_beating(beat: Callable[[], object]) -> None:
    """Call `beat` for as long as the event loop runs."""
    while True:
        beat()
        await asyncio.sleep(BEAT_SECONDS)
