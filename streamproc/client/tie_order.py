"""Record the order of a publisher's events and labels within a millisecond."""

import time
from collections import Counter
from collections.abc import Callable

from streamproc.client.records import Record
from streamproc.schemas.ordering_header import after

Headers = list[tuple[str, bytes]]


class TieOrder:
    """Assign timestamps to records, and to labels their position among their model's events.

    Timestamps have milliseconds, and events and labels are on separate topics, so that their order
    within a millisecond would be unknown. Only labels carry it: they are not on the hot path.

    Parameters
    ----------
    clock
        Seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._stamp = 0
        self._events: Counter[bytes] = Counter()

    def now(self) -> int:
        """Return the timestamp of a record that is made now, in milliseconds."""
        return int(self._clock() * 1000)

    def take(self, record: Record, stamp: int | None = None) -> tuple[int, Headers]:
        """Return timestamp and headers of the next record.

        Parameters
        ----------
        record
            What is written now.
        stamp
            Its timestamp, where it was made earlier; None: now.

        Examples
        --------
        >>> turns = TieOrder(clock=lambda: 1.5)
        >>> turns.take(Record("features", b"m", b"..."))
        (1500, [])
        >>> turns.take(Record("labels", b"m", b"..."))
        (1500, [('after', b'1500:1')])
        """
        if stamp is None:
            stamp = self.now()
        if stamp != self._stamp:
            self._stamp = stamp
            self._events.clear()
        if record.stream == "labels":
            return stamp, [after(stamp, self._events[record.key])]
        self._events[record.key] += 1
        return stamp, []
