"""A progress bar on standard error."""

import sys
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from streamproc.cli.output import printable
from streamproc.cli.rows import Table

_EVERY: Final = 0.1  # seconds between two looks at the file's position


class Bar:
    """Shows how much of a table has been sent, at what rate, and when it will be done.

    Where standard error is no terminal it shows nothing.

    Parameters
    ----------
    table
        The table that is read while the bar is shown.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._shown = sys.stderr.isatty()
        self._next = 0.0
        self._started = time.monotonic()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f}/s", markup=False),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not self._shown,
        )
        self._task = self._progress.add_task(
            printable(table.name), total=table.progress().total, rows=0, rate=0.0
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

    def advance(self, rows: int) -> None:
        """Show that so many rows have been sent."""
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + _EVERY
        self._progress.update(
            self._task,
            completed=self._table.progress().done,
            rows=rows,
            rate=rows / max(now - self._started, _EVERY),
        )
