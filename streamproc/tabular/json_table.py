"""Read rows of a jsonl file: one JSON object per line."""

import zlib
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from streamproc.tabular.errors import RowError
from streamproc.tabular.stream import Stream
from streamproc.tabular.table import Progress, Row


class JsonTable:
    """A jsonl file; its values are what JSON says they are, and a row may lack columns.

    Parameters
    ----------
    stream
        The opened file.

    Raises
    ------
    RowError
        When the file is empty or its first line is not a JSON object.
    """

    notice: str | None = None

    def __init__(self, stream: Stream) -> None:
        self.name = stream.name
        self._stream = stream
        self._rows = self._decoded()
        first = next(self._rows, None)
        if first is None:
            raise RowError(f"{self.name} is empty: there is nothing to publish")
        self._first = first
        self.columns = tuple(first.values)

    def rows(self, text: Collection[str] = ()) -> Iterator[Row]:
        """Iterate over the rows, once; numbers in the columns of `text` become their text."""
        yield self._as_text(self._first, text)
        for row in self._rows:
            yield self._as_text(row, text)

    def progress(self) -> Progress:
        """How many bytes of the file have been read."""
        return self._stream.progress()

    def waits(self) -> bool:
        """Whether reading the next row would wait for somebody to write it."""
        return self._stream.waits()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _decoded(self) -> Iterator[Row]:
        decode = msgspec.json.Decoder(dict[str, Any]).decode
        lines = self._lines()
        for number, line in enumerate(lines, start=1):
            if line.isspace():
                continue
            try:
                yield Row(number, decode(line))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                what = f"not one JSON object ({error})"
                raise RowError.at(self.name, number, what) from error

    def _lines(self) -> Iterator[bytes]:
        number = 0
        while True:
            number += 1
            try:
                line = self._stream.data.readline()
            except (EOFError, OSError, zlib.error) as error:
                raise RowError.at(self.name, number, f"cannot be read: {error}") from error
            if not line:
                return
            yield line

    @staticmethod
    def _as_text(row: Row, text: Collection[str]) -> Row:
        if not text:
            return row
        return Row(
            row.line, {**row.values, **{column: _text(row.values.get(column)) for column in text}}
        )


def _text(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value
