"""Select the reader for a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from streamproc.tabular.csv_table import CsvTable
from streamproc.tabular.errors import RowError
from streamproc.tabular.file_format import DEFAULT, FileFormat
from streamproc.tabular.json_table import JsonTable
from streamproc.tabular.stream import Stream
from streamproc.tabular.table import Table

_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


@contextmanager
def open_table(path: Path, form: FileFormat = DEFAULT) -> Iterator[Table]:
    """Open a csv, jsonl or parquet file, packed with gzip or not, or ``-`` for standard input.

    Parameters
    ----------
    path
        The file. Its suffix says what it is; a file without a known suffix, and standard input,
        are known by their first bytes: ``PAR1`` is parquet, ``{`` is jsonl, the rest is csv.
    form
        How it is written.

    Yields
    ------
    Table
        Its columns are known, its rows not yet read.

    Raises
    ------
    RowError
        When the file cannot be read, is empty, or needs a package that is not installed.
    """
    stream = Stream(path)
    try:
        yield _table(path, stream, form)
    finally:
        stream.close()


def _table(path: Path, stream: Stream, form: FileFormat) -> Table:
    kind = _kind(path, stream)
    if kind == "jsonl":
        return JsonTable(stream, form)
    if kind == "csv":
        return CsvTable(stream, form)
    if find_spec("pyarrow") is None:
        raise RowError(
            f"{stream.name} is parquet, which needs pyarrow: pip install 'streamproc[parquet]'"
        )
    # Loading pyarrow takes a quarter of a second, which only those who need it should pay.
    table: Table = import_module("streamproc.tabular.parquet_table").ParquetTable(stream, form)
    return table


def _kind(path: Path, stream: Stream) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    known = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if known:
        return known
    start = stream.start()
    if start.startswith(b"["):
        raise RowError(f"{stream.name} is a JSON array: write one object a line (jsonl)")
    if start.startswith(b"PAR1"):
        return "parquet"
    return "jsonl" if start.startswith(b"{") else "csv"
