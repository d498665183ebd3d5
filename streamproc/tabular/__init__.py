"""Read rows of csv, jsonl or parquet files, typed value by value."""

from streamproc.tabular.errors import RowError
from streamproc.tabular.source import open_table
from streamproc.tabular.table import Row, Table, Value

__all__ = ["Row", "RowError", "Table", "Value", "open_table"]
