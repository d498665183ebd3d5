"""Interface of all readers of rows."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

Value = Any  # a JSON value: what a cell holds once it is typed


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
    def notice(self) -> str | None:
        """What the user must know about how the file was understood."""

    def rows(self, text: Collection[str] = ()) -> Iterator[Row]:
        """Iterate over the rows, once; columns in `text` keep their characters as they are.

        Raises
        ------
        RowError
            On the first row that cannot be read.
        """

    def progress(self) -> Progress:
        """How much of the table has been read."""

    def waits(self) -> bool:
        """Whether reading the next row would wait for somebody to write it."""

    def close(self) -> None:
        """Close the file."""
