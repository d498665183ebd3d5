"""Rows of a csv file."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any

from streamproc.cli.rows.cells import Cell, is_number, parse_cell
from streamproc.cli.rows.errors import RowError
from streamproc.cli.rows.stream import Stream
from streamproc.cli.rows.table import Progress, Row

_OTHER_SEPARATORS = ("\t", ";", "|")


class CsvTable:
    """A csv file as RFC 4180 has it: commas, optional double quotes, a header or none.

    A file whose first row is all numbers has no header: its columns are called c0, c1, …
    Blank lines are skipped.

    Parameters
    ----------
    stream
        The opened file.

    Raises
    ------
    RowError
        When the file is empty, names a column twice, or is separated by something else.
    """

    def __init__(self, stream: Stream) -> None:
        self.name = stream.name
        self._stream = stream
        self._reader = csv.reader(
            io.TextIOWrapper(stream.data, encoding="utf-8-sig", newline=""), strict=True
        )
        first = next(self._cells(), None)
        if first is None:
            raise RowError(f"{self.name} is empty: there is nothing to publish")
        self.notice: str | None = None
        self._pushed_back: list[tuple[int, list[str]]] = []
        line, cells = first
        if all(map(is_number, cells)):
            self.columns = tuple(f"c{position}" for position in range(len(cells)))
            self.notice = _notice(self.name, self.columns)
            self._pushed_back.append(first)
        else:
            self.columns = _header(self.name, line, cells)

    def rows(self, text: Collection[str] = ()) -> Iterator[Row]:
        """Iterate over the rows, once; columns in `text` keep their characters as they are."""
        columns, width = self.columns, len(self.columns)
        parsers = [str if column in text else parse_cell for column in columns]
        for line, cells in self._all_cells():
            if len(cells) != width:
                raise RowError.at(
                    self.name, line, f"{len(cells)} cells, but the file has {width} columns"
                )
            try:
                values = {
                    column: parse(cell)
                    for column, parse, cell in zip(columns, parsers, cells, strict=True)
                }
            except ValueError:
                raise self._bad_cell(line, parsers, cells) from None
            yield Row(line, values)

    def progress(self) -> Progress:
        """How many bytes of the file have been read."""
        return self._stream.progress()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _all_cells(self) -> Iterator[tuple[int, list[str]]]:
        yield from self._pushed_back
        yield from self._cells()

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        """Iterate over the rows that are not blank, each with the line on which it ends."""
        while True:
            try:
                cells = next(self._reader, None)
            except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
                line = self._reader.line_num
                raise RowError.at(self.name, line, _unreadable(error)) from error
            if cells is None:
                return
            if cells:
                yield self._reader.line_num, cells

    def _bad_cell(
        self, line: int, parsers: list[Callable[[str], Cell]], cells: list[str]
    ) -> RowError:
        for column, parse, cell in zip(self.columns, parsers, cells, strict=True):
            try:
                parse(cell)
            except ValueError as error:
                return RowError.at(self.name, line, f"column {column!r}: {error}")
        raise AssertionError(line)  # a parser that fails once fails again


def _header(name: str, line: int, cells: list[str]) -> tuple[str, ...]:
    separator = next(
        (mark for mark in _OTHER_SEPARATORS if len(cells) == 1 and mark in cells[0]), None
    )
    if separator:
        raise RowError.at(name, line, f"cells are separated by {separator!r}: csv wants commas")
    columns = tuple(cell.strip() or f"c{position}" for position, cell in enumerate(cells))
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise RowError.at(name, line, f"the header names {', '.join(map(repr, twice))} twice")
    return columns


def _notice(name: str, columns: tuple[str, ...]) -> str:
    last = f" … {columns[-1]}" if len(columns) > 1 else ""
    return f"{name} has no header: its columns are called {columns[0]}{last}"


def _unreadable(error: Any) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 text ({error.reason})"
    return f"cannot be read: {error}"
