"""Write the labelled events of an incident to a file."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import typer

from streamproc.cli.incidents_rows import change_of, member_of
from streamproc.cli.labelled_rows import LabelledRows, Window
from streamproc.client.incidents import open_incidents
from streamproc.config.config import Config
from streamproc.errors import StreamprocError
from streamproc.kafka.log_reader import BoundedLogReader, Partition
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.performance.outcome_log import OutcomeLog, OutcomeRow
from streamproc.schemas.incidents import Member
from streamproc.tabular.row_writers import FORMATS, open_rows
from streamproc.terminal import count, note

_ALL: Final = 2**62


class NoLabelledEventsError(StreamprocError):
    """An incident has no labelled events to export.

    Its labels have not come yet, are not published to `labels`, or have been deleted with the topic
    `outcomes`: `streamproc inputs` tells how many labels were joined.
    """


async def write_incident(
    config: Config, file: Path, text: str, model: str | None, before: int
) -> None:
    """Write the labelled events of a member of an incident, from its change on.

    Parameters
    ----------
    config
        Brokers, topics and what is redacted.
    file
        The file; its ending says what it is. It is replaced once all rows have been written.
    text
        Id of the incident, or its first letters.
    model
        The member; None: the first one.
    before
        How many of the events before the change are written at most, the last ones.

    Raises
    ------
    typer.BadParameter
        If the file has another ending or cannot be created, or the incident has no such member.
    MissingExtraError
        If the package that writes such files is not installed.
    UnknownIncidentError
        If there is no such incident.
    NoLabelledEventsError
        If there is none to write.
    """
    if file.suffix not in FORMATS:
        raise typer.BadParameter(f"{file.name} ends with none of {', '.join(FORMATS)}")
    with open_rows(file) as writer, quiet_client():
        async with open_incidents(config) as topic:
            incident = topic.find(text)
        member = member_of(incident, model)
        window = await _window(config, member)
        outcomes = config.topics.full_name("outcomes"), window.partition
        rows = LabelledRows(window, outcomes[0], config.redact, before)
        ends: dict[Partition, int] = {outcomes: _ALL}
        async for offset, outcome in _outcomes(config, ends):
            rows.look(offset, outcome)
        if not rows.count:
            raise NoLabelledEventsError(
                f"no labelled event of model {member.model_id!r} is in {outcomes[0]}-{outcomes[1]}"
                f" from the change at {window.topic}-{window.partition}@{window.first} on: have its"
                " labels come?"
            )
        writer.begin(rows.columns)
        async for offset, outcome in _outcomes(config, ends):
            for row in rows.take(offset, outcome):
                writer.add(row)
    after = rows.count - rows.written_before
    note(
        f"{file}: {count(after, 'event')} of model {member.model_id} from"
        f" {window.topic}-{window.partition}@{window.first} on, and {rows.written_before} before"
    )


async def _window(config: Config, member: Member) -> Window:
    """Return where a member's events changed, and where it ended."""
    change = await change_of(config, member)
    topic, partition, first = change.place
    if not change.dated:
        note("no alert says when the change began: these are the events since the last alert")
    ends = [
        each.source.offset
        for each in member.series
        if (each.source.topic, each.source.partition) == (topic, partition)
    ]
    last = None if member.open else max([first, *ends])
    return Window(member.model_id, topic, partition, first, last)


async def _outcomes(
    config: Config, ends: dict[Partition, int]
) -> AsyncIterator[tuple[int, OutcomeRow]]:
    """Iterate over the outcomes of a partition that count, and fix its end on the first time."""
    [(topic, _)] = ends
    log = OutcomeLog(row=OutcomeRow, group=config.group)
    async with BoundedLogReader(config, (topic,), ends) as reader:
        ends.update({place: reader.ends[place] for place in ends})
        async for _, records in reader:
            for accepted in log.read(records):
                if isinstance(accepted.row, OutcomeRow):
                    yield accepted.offset, accepted.row
