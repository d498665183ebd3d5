"""What a publisher says about the order in which it writes events and labels."""

import time
from collections import Counter
from collections.abc import Callable

from streamproc.client.records import Record
from streamproc.schemas.ordering_header import after

Headers = list[tuple[str, bytes]]


class TieOrder:
    """Gives each record its timestamp, and each label its place among the events of its model.

    Timestamps have milliseconds; events and labels are on topics of their own, so that within one
    nobody could tell which came first. Only labels say it: they are not read on the hot path.

    Parameters
    ----------
    clock
        Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._stamp = 0
        self._events: Counter[bytes] = Counter()

    def take(self, record: Record) -> tuple[int, Headers]:
        """Return timestamp and headers of the next record.

        Examples
        --------
        >>> turns = TieOrder(clock=lambda: 1.5)
        >>> turns.take(Record("features", b"m", b"..."))
        (1500, [])
        >>> turns.take(Record("labels", b"m", b"..."))
        (1500, [('after', b'1500:1')])
        """
        stamp = int(self._clock() * 1000)
        if stamp != self._stamp:
            self._stamp = stamp
            self._events.clear()
        if record.stream == "labels":
            return stamp, [after(stamp, self._events[record.key])]
        self._events[record.key] += 1
        return stamp, []
