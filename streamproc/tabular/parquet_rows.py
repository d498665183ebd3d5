"""Write rows to a parquet file."""

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from streamproc.tabular.written_columns import Column, text_of

_BATCH: Final = 4096  # rows: a few MB of Python values at a hundred columns
_TYPES: Final = {
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "list": pa.list_(pa.float64()),
    "text": pa.string(),
}


class ParquetRows:
    """Write row groups of some thousand rows; missing values are null.

    Parameters
    ----------
    file
        Opened for writing.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._columns: Sequence[Column] = ()
        self._rows: list[Mapping[str, Any]] = []
        self._writer: pq.ParquetWriter | None = None

    def begin(self, columns: Sequence[Column]) -> None:
        """Write the schema."""
        self._columns = columns
        schema = pa.schema([(column.name, _TYPES[column.kind]) for column in columns])
        self._writer = pq.ParquetWriter(self._file, schema)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row."""
        self._rows.append(row)
        if len(self._rows) >= _BATCH:
            self._flush()

    def close(self) -> None:
        """Write the last rows, and the index of the file."""
        if self._writer is not None:
            self._flush()
            self._writer.close()

    def _flush(self) -> None:
        if self._writer is None or not self._rows:
            return
        arrays = [
            pa.array([_value(column, row) for row in self._rows], _TYPES[column.kind])
            for column in self._columns
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._writer.schema))
        self._rows = []


def _value(column: Column, row: Mapping[str, Any]) -> Any:
    value = row.get(column.name)
    return text_of(value) if column.kind == "text" and value is not None else value
