"""Interface of all readers of rows."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

Value = Any  # a JSON value: what a cell holds once it is typed
Reject = Callable[[int, str, Any], None]
"""Takes a row that cannot be read: its line, the reason, and what is known of it."""


class Row(NamedTuple):
    """One row: the line on which it ends (from 1) and its values by column."""

    line: int
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Progress:
    """How far a table has been read, in bytes of the file or in rows.

    Parameters
    ----------
    done
        What has been read.
    total
        What there is; None when nobody can know, as on a pipe.
    """

    done: int
    total: int | None


class Table(Protocol):
    """A file of rows whose columns are known before the first row is asked for."""

    @property
    def name(self) -> str:
        """The file as messages call it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, in the file's order; of jsonl, those of the first row."""

    @property
    def notices(self) -> Sequence[str]:
        """What the user must know about how the file was understood."""

    @property
    def index(self) -> str | None:
        """A column that has no name in the file, as row numbers have that a program added."""

    def rows(self, text: Collection[str] = (), reject: Reject | None = None) -> Iterator[Row]:
        """Iterate over the rows, once.

        Parameters
        ----------
        text
            Columns that keep their characters as they are.
        reject
            Takes the rows that cannot be read; None: the first of them ends it.

        Raises
        ------
        RowError
            On a row that cannot be read, without `reject`, or if the file ends too early.
        """

    def progress(self) -> Progress:
        """How much of the table has been read."""

    def waits(self) -> bool:
        """Whether reading the next row would wait for somebody to write it."""

    def close(self) -> None:
        """Close the file."""
