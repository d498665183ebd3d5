"""Merge records of several logs in the order in which they were produced."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct

from streamproc.join.entry import InputLog
from streamproc.join.tie_order import in_tie_order
from streamproc.schemas.records import Record

# Do not wait for more records of one millisecond than this, which bounds the memory.
MAX_AT_ONCE: Final = 20_000
# Maximum records to lower before one with an earlier timestamp: descending timestamps would
# otherwise take quadratic time.
MAX_LOWERED: Final = 256


class Merge:
    """Merge fetched records of several logs into one order.

    The smallest timestamp comes first; records of one millisecond are put `in_tie_order`. Only the
    predictions of online models depend on this order. A record counts as not later than those that
    follow it in its log, so that a future timestamp does not delay them.

    Parameters
    ----------
    logs
        The logs to merge.

    Examples
    --------
    >>> from streamproc.monitor import LogRecord
    >>> merge = Merge([InputLog.PREDICTIONS, InputLog.LABELS])
    >>> merge.add(InputLog.PREDICTIONS, [LogRecord(0, b"", 5), LogRecord(1, b"", 7)])
    >>> merge.take(ended=[], most=10)  # an earlier label may still come
    []
    >>> merge.add(InputLog.LABELS, [LogRecord(0, b"", 6)])
    >>> taken = merge.take(ended=[InputLog.LABELS], most=10)
    >>> [(log.name, record.timestamp) for log, record in taken]
    [('PREDICTIONS', 5), ('LABELS', 6)]
    """

    def __init__(self, logs: Collection[InputLog]) -> None:
        self._waiting: dict[InputLog, deque[_Stamped]] = {log: deque() for log in sorted(logs)}
        self._held: dict[InputLog, int] = dict.fromkeys(self._waiting, 0)

    def add(self, log: InputLog, records: Sequence[Record]) -> None:
        """Add fetched records, in the order of their log."""
        waiting = self._waiting[log]
        for record in records:
            stamp = record.timestamp
            if waiting and waiting[-1].stamp > stamp:
                _lower(waiting, stamp)
            waiting.append(_Stamped(stamp, record))

    def release(self) -> None:
        """Release records that have waited since the last call.

        Call it once each log was read to its end since then: all earlier records are here, so these
        have future timestamps.
        """
        for log, waiting in self._waiting.items():
            for stamped in islice(waiting, min(self._held[log], len(waiting))):
                stamped.stamp = min(stamped.stamp, 0)
            self._held[log] = len(waiting)

    def empty(self) -> set[InputLog]:
        """Return the logs without waiting records."""
        return {log for log, waiting in self._waiting.items() if not waiting}

    def short(self, most: int) -> set[InputLog]:
        """Return the logs from which more records must be fetched."""
        # A log with records of a single millisecond may have more of it.
        full = {
            log
            for log, waiting in self._waiting.items()
            if len(waiting) >= most and waiting[-1].stamp > waiting[0].stamp
        }
        return self._waiting.keys() - full or set(self._waiting)

    def take(self, ended: Collection[InputLog], most: int) -> list[tuple[InputLog, Record]]:
        """Return the next records whose order is final.

        Parameters
        ----------
        ended
            Logs at their end, which need not be waited for.
        most
            Number of records to stop at; records of one millisecond stay together.
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
            if waiting and waiting[0].stamp > stamp:
                continue
            count = counts[log] = _upto(waiting, stamp)
            if count == len(waiting) < MAX_AT_ONCE and log not in ended:
                return None
        runs: dict[InputLog, list[Record]] = {}
        for log, count in counts.items():
            if count:
                next_record = self._waiting[log].popleft
                runs[log] = [next_record().record for _ in range(count)]
                self._held[log] = max(0, self._held[log] - count)
        if len(runs) == 1:  # as nearly always where records come one by one
            [(log, run)] = runs.items()
            return [(log, record) for record in run]
        return in_tie_order(runs, stamp)


class _Stamped(Struct, gc=False):
    """A record with its effective timestamp: its own, or that of a later record."""

    stamp: int
    record: Record


def _lower(waiting: deque[_Stamped], stamp: int) -> None:
    """Lower the timestamps of the last records to that of the one that follows."""
    for stamped in islice(reversed(waiting), MAX_LOWERED):
        if stamped.stamp <= stamp:
            break
        stamped.stamp = stamp


def _upto(waiting: Iterable[_Stamped], stamp: int) -> int:
    """Count the leading records with timestamps up to `stamp`."""
    count = 0
    for stamped in waiting:
        if stamped.stamp > stamp:
            break
        count += 1
    return count
