"""Read rows of a parquet file."""

import math
import re
from collections.abc import Collection, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from streamproc.tabular.errors import RowError
from streamproc.tabular.file_format import DEFAULT, FileFormat
from streamproc.tabular.stream import Stream
from streamproc.tabular.table import Progress, Reject, Row

_INDEX = re.compile(r"__index_level_\d+__")  # as pandas calls what has no name
_BATCH = 4096  # rows: a few MB of Python values at a hundred columns


class ParquetTable:
    """A parquet file; a row's line is its number from 1.

    Dates and times become RFC 3339 text, decimals become numbers, NaN and null are missing.

    Parameters
    ----------
    stream
        The opened file; it must be able to seek.

    Raises
    ------
    RowError
        When it is not parquet, is damaged, or comes through a pipe.
    """

    notices: tuple[str, ...] = ()

    def __init__(self, stream: Stream, form: FileFormat = DEFAULT) -> None:
        self.name = stream.name
        self._form = form
        self._stream = stream
        self._done = 0
        if not stream.data.seekable():
            raise RowError(f"{self.name}: parquet cannot be read from a pipe; name the file")
        try:
            self._file = pq.ParquetFile(stream.data)
        except (pa.ArrowException, OSError) as error:
            raise RowError(f"{self.name} is not a parquet file: {error}") from error
        self._total: int = self._file.metadata.num_rows
        self.columns = tuple(self._file.schema_arrow.names)
        self.index = next((name for name in self.columns if _INDEX.fullmatch(name)), None)

    def rows(self, text: Collection[str] = (), reject: Reject | None = None) -> Iterator[Row]:
        """Iterate over the rows, once; numbers in the columns of `text` become their text."""
        try:
            for batch in self._file.iter_batches(_BATCH):
                lists = [_python(column) for column in batch.columns]
                for cells in zip(*lists, strict=True):
                    self._done += 1
                    values = self._values(text, cells, reject)
                    if values is not None:
                        yield Row(self._done, values)
        except (pa.ArrowException, OSError) as error:
            raise RowError.at(self.name, self._done + 1, f"cannot be read: {error}") from error

    def progress(self) -> Progress:
        """How many rows have been read."""
        return Progress(self._done, self._total)

    def waits(self) -> bool:
        """Whether reading the next row would wait: never, the whole file is there."""
        return False

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _values(
        self, text: Collection[str], cells: tuple[Any, ...], reject: Reject | None
    ) -> dict[str, Any] | None:
        values = {}
        for column, cell in zip(self.columns, cells, strict=True):
            try:
                plain = _text(cell) if column in text else _plain(cell)
                values[column] = self._form.typed(column, plain)
            except ValueError as error:
                what = f"column {column!r}: {error}"
                raw = {name: str(each) for name, each in zip(self.columns, cells, strict=True)}
                RowError.refuse(self.name, self._done, what, raw, reject, error)
                return None
        return values


def _python(column: Any) -> list[Any]:
    """Convert a column; Python's times have microseconds."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    values: list[Any] = column.to_pylist()
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError("infinite, which JSON cannot say: use null if it is missing")
        return None if math.isnan(value) else value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _text(value: Any) -> Any:
    plain = _plain(value)
    return plain if plain is None or isinstance(plain, str) else str(plain)
