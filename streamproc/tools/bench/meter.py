"""Measure, inside a process, its CPU and memory while it processes events."""

import resource
import sys
import threading
import time
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")


class Meter:
    """Counts events; measures from the first batch past `skip` to the last event.

    Parameters
    ----------
    events
        How many there are.
    skip
        Events that are not measured: start-up, first batches, and models seen for the first time.

    Examples
    --------
    >>> meter = Meter(events=30, skip=10)
    >>> [meter.count(10) for _ in range(3)]
    [False, False, True]
    >>> meter.figures()["measured"]
    20
    """

    def __init__(self, events: int, skip: int) -> None:
        self._events, self._skip = events, skip
        self._seen = 0
        self._from = 0
        self._began = (0.0, 0.0)
        self._ended = (0.0, 0.0)

    def count(self, events: int) -> bool:
        """Count processed events; return whether these were the last."""
        self._seen += events
        if not self._from and self._seen >= self._skip:
            self._from = self._seen
            self._began = _clocks()
        if self._seen < self._events:
            return False
        self._ended = _clocks()
        return True

    def figures(self) -> dict[str, float]:
        """Give what was measured: CPU seconds are those of all threads of this process."""
        measured = self._seen - self._from
        seconds, cpu = (end - begin for begin, end in zip(self._began, self._ended, strict=True))
        return {
            "events": self._seen,
            "measured": measured,
            "seconds": seconds,
            "cpu_seconds": cpu,
            "events_per_second": measured / seconds if seconds else 0.0,
            "cpu_seconds_per_100k": 1e5 * cpu / measured if measured else 0.0,
            "peak_rss_mb": peak_rss_mb(),
            "threads": threading.active_count(),
        }


def peak_rss_mb() -> float:
    """Return the most resident memory that this process has had, in 10^6 bytes."""
    if _STATUS.exists():  # getrusage counts what the parent had at the fork, too
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()
