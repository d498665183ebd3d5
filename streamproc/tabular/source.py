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

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    **dict.fromkeys((".xlsx", ".xls", ".xlsb", ".ods"), "sheet"),
}
# Package, extra, module and class of formats that need an optional package.
_EXTRAS = {
    "parquet": ("pyarrow", "parquet", "parquet_table", "ParquetTable"),
    "sheet": ("python_calamine", "xlsx", "sheet_table", "SheetTable"),
}


@contextmanager
def open_table(path: Path, form: FileFormat = DEFAULT) -> Iterator[Table]:
    """Open a csv, jsonl, parquet or spreadsheet file, packed or not, or ``-`` for standard input.

    Parameters
    ----------
    path
        The file. Its suffix says what it is; a file without a known suffix, and standard input,
        are known by their first bytes: ``PAR1`` is parquet, ``PK`` a spreadsheet, ``{``
        jsonl, the rest csv.
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
    package, extra, module, reader = _EXTRAS[kind]
    if find_spec(package) is None:
        raise RowError(
            f"{stream.name} is {extra}, which needs {package}: pip install 'streamproc[{extra}]'"
        )
    # Loading pyarrow takes a quarter of a second, which only those who need it should pay.
    table: Table = getattr(import_module(f"streamproc.tabular.{module}"), reader)(stream, form)
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
    if start.startswith(b"PK\x03\x04"):
        return "sheet"
    return "jsonl" if start.startswith(b"{") else "csv"
