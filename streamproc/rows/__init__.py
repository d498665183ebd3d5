"""Rows of a csv, jsonl or parquet file, or of standard input, typed value by value."""

from streamproc.rows.errors import RowError
from streamproc.rows.source import open_table
from streamproc.rows.table import Row, Table, Value

__all__ = ["Row", "RowError", "Table", "Value", "open_table"]
