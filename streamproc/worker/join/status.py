"""What is known of the join of one partition, also while it cannot report."""

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
# SQLite grows its log by pages; a disk with less than that left would fail again at once.
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
    """The folder of a store cannot be used; its content is kept for when it can."""


StoreError = sqlite3.Error | StoreUnavailableError


@dataclass
class JoinStatus:
    """Progress and trouble of one partition's join.

    Attributes
    ----------
    reached
        Offset after the last record that is joined, of each log.
    handled
        Grows with everything that the join does for its records.
    waiting
        Records that are not joined, by the cluster's end offsets.
    stalled
        Seconds for which records have waited and none was handled.
    failure
        Why the join stands still; None while it works.
    failing_since
        When the first of these failures was, by the monotonic clock.
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
        """Note how many records wait, by the cluster."""
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
        """Note that an attempt has come as far as the records."""
        self._handled_before = self.handled

    def committed(self, behind: int) -> None:
        """Clear a failure: records were handled since and are stored, or none waits."""
        if self.failure is not None and (self.handled > self._handled_before or not behind):
            self.failure = None


def store_failure(path: Path, error: StoreError | OSError) -> str:
    """Describe why a store cannot be used, and what the operator should do."""
    return (
        f"the store {path} cannot be written ({error}): check that its disk has free space, is"
        " writable and responds, or set labels.store to a folder on another disk"
    )


def damaged(error: StoreError) -> bool:
    """Whether the content of a store is unusable, rather than its disk."""
    if isinstance(error, StoreUnavailableError):
        return False
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF not in _DISK  # the low byte is the primary code


def probe(path: Path) -> None:
    """Write next to a store what it needs to go on.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    place = path.with_name(f"{path.name}-probe")
    try:
        with place.open("wb") as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        with contextlib.suppress(OSError):  # the attempt to write has the reason
            place.unlink(missing_ok=True)
