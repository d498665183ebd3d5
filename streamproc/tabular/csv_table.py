"""Read rows of a csv file."""

import csv
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import Final

from streamproc.tabular.cell_types import Cell, is_number
from streamproc.tabular.errors import RowError
from streamproc.tabular.file_format import DEFAULT, FileFormat
from streamproc.tabular.stream import Stream
from streamproc.tabular.table import Progress, Reject, Row
from streamproc.tabular.text_lines import TextLines

_OTHER_SEPARATORS: Final = ("\t", ";", "|")


class CsvTable:
    """A csv file as RFC 4180 has it: commas, optional double quotes, a header or none.

    A header without commas, but with tabs, semicolons or bars, is separated by these. A file whose
    first row is all numbers has no header: its columns are called c0, c1, … Blank lines are
    skipped.

    Parameters
    ----------
    stream
        The opened file.
    form
        Its separator, encoding and types.

    Raises
    ------
    RowError
        When the file is empty, or names a column twice.
    """

    def __init__(self, stream: Stream, form: FileFormat = DEFAULT) -> None:
        self.name = stream.name
        self._stream = stream
        self._form = form
        self._lines = TextLines(stream, form.encoding)
        self._pushed_back: list[tuple[int, list[str]]] = []
        header = next((line for line in self._lines if line.strip()), None)
        if header is None:
            raise RowError(f"{self.name} is empty: there is nothing to publish")
        self._before = self._lines.number - 1
        self.notices = list(self._lines.notices)
        delimiter = form.delimiter or self._separator(header)
        self._reader = csv.reader(chain([header], self._lines), strict=True, delimiter=delimiter)
        line, cells = next(self._cells())
        if all(map(is_number, cells)):
            self.columns = tuple(f"c{position}" for position in range(len(cells)))
            self.notices.append(_no_header(self.name, self.columns))
            self._pushed_back.append((line, cells))
        else:
            self.columns = header_names(self.name, line, cells)
        self.index = next(
            (name for name, cell in zip(self.columns, cells, strict=True) if not cell.strip()), None
        )

    def rows(self, text: Collection[str] = (), reject: Reject | None = None) -> Iterator[Row]:
        """Iterate over the rows, once; columns in `text` keep their characters as they are."""
        columns, width = self.columns, len(self.columns)
        parsers = [str if column in text else self._form.parser(column) for column in columns]
        self._lines.reject = reject
        for line, cells in chain(self._pushed_back, self._cells(reject)):
            if len(cells) != width:
                what = f"{len(cells)} cells, but the file has {width} columns"
                RowError.refuse(self.name, line, what, cells, reject)
                continue
            try:
                values = {
                    column: parse(cell)
                    for column, parse, cell in zip(columns, parsers, cells, strict=True)
                }
            except ValueError:
                what = self._wrong_cell(parsers, cells)
                RowError.refuse(self.name, line, what, cells, reject)
                continue
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

    def _separator(self, header: str) -> str:
        """Return the separator of the header: a comma, unless it has others alone."""
        cells = next(csv.reader([header]), [])
        other = next(
            (mark for mark in _OTHER_SEPARATORS if len(cells) == 1 and mark in header), None
        )
        if other is None:
            return ","
        self.notices.append(f"{self.name} is separated by {other!r}")
        return other

    def _cells(self, reject: Reject | None = None) -> Iterator[tuple[int, list[str]]]:
        """Iterate over the rows that are not blank, each with the line on which it ends."""
        while True:
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                line = self._before + self._reader.line_num
                RowError.refuse(self.name, line, f"not csv: {error}", None, reject, error)
                continue
            if cells is None:
                return
            if cells:
                yield self._lines.number, cells

    def _wrong_cell(self, parsers: Sequence[Callable[[str], Cell]], cells: list[str]) -> str:
        for column, parse, cell in zip(self.columns, parsers, cells, strict=True):
            try:
                parse(cell)
            except ValueError as error:
                return f"column {column!r}: {error}"
        raise AssertionError(cells)  # a parser that fails once fails again


def header_names(name: str, line: int, cells: list[str]) -> tuple[str, ...]:
    """Return the names of columns; one without a name is called by its place."""
    columns = tuple(cell.strip() or f"c{position}" for position, cell in enumerate(cells))
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        raise RowError.at(name, line, f"the header names {', '.join(map(repr, twice))} twice")
    return columns


def _no_header(name: str, columns: tuple[str, ...]) -> str:
    last = f" … {columns[-1]}" if len(columns) > 1 else ""
    return f"{name} has no header: its columns are called {columns[0]}{last}"
