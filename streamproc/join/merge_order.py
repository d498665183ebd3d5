"""The order in which records of several logs are joined: that in which they were produced."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from streamproc.join.entry import InputLog
from streamproc.join.tie_order import in_tie_order
from streamproc.schemas.records import Record

# So many records of one millisecond are not waited for: the memory is not for that.
MAX_AT_ONCE: Final = 20_000
# Records before one with an earlier timestamp that are looked at: descending timestamps would
# cost the square of what waits.
MAX_LOWERED: Final = 256


class Merge:
    """Puts what was fetched of some logs into one order.

    The smallest timestamp comes first; those of one millisecond come `in_tie_order`. Nothing
    depends on this order but what an online model knew when it was asked. A record counts as no
    later than those that follow it in its log: one that is stamped in the future holds up none of
    them.

    Parameters
    ----------
    logs
        Which ones.

    Examples
    --------
    >>> from streamproc.monitor import LogRecord
    >>> merge = Merge([InputLog.PREDICTIONS, InputLog.LABELS])
    >>> merge.add(InputLog.PREDICTIONS, [LogRecord(0, b"", 5), LogRecord(1, b"", 7)])
    >>> merge.take(ended=[], most=10)  # a label of before may still come
    []
    >>> merge.add(InputLog.LABELS, [LogRecord(0, b"", 6)])
    >>> [(log.name, record.timestamp) for log, record in merge.take(ended=[InputLog.LABELS],
    most=10)] [('PREDICTIONS', 5), ('LABELS', 6)]
    """

    def __init__(self, logs: Collection[InputLog]) -> None:
        self._waiting: dict[InputLog, deque[_Stamped]] = {log: deque() for log in sorted(logs)}
        self._held: dict[InputLog, int] = dict.fromkeys(self._waiting, 0)

    def add(self, log: InputLog, records: Sequence[Record]) -> None:
        """Take what was fetched, in the order of its log."""
        waiting = self._waiting[log]
        for record in records:
            stamp = record.timestamp
            if waiting and waiting[-1].stamp > stamp:
                _lower(waiting, stamp)
            waiting.append(_Stamped(stamp, record))

    def release(self) -> None:
        """Hold up no longer what has waited since the last call.

        To be called when each log was read to its end since then: whatever was produced before
        these records is here, and they are stamped in the future.
        """
        for log, waiting in self._waiting.items():
            for stamped in islice(waiting, min(self._held[log], len(waiting))):
                stamped.stamp = min(stamped.stamp, 0)
            self._held[log] = len(waiting)

    def empty(self) -> set[InputLog]:
        """Return the logs of which nothing waits here."""
        return {log for log, waiting in self._waiting.items() if not waiting}

    def short(self, most: int) -> set[InputLog]:
        """Return the logs of which less than that waits, or of which more has to be known."""
        # One that holds but one millisecond is not known to hold all of it.
        full = {
            log
            for log, waiting in self._waiting.items()
            if len(waiting) >= most and waiting[-1].stamp > waiting[0].stamp
        }
        return self._waiting.keys() - full or set(self._waiting)

    def take(self, ended: Collection[InputLog], most: int) -> list[tuple[InputLog, Record]]:
        """Return the next records, as far as they are known to be the next.

        Parameters
        ----------
        ended
            Logs that need not be waited for.
        most
            Where to stop; a millisecond is not divided.
        """
        taken: list[tuple[InputLog, Record]] = []
        while len(taken) < most:
            heads = [waiting[0].stamp for waiting in self._waiting.values() if waiting]
            if not heads:
                break
            moment = self._moment(min(heads), ended)
            if moment is None:
                break
            taken += moment
        return taken

    def _moment(
        self, stamp: int, ended: Collection[InputLog]
    ) -> list[tuple[InputLog, Record]] | None:
        """Return all records of the next millisecond, or None while more of them may come."""
        counts: dict[InputLog, int] = {}
        for log, waiting in self._waiting.items():
            count = counts[log] = _upto(waiting, stamp)
            if count == len(waiting) < MAX_AT_ONCE and log not in ended:
                return None
        runs = {
            log: [waiting.popleft().record for _ in range(counts[log])]
            for log, waiting in self._waiting.items()
        }
        for log, count in counts.items():
            self._held[log] = max(0, self._held[log] - count)
        return in_tie_order(runs, stamp)


class _Stamped(Struct, gc=False):
    """A record, and the time that it counts as: its own, or that of one that follows it."""

    stamp: int
    record: Record


def _lower(waiting: deque[_Stamped], stamp: int) -> None:
    """Let the last records be no later than the one that follows them."""
    for stamped in islice(reversed(waiting), MAX_LOWERED):
        if stamped.stamp <= stamp:
            break
        stamped.stamp = stamp


def _upto(waiting: Iterable[_Stamped], stamp: int) -> int:
    """Count the first records that are not later."""
    count = 0
    for stamped in waiting:
        if stamped.stamp > stamp:
            break
        count += 1
    return count
