"""Look at the first rows of a table before its columns get their parts."""

from collections.abc import Iterator
from typing import Final

from streamproc.cli.column_kinds import ids_among, index_of
from streamproc.cli.columns import Roles
from streamproc.tabular import Row, RowError, Table
from streamproc.terminal import note

SAMPLE: Final = 200


class PeekedRows:
    """The rows of a table, of which the first have been read.

    Parameters
    ----------
    table
        Its rows.
    rows
        Its rows, not read yet.
    at_most
        How many to read. Fewer are read of a pipe into which no more has been written.

    Attributes
    ----------
    sample
        The first rows.
    """

    def __init__(self, table: Table, rows: Iterator[Row], at_most: int = SAMPLE) -> None:
        self.sample: list[Row] = []
        self._rows = rows
        self._error: RowError | None = None
        try:
            while len(self.sample) < at_most and not (self.sample and table.waits()):
                self.sample.append(next(rows))
        except StopIteration:
            pass
        except RowError as error:  # the rows before it come first
            self._error = error

    def __iter__(self) -> Iterator[Row]:
        yield from self.sample
        if self._error is not None:
            raise self._error
        yield from self._rows


def recognise(table: Table, peeked: PeekedRows, roles: Roles) -> Roles:
    """Leave out a nameless index, and note columns that look like ids.

    Returns
    -------
    Roles
        Those to use.
    """
    sample = [row.values for row in peeked.sample]
    index = index_of(sample, table.index)
    if index is not None and index in roles.features and roles.takes_later:
        roles = roles.without(index)
        note(f"column {index!r} has no name and counts rows: it is left out")
    if roles.identity is None and roles.takes_later:
        for column in ids_among(sample, roles.features):
            note(
                f"column {column!r} has another value in each row: if it is an id and not a"
                f" feature, use --id {column}, or choose --features"
            )
    return roles
