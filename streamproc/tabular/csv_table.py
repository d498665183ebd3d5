"""Read rows of a csv file."""

import csv
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

from streamproc.tabular.cell_types import Cell, is_number, parse_cell
from streamproc.tabular.errors import RowError
from streamproc.tabular.stream import Stream
from streamproc.tabular.table import Progress, Row

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
        self._reader = csv.reader(self._lines(), strict=True)
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

    def waits(self) -> bool:
        """Whether reading the next row would wait for somebody to write it."""
        return self._stream.waits()

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
            except csv.Error as error:
                raise RowError.at(self.name, self._reader.line_num, f"not csv: {error}") from error
            if cells is None:
                return
            if cells:
                yield self._reader.line_num, cells

    def _lines(self) -> Iterator[str]:
        """Decode line by line, so that an error names its line and not one a block away."""
        done = 0
        try:
            for line in self._stream.data:
                # Spreadsheets write a byte order mark, which does not belong to the first name.
                yield line.decode("utf-8" if done else "utf-8-sig")
                done += 1
        except UnicodeDecodeError as error:
            what = f"not UTF-8 text: {error.reason}"
            raise RowError.at(self.name, done + 1, what) from error
        except (EOFError, OSError, zlib.error) as error:
            raise RowError.at(self.name, done + 1, f"cannot be read: {error}") from error

    def _bad_cell(
        self, line: int, parsers: Sequence[Callable[[str], Cell]], cells: list[str]
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
