"""Read rows of a spreadsheet: xlsx, xls, xlsb or ods."""

import io
from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from streamproc.tabular.csv_table import header_names
from streamproc.tabular.errors import RowError
from streamproc.tabular.file_format import DEFAULT, FileFormat
from streamproc.tabular.stream import Stream
from streamproc.tabular.table import Progress, Reject, Row


class SheetTable:
    """The first sheet of a spreadsheet; its first row that is not empty names the columns.

    Dates and times become texts as ISO 8601 has them, durations seconds; empty cells are missing,
    and texts stay texts.

    Parameters
    ----------
    stream
        The opened file; all of it is read at once.
    form
        Types of columns.

    Raises
    ------
    RowError
        When it is not a spreadsheet, is empty, or names a column twice.
    """

    def __init__(self, stream: Stream, form: FileFormat = DEFAULT) -> None:
        self.name = stream.name
        self._stream = stream
        self._form = form
        self._done = 0
        try:
            book = CalamineWorkbook.from_filelike(io.BytesIO(stream.data.read()))
            sheet = book.get_sheet_by_index(0)
        except (CalamineError, OSError, EOFError) as error:
            raise RowError(f"{self.name} is not a spreadsheet: {error}") from error
        self.notices: list[str] = []
        if len(book.sheet_names) > 1:
            others = len(book.sheet_names) - 1
            self.notices.append(
                f"{self.name}: sheet {sheet.name!r} is read, and {others} more are not"
            )
        self._total = sheet.total_height
        self._rows = enumerate(sheet.iter_rows(), start=1)
        line, header = next(self._filled(), (0, []))
        if not header:
            raise RowError(f"{self.name} is empty: there is nothing to publish")
        names = ["" if cell is None else str(cell) for cell in map(_plain, header)]
        while names and not names[-1].strip():  # formats reach further than cells
            names.pop()
        self.columns = header_names(self.name, line, names)
        self.index = None if names[0].strip() else self.columns[0]

    def rows(self, text: Collection[str] = (), reject: Reject | None = None) -> Iterator[Row]:
        """Iterate over the rows, once; numbers in the columns of `text` become their text."""
        for line, cells in self._filled():
            self._done = line
            values: dict[str, Any] = {}
            try:
                for column, cell in zip(self.columns, cells, strict=False):
                    plain = _plain(cell)
                    values[column] = (
                        _text(plain) if column in text else self._form.typed(column, plain)
                    )
            except ValueError as error:
                what, raw = f"column {column!r}: {error}", [str(cell) for cell in cells]
                RowError.refuse(self.name, line, what, raw, reject, error)
                continue
            yield Row(line, values)

    def progress(self) -> Progress:
        """How many rows have been read."""
        return Progress(self._done, self._total)

    def waits(self) -> bool:
        """Whether reading the next row would wait: never, the whole file is there."""
        return False

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _filled(self) -> Iterator[tuple[int, list[Any]]]:
        for line, cells in self._rows:
            if any(cell != "" for cell in cells):
                yield line, cells


def _plain(cell: Any) -> Any:
    if cell == "":
        return None
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return cell.total_seconds() if isinstance(cell, timedelta) else cell


def _text(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():  # all numbers of a sheet are floats
        return str(int(value))
    return value if value is None else str(value)
