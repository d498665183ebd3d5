"""Describe the columns of rows that are written, and what writes them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from streamproc.schemas.timestamps import format_timestamp


class Column(NamedTuple):
    """A column, and what its values are.

    Attributes
    ----------
    name
        Its name.
    kind
        `number`, `integer`, `boolean`, `time`, `list` (of numbers) or `text`; texts may also be
        values of different kinds, which are written as JSON.
    """

    name: str
    kind: str


class RowWriter(Protocol):
    """Writes rows."""

    def begin(self, columns: Sequence[Column]) -> None:
        """Begin, with the columns that all rows have."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row; columns that it does not have are missing."""

    def close(self) -> None:
        """Write what is left."""


def kind_of(value: Any) -> str:
    """Return the kind of a value.

    Examples
    --------
    >>> [kind_of(value) for value in (True, 1.5, [0.1], "a")]
    ['boolean', 'number', 'list', 'text']
    """
    kinds = ((bool, "boolean"), ((int, float), "number"), (list, "list"))
    return next((kind for of, kind in kinds if isinstance(value, of)), "text")


def text_of(value: Any) -> str:
    """Return a value as text; others are JSON."""
    if isinstance(value, datetime):
        return format_timestamp(value)
    return value if isinstance(value, str) else json.dumps(value)
