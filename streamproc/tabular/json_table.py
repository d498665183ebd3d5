"""Read rows of a jsonl file: one JSON object per line."""

import json
import zlib
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from streamproc.tabular.errors import RowError
from streamproc.tabular.file_format import DEFAULT, FileFormat
from streamproc.tabular.stream import Stream
from streamproc.tabular.table import Progress, Reject, Row


class JsonTable:
    """A jsonl file; its values are what JSON says they are, and a row may have other columns.

    NaN, which JSON does not have and Python writes, is missing.

    Parameters
    ----------
    stream
        The opened file.
    form
        Types of columns.

    Raises
    ------
    RowError
        When the file is empty or its first line is not a JSON object.
    """

    notices: tuple[str, ...] = ()
    index: str | None = None

    def __init__(self, stream: Stream, form: FileFormat = DEFAULT) -> None:
        self.name = stream.name
        self._stream = stream
        self._form = form
        self._number = 0
        first = next(self._decoded(None), None)
        if first is None:
            raise RowError(f"{self.name} is empty: there is nothing to publish")
        self._first = first
        self.columns = tuple(first.values)

    def rows(self, text: Collection[str] = (), reject: Reject | None = None) -> Iterator[Row]:
        """Iterate over the rows, once; numbers in the columns of `text` become their text."""
        yield from self._typed(self._first, text, reject)
        for row in self._decoded(reject):
            yield from self._typed(row, text, reject)

    def progress(self) -> Progress:
        """How many bytes of the file have been read."""
        return self._stream.progress()

    def waits(self) -> bool:
        """Whether reading the next row would wait for somebody to write it."""
        return self._stream.waits()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _decoded(self, reject: Reject | None) -> Iterator[Row]:
        for line in self._lines():
            if line.isspace():
                continue
            try:
                yield Row(self._number, _decode(line))
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                what = f"not one JSON object ({error})"
                raw = line.decode("utf-8", "replace").strip()
                RowError.refuse(self.name, self._number, what, raw, reject, error)

    def _lines(self) -> Iterator[bytes]:
        while True:
            self._number += 1
            try:
                line = self._stream.data.readline()
            except (EOFError, OSError, zlib.error) as error:
                raise RowError.at(self.name, self._number, f"cannot be read: {error}") from error
            if not line:
                return
            yield line

    def _typed(self, row: Row, text: Collection[str], reject: Reject | None) -> Iterator[Row]:
        """Give a row whose values have the types that are named."""
        types = self._form.types
        if not text and not types:
            yield row
            return
        values = dict(row.values)
        for column in text:
            values[column] = _text(values.get(column))
        for column in values.keys() & types.keys():
            try:
                values[column] = self._form.typed(column, values[column])
            except ValueError as error:
                what = f"column {column!r}: {error}"
                RowError.refuse(self.name, row.line, what, dict(row.values), reject, error)
                return
        yield Row(row.line, values)


_object = msgspec.json.Decoder(dict[str, Any]).decode


def _decode(line: bytes) -> dict[str, Any]:
    try:
        return _object(line)
    except msgspec.MsgspecError:
        if b"NaN" not in line:
            raise
        # Infinity stays an error, as in csv.
        found = json.loads(line, parse_constant={"NaN": None}.__getitem__)
        return msgspec.convert(found, dict[str, Any])


def _text(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value
