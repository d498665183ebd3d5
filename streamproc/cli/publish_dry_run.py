"""Print what the columns of a file would be taken for, and publish nothing."""

import sys
from collections.abc import Iterable
from typing import Any

from streamproc.cli.columns import Roles
from streamproc.cli.peeked_rows import PeekedRows
from streamproc.cli.publish_summary import summary
from streamproc.cli.row_events import RowReader
from streamproc.client.records import to_record
from streamproc.schemas.events import EventError
from streamproc.tabular import Table
from streamproc.terminal import count, printable

ROWS = 1000
_EXAMPLES = 3
_WIDTH = 24


def dry_run(
    table: Table, peeked: PeekedRows, roles: Roles, reader: RowReader, bad: list[str]
) -> None:
    """Print each column with its part, the kind of its values and examples.

    Parameters
    ----------
    table
        The file.
    peeked
        Its first rows.
    roles
        The parts of the columns.
    reader
        Makes the events.
    bad
        Reasons of rows that could not be read.
    """
    events = 0
    for row in reader.events(peeked.sample, lambda _line, reason, _row: bad.append(reason)):
        events += 1
        for event in row.events:
            _try(table, row.line, event, bad)
    lines = [("COLUMN", "TAKEN AS", "KIND", "EXAMPLES")]
    lines += [_line(column, roles, reader, peeked) for column in reader.kinds.columns]
    _print_table(lines)
    sys.stdout.write(f"{printable(table.name)}: {count(events, 'row')} read, none sent")
    sys.stdout.write(f"; {count(len(bad), 'row')} cannot be read\n" if bad else "\n")
    for reason in bad[:_EXAMPLES]:
        sys.stdout.write(f"  {printable(reason)}\n")
    sys.stdout.write(f"{printable(summary(reader, roles))}\n")


def _try(table: Table, line: int, event: dict[str, Any], bad: list[str]) -> None:
    try:
        to_record(event)
    except EventError as error:
        bad.append(f"{table.name}:{line}: {error}")


def _line(
    column: str, roles: Roles, reader: RowReader, peeked: PeekedRows
) -> tuple[str, str, str, str]:
    values = [row.values.get(column) for row in peeked.sample]
    shown = dict.fromkeys(_short(value) for value in values if value is not None)
    return column, _part(column, roles), reader.kinds.kind(column), ", ".join([*shown][:_EXAMPLES])


def _part(column: str, roles: Roles) -> str:
    parts = {roles.prediction: "prediction", roles.label: "label", roles.ts: "ts"}
    parts |= {roles.identity: "event_id"}
    if column in parts:
        return parts[column]
    is_feature = column in roles.features or (roles.takes_later and column not in roles.named)
    return "feature" if is_feature else "left out"


def _short(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _print_table(lines: Iterable[tuple[str, ...]]) -> None:
    rows = [[printable(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
