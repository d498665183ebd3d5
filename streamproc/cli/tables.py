"""Print tables for a person, on terminals of any width."""

import sys
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streamproc.terminal import note

_INDENT: Final = (0, 0, 0, 2)
_GAP: Final = 3  # between columns
_WORDS: Final = 30  # a column of texts may be folded to this; ids and times are shorter


def new_table(*columns: str) -> Table:
    """Return an empty table as all commands have it."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def terminal() -> Console:
    """Return where people read, or what else standard output is."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 140)


def print_table(table: Table, empty: str = "", *, console: Console | None = None) -> None:
    """Print a table; one that is wider than the terminal as a paragraph for each row.

    A table with too narrow columns breaks ids and times, which nobody can copy then.

    Parameters
    ----------
    table
        The table.
    empty
        Printed to standard error instead of a table without rows.
    console
        The terminal; default: `terminal()`.
    """
    console = console or terminal()
    if empty and not table.row_count:
        note(empty)
        return
    if not console.is_terminal or _width(table) <= console.width:
        console.print(table)
        return
    names = [str(column.header) for column in table.columns]
    for row in zip(*(column.cells for column in table.columns), strict=True):
        first, *others = (_text(cell) for cell in row)
        console.print(first)
        named = zip(names[1:], others, strict=True)
        parts = [Text.assemble((name, "dim"), " ", cell) for name, cell in named if cell]
        if parts:
            console.print(Padding(Text(", ").join(parts), _INDENT), soft_wrap=False)


def _width(table: Table) -> int:
    """Return the width at which no id is broken."""
    columns = ([str(column.header), *column.cells] for column in table.columns)
    return sum(_GAP + min(max(_text(cell).cell_len for cell in each), _WORDS) for each in columns)


def _text(cell: object) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))
