"""Read rows of a parquet file."""

import math
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from streamproc.tabular.errors import RowError
from streamproc.tabular.stream import Stream
from streamproc.tabular.table import Progress, Row

_BATCH = 4096  # rows: a few MB of Python values at a hundred columns


class ParquetTable:
    """A parquet file; a row's line is its number from 1.

    Dates and times become RFC 3339 text (a time without a zone is taken as UTC), decimals become
    numbers, NaN and null are missing.

    Parameters
    ----------
    stream
        The opened file; it must be able to seek.

    Raises
    ------
    RowError
        When it is not parquet, is damaged, or comes through a pipe.
    """

    notice: str | None = None

    def __init__(self, stream: Stream) -> None:
        self.name = stream.name
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

    def rows(self, text: Collection[str] = ()) -> Iterator[Row]:
        """Iterate over the rows, once; numbers in the columns of `text` become their text."""
        parsers = [_text if column in text else _plain for column in self.columns]
        try:
            for batch in self._file.iter_batches(_BATCH):
                lists = [column.to_pylist() for column in batch.columns]
                for cells in zip(*lists, strict=True):
                    self._done += 1
                    yield Row(self._done, self._values(parsers, cells))
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

    def _values(self, parsers: list[Any], cells: tuple[Any, ...]) -> dict[str, Any]:
        values = {}
        for column, parse, cell in zip(self.columns, parsers, cells, strict=True):
            try:
                values[column] = parse(cell)
            except ValueError as error:
                raise RowError.at(self.name, self._done, f"column {column!r}: {error}") from error
        return values


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError("infinite, which JSON cannot say: use null if it is missing")
        return None if math.isnan(value) else value
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value


def _text(value: Any) -> Any:
    plain = _plain(value)
    return plain if plain is None or isinstance(plain, str) else str(plain)
