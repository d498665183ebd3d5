"""Rows of a csv, jsonl or parquet file, or of standard input, typed value by value."""

from streamproc.cli.rows.errors import RowError
from streamproc.cli.rows.source import open_table
from streamproc.cli.rows.table import Row, Table, Value

__all__ = ["Row", "RowError", "Table", "Value", "open_table"]
