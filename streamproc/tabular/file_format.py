"""Describe how a file of rows is written: separators, characters and types of columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from streamproc.tabular.cell_kinds import CellKind, parser_of
from streamproc.tabular.cell_types import Cell, parse_cell


@dataclass(frozen=True)
class FileFormat:
    """How a file is to be read.

    Parameters
    ----------
    delimiter
        Between the cells of csv; None: a comma, or the tab, ``;`` or ``|`` of the header.
    decimal
        The decimal mark of numbers, ``.`` or ``,``.
    encoding
        Of csv and jsonl, as Python calls it.
    types
        Kinds of columns whose texts are not what they look like.
    """

    delimiter: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"
    types: Mapping[str, CellKind] = field(default_factory=dict)

    def parser(self, column: str) -> Callable[[str], Cell]:
        """Return what parses the cells of a column of csv."""
        kind = self.types.get(column)
        if kind is not None:
            return parser_of(kind, self.decimal)
        if self.decimal == ".":
            return parse_cell
        return self._with_comma

    def typed(self, column: str, value: object) -> object:
        """Return a value of another format than csv: its texts are parsed if `types` names it."""
        kind = self.types.get(column)
        if kind is None or value is None:
            return value
        if isinstance(value, str):
            return parser_of(kind, self.decimal)(value)
        return str(value) if kind == "text" and not isinstance(value, bool) else value

    def _with_comma(self, text: str) -> Cell:
        if "." in text:  # not a number here: a version, a date, or with thousands
            return text
        value = parse_cell(text.replace(",", "."))
        return value if not isinstance(value, str) else text


DEFAULT: Final = FileFormat()
