"""Track progress and failures of one partition's join, also while it hangs."""

import contextlib
import os
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from streamproc.join.entry import InputLog
from streamproc.worker.watchdog import Progress

FIRST_PAUSE: Final = 2.0
MAX_PAUSE: Final = 60.0
# SQLite extends its log by pages; with less free space it would fail again at once.
PROBE_BYTES: Final = 2**20
_DISK: Final = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_NOLFS,
}


class StoreUnavailableError(Exception):
    """The folder of a store cannot be used now; its content is preserved."""


StoreError = sqlite3.Error | StoreUnavailableError


@dataclass
class JoinStatus:
    """Progress and failures of one partition's join.

    Attributes
    ----------
    reached
        By log, the offset after the last joined record.
    handled
        Counter that grows with any progress.
    waiting
        Lag in records, by the cluster's end offsets.
    stalled
        Seconds of lag without progress.
    failure
        Why the join does not work; None while it does.
    failing_since
        Time of the first failure, in seconds of the monotonic clock.
    pause
        Seconds until the next attempt.
    """

    reached: dict[InputLog, int] = field(default_factory=dict)
    handled: int = 0
    waiting: int = 0
    stalled: float = 0.0
    failure: str | None = None
    failing_since: float = 0.0
    pause: float = FIRST_PAUSE
    _progress: Progress = field(default_factory=Progress)
    _handled_before: int = 0

    def measure(self, now: float, waiting: int) -> None:
        """Record the lag in records, as measured at the cluster."""
        self.waiting = waiting
        self.stalled = self._progress.stalled(now, self.handled, waiting)

    def fail(self, now: float, reason: str) -> float:
        """Note a failure; return the seconds to pause before the next attempt."""
        if self.failure is None:
            self.failing_since, self.pause = now, FIRST_PAUSE
        self.failure, self._handled_before = reason, self.handled
        pause, self.pause = self.pause, min(2 * self.pause, MAX_PAUSE)
        return pause

    def begin(self) -> None:
        """Note that an attempt is ready to process records."""
        self._handled_before = self.handled

    def committed(self, behind: int) -> None:
        """Clear a failure once later records are stored, or when the lag is 0."""
        if self.failure is not None and (self.handled > self._handled_before or not behind):
            self.failure = None


def store_failure(path: Path, error: StoreError | OSError) -> str:
    """Describe why a store cannot be used, and what the operator should do."""
    return (
        f"the store {path} cannot be written ({error}): check that its disk has free space, is"
        " writable and responds, or set labels.store to a folder on another disk"
    )


def damaged(error: StoreError) -> bool:
    """Whether the content of a store is damaged, rather than its disk."""
    if isinstance(error, StoreUnavailableError):
        return False
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF not in _DISK  # the low byte is the primary code


def probe(path: Path) -> None:
    """Check that the disk of a store can be written, with a file next to it.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    place = path.with_name(f"{path.name}-probe")
    try:
        with place.open("wb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        with contextlib.suppress(OSError):  # the failed write has the reason
            place.unlink(missing_ok=True)
