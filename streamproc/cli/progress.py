"""Show a progress bar on standard error."""

import sys
import time
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from streamproc.tabular.table import Progress as Done
from streamproc.terminal import printable

_EVERY: Final = 0.1  # seconds between two looks at the file's position


class Measured(Protocol):
    """Something that is read, and knows how much of it has been."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    def progress(self) -> Done:
        """How much has been read."""


class Bar:
    """Shows progress, rate and remaining time.

    It shows nothing if standard error is not a terminal.

    Parameters
    ----------
    source
        What is read while the bar is shown.
    noun
        What is counted.
    """

    def __init__(self, source: Measured, noun: str = "rows") -> None:
        self._source = source
        self._shown = sys.stderr.isatty()
        self._next = 0.0
        self._started = time.monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn(
                f"{{task.fields[taken]:,}} {noun}, {{task.fields[rate]:,.0f}}/s", markup=False
            ),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not self._shown,
        )
        self._task = self._progress.add_task(
            printable(source.name), total=source.progress().total, taken=0, rate=0.0
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._next = 0.0
        self._progress.stop()

    def advance(self, taken: int) -> None:
        """Update the number of processed items."""
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + _EVERY
        self._progress.update(
            self._task,
            completed=self._source.progress().done,
            taken=taken,
            rate=taken / max(now - self._started, _EVERY),
        )
