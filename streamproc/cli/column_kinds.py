"""Record what the columns of a file were taken for."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

_NAMES: Final[Mapping[type, str]] = {
    float: "number",
    int: "number",
    bool: "boolean",
    str: "text",
    list: "list",
    dict: "object",
}
_ID_ENDINGS: Final = ("id", "_id", "uuid", "guid", "key")
_ENOUGH: Final = 20  # rows: fewer distinct values do not make an id


class ColumnKinds:
    """The kinds of values of each column.

    Examples
    --------
    >>> kinds = ColumnKinds()
    >>> kinds.add({"x": 1.5, "y": "a"})
    >>> kinds.add({"x": None, "y": 2.0})
    >>> kinds.kind("x"), kinds.kind("y")
    ('number', 'number and text')
    """

    def __init__(self) -> None:
        self._types: dict[str, set[type]] = {}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns so far."""
        return tuple(self._types)

    def add(self, values: Mapping[str, Any]) -> None:
        """Record a row."""
        types = self._types
        for name, value in values.items():
            if name in types:
                types[name].add(value.__class__)
            else:
                types[name] = {value.__class__}

    def kind(self, column: str) -> str:
        """Return the kinds of a column's values."""
        found = self._types.get(column, set())
        names = sorted({_NAMES.get(kind, kind.__name__) for kind in found - {type(None)}})
        return " and ".join(names) or "missing"


def index_of(sample: Sequence[Mapping[str, Any]], column: str | None) -> str | None:
    """Return a nameless column if it is an index: numbers that grow by one."""
    if column is None or len(sample) < 2:
        return None
    values = [value for row in sample if isinstance(value := row.get(column), int | float)]
    grows = all(after - before == 1 for before, after in pairwise(values))
    return column if grows and len(values) == len(sample) else None


def ids_among(sample: Sequence[Mapping[str, Any]], columns: Iterable[str]) -> tuple[str, ...]:
    """Return columns that are called ids and have another value in each row."""
    if len(sample) < _ENOUGH:
        return ()
    return tuple(
        column
        for column in columns
        if column.lower().endswith(_ID_ENDINGS)
        and len({str(row.get(column)) for row in sample}) == len(sample)
    )
