"""Write rows to a csv, jsonl or parquet file."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

from streamproc.tabular.errors import RowError
from streamproc.tabular.written_columns import Column, RowWriter, text_of


class CsvRows:
    """Write a csv file with a header; missing values are empty."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file)
        self._names: list[str] = []

    def begin(self, columns: Sequence[Column]) -> None:
        """Write the header."""
        self._names = [column.name for column in columns]
        self._writer.writerow(self._names)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row."""
        values = (row.get(name) for name in self._names)
        self._writer.writerow("" if value is None else text_of(value) for value in values)

    def close(self) -> None:
        """Do nothing: each row has been written."""


class JsonRows:
    """Write an object a line, without what is missing."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def begin(self, columns: Sequence[Column]) -> None:
        """Do nothing: objects name their columns."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row."""
        present = {name: value for name, value in row.items() if value is not None}
        self._file.write(json.dumps(present, ensure_ascii=False, default=text_of) + "\n")

    def close(self) -> None:
        """Do nothing: each row has been written."""


FORMATS: Final = (".parquet", ".csv", ".jsonl")
"""Endings of files that can be written."""


@contextmanager
def open_rows(path: Path) -> Iterator[RowWriter]:
    """Open a file of one of `FORMATS`, which is there only after all rows have been written.

    Raises
    ------
    RowError
        If it cannot be created or written.
    MissingExtraError
        If pyarrow is not installed, for parquet.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with _opened(part, path.suffix) as writer:
            yield writer
            writer.close()
        part.replace(path)
    except OSError as error:
        raise RowError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _opened(part: Path, suffix: str) -> Iterator[RowWriter]:
    if suffix == ".parquet":
        from streamproc.tabular.parquet_rows import ParquetRows  # noqa: PLC0415  an extra

        with part.open("wb") as binary:
            yield ParquetRows(binary)
        return
    with part.open("w", encoding="utf-8", newline="") as text:
        yield CsvRows(text) if suffix == ".csv" else JsonRows(text)
