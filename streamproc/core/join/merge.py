"""The order in which records of several logs are joined: that in which they were produced."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from streamproc.core.join.entry import Input
from streamproc.core.join.turns import in_turns
from streamproc.core.record import Record

# So many records of one millisecond are not waited for: the memory is not for that.
MOST_AT_ONCE: Final = 20_000


class Merge:
    """Puts what was fetched of some logs into one order.

    The smallest timestamp comes first; those of one millisecond come `in_turns`. Nothing depends
    on this order but what an online model knew when it was asked.

    Parameters
    ----------
    logs
        Which ones.

    Examples
    --------
    >>> from streamproc.monitor import LogRecord
    >>> merge = Merge([Input.PREDICTIONS, Input.LABELS])
    >>> merge.add(Input.PREDICTIONS, [LogRecord(0, b"", 5), LogRecord(1, b"", 7)])
    >>> merge.take(ended=[], most=10)  # a label of before may still come
    []
    >>> merge.add(Input.LABELS, [LogRecord(0, b"", 6)])
    >>> [(log.name, record.timestamp) for log, record in merge.take(ended=[Input.LABELS], most=10)]
    [('PREDICTIONS', 5), ('LABELS', 6)]
    """

    def __init__(self, logs: Collection[Input]) -> None:
        self._waiting: dict[Input, deque[Record]] = {log: deque() for log in sorted(logs)}

    def add(self, log: Input, records: Sequence[Record]) -> None:
        """Take what was fetched, in the order of its log."""
        self._waiting[log].extend(records)

    def empty(self) -> set[Input]:
        """Return the logs of which nothing waits here."""
        return {log for log, waiting in self._waiting.items() if not waiting}

    def short(self, most: int) -> set[Input]:
        """Return the logs of which less than that waits, or of which more has to be known."""
        # One that holds but one millisecond is not known to hold all of it.
        full = {
            log
            for log, waiting in self._waiting.items()
            if len(waiting) >= most and waiting[-1].timestamp > waiting[0].timestamp
        }
        return self._waiting.keys() - full or set(self._waiting)

    def take(self, ended: Collection[Input], most: int) -> list[tuple[Input, Record]]:
        """Return the next records, as far as they are known to be the next.

        Parameters
        ----------
        ended
            Logs that need not be waited for.
        most
            Where to stop; a millisecond is not divided.
        """
        taken: list[tuple[Input, Record]] = []
        while len(taken) < most:
            heads = [waiting[0].timestamp for waiting in self._waiting.values() if waiting]
            if not heads:
                break
            moment = self._moment(min(heads), ended)
            if moment is None:
                break
            taken += moment
        return taken

    def _moment(self, stamp: int, ended: Collection[Input]) -> list[tuple[Input, Record]] | None:
        """Return all records of the next millisecond, or None while more of them may come."""
        counts: dict[Input, int] = {}
        for log, waiting in self._waiting.items():
            count = counts[log] = _upto(waiting, stamp)
            if count == len(waiting) < MOST_AT_ONCE and log not in ended:
                return None
        runs = {
            log: [waiting.popleft() for _ in range(counts[log])]
            for log, waiting in self._waiting.items()
        }
        return in_turns(runs, stamp)


def _upto(waiting: Iterable[Record], stamp: int) -> int:
    """Count the first records that are not later."""
    count = 0
    for record in waiting:
        if record.timestamp > stamp:
            break
        count += 1
    return count
