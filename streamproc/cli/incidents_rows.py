"""Print the events around the change of an incident."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from streamproc.cli.event_rows import EventRow, rows_around
from streamproc.cli.tables import new_table, print_table, terminal
from streamproc.client.incidents import open_incidents
from streamproc.config.config import Config
from streamproc.kafka.log_reader import BoundedLogReader
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.incidents import IncidentState, Member
from streamproc.schemas.segment_series import in_segment
from streamproc.terminal import count, note, printable

# Columns besides that of the changed feature; --json has all fields.
_FIELDS: Final = ("prediction", "label", "model_version")
_FEATURE: Final = ("feature:", "quality:")


class Change(NamedTuple):
    """Where a series changed: topic, partition, offset, and whether the offset is estimated."""

    place: tuple[str, int, int]
    dated: bool


async def print_rows(
    config: Config, text: str, model: str | None, number: int, *, as_json: bool
) -> None:
    """Print events of a member of an incident before and after its change.

    Raises
    ------
    UnknownIncidentError
        If there is no such incident.
    TopicError
        If the events have been deleted.
    typer.BadParameter
        If the incident has no such member.
    """
    with quiet_client():
        async with open_incidents(config) as topic:
            incident = topic.find(text)
        member = member_of(incident, model)
        change = await change_of(config, member)
        about = member.model_id, number, member.series[0].segment
        before, after = await rows_around(config, change.place, *about)
    if not change.dated:
        note("no alert says when the change began: these are the events around the last alert")
    if as_json:
        for side, rows in (("before", before), ("after", after)):
            sys.stdout.writelines(_line(side, row) for row in rows)
        return
    first = member.series[0]
    series, where = first.series, in_segment(first.segment)
    console = terminal()
    name, partition, offset = change.place
    head = (
        f"model {member.model_id}, {series}{where}: {count(len(before), 'event')} before and"
        f" {len(after)} from {name}-{partition}@{offset} on"
    )
    console.print(Text(printable(head)))
    print_table(_table(series, before, after), console=console)


def member_of(incident: IncidentState, model: str | None) -> Member:
    """Return the member of an incident that is a model; None: its first one.

    Raises
    ------
    typer.BadParameter
        If the incident has no such member.
    """
    if model is None:
        return incident.members[0]
    for member in incident.members:
        if member.model_id == model:
            return member
    names = ", ".join(member.model_id for member in incident.members[:10])
    raise typer.BadParameter(
        f"{model!r} is not a member of this incident; its first ones are {names}",
        param_hint="--model",
    )


async def change_of(config: Config, member: Member) -> Change:
    """Return where the first series of a member changed, by its first alert."""
    series = member.series[0]
    name, source = config.topics.full_name("alerts"), series.source
    wanted = member.incident_id.encode()
    async with BoundedLogReader(config, (name,)) as alerts:
        async for _, records in alerts:
            for record in records:
                if wanted not in (record.value or b""):
                    continue
                alert = _alert(record.value)
                if (
                    alert is not None
                    and alert.incident_id == member.incident_id
                    and (alert.series, alert.segment) == (series.series, series.segment)
                    and alert.change_point is not None
                ):
                    first = alert.source
                    at = alert.change_point.offset
                    return Change((first.topic, first.partition, at), dated=True)
    return Change((source.topic, source.partition, source.offset), dated=False)


def _alert(value: bytes) -> AlertEvent | None:
    try:
        return AlertEvent.from_json(value)
    except ValidationError:
        return None


def _line(side: str, row: EventRow) -> str:
    named: dict[str, Any] = {"side": side, "offset": row.offset, "ts": row.ts}
    return msgspec.json.encode(named | {"event_id": row.event_id} | row.fields).decode() + "\n"


def _table(series: str, before: Sequence[EventRow], after: Sequence[EventRow]) -> Table:
    """Return the rows with the changed feature and what the model predicted."""
    rows = [*before, *after]
    feature = next(
        (series.removeprefix(part) for part in _FEATURE if series.startswith(part)), None
    )
    fields = [name for name in _FIELDS if any(row.fields.get(name) is not None for row in rows)]
    named = [] if feature is None else [feature]
    table = new_table(*map(printable, ("offset", "ts", "event_id", *named, *fields)))
    for row in rows:
        if row is (after[0] if after else None):
            table.add_row("-- change", *[""] * (len(table.columns) - 1))
        table.add_row(*(Text(printable(cell)) for cell in _cells(row, named, fields)))
    return table


def _cells(row: EventRow, named: Sequence[str], fields: Sequence[str]) -> Iterator[str]:
    yield from (str(row.offset), row.ts, row.event_id or "-")
    features = row.fields.get("features") or {}
    yield from (_text(features.get(name)) for name in named)
    yield from (_text(row.fields.get(name)) for name in fields)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.7g}"  # --json has all digits
    return "-" if value is None else str(value)
