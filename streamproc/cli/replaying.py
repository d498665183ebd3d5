"""Recorded events through the pipeline, in this process: what workers should have said."""

import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from aiokafka import ConsumerRecord
from pydantic import ValidationError
from rich.console import Console

from streamproc.cli.alerting import print_alert
from streamproc.cli.comparison import Said, differences
from streamproc.cli.output import count, note, printable
from streamproc.cli.progress import Bar
from streamproc.contract.alerts import AlertEvent
from streamproc.contract.config import Config
from streamproc.core.record import DeadLetter
from streamproc.core.shape import Topic
from streamproc.monitor import Monitor
from streamproc.rows.table import Progress
from streamproc.transport.recording import Partition, Recording, handled

_Given = tuple[list[AlertEvent], list[DeadLetter]]


@dataclass(frozen=True)
class Comparison:
    """What came of comparing the topics with a replay.

    Parameters
    ----------
    wanted, found
        What the topics should hold, and what they hold.
    ends
        Offset before which the records of each partition were compared.
    waiting
        Records that the group has not handled yet, and that were left out.
    monitor
        The pipeline with the state that it ended in.
    """

    wanted: Said
    found: Said
    ends: dict[Partition, int]
    waiting: int
    monitor: Monitor

    @property
    def differences(self) -> list[str]:
        """Each difference in a line; none when the topics hold what they should."""
        return list(differences(self.wanted, self.found))


async def print_replay(config: Config, model: str, *, as_json: bool) -> None:
    """Print the alerts that the recorded events give."""
    console = Console(highlight=False, soft_wrap=True)
    async with Recording(config, _sources(config)) as recording:
        _say_begins(recording)
        async for alerts, _ in _replay(Monitor(config), recording):
            for alert in alerts:
                if fnmatchcase(alert.model_id, model):
                    print_alert(alert, console, as_json=as_json)


async def compared(config: Config) -> bool:
    """Compare, print what came of it, and return whether all is as it should be."""
    found = await compare(config)
    if found.waiting:
        note(f"{count(found.waiting, 'record')} not handled by group {config.group} yet: left out")
    lines = found.differences
    for line in lines:
        sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.write(
        f"{'different' if lines else 'equal'}: {count(found.monitor.events, 'event')},"
        f" {count(len(found.wanted.alerts), 'alert')},"
        f" {count(len(found.wanted.letters), 'dead letter')};"
        f" {found.found.repeated} said again\n"
    )
    return not lines


async def compare(config: Config) -> Comparison:
    """Compare the topics of alerts and dead letters with a replay of what the group has handled.

    Raises
    ------
    BrokerError
        If the topics cannot be read.
    """
    sources = _sources(config)
    monitor, wanted = Monitor(config), Said()
    async with Recording(config, sources, await handled(config, sources)) as recording:
        _say_begins(recording)
        async for alerts, letters in _replay(monitor, recording):
            for alert in alerts:
                wanted.alert(alert)
            wanted.dead(letters)
    # What was handled had been published before: it is on the topics by now.
    found = await _on_the_topics(config, recording.ends)
    return Comparison(wanted, found, recording.ends, recording.left_out, monitor)


async def _on_the_topics(config: Config, ends: Mapping[Partition, int]) -> Said:
    found = Said(ends)
    names = config.topics
    alerts, letters = names.full_name("alerts"), names.full_name("dead_letters")
    async with Recording(config, (alerts, letters)) as written:
        async for (topic, _), records in written:
            for record in records:
                if topic == letters:
                    found.written(record)
                else:
                    _take(found, record)
    return found


async def _replay(monitor: Monitor, recording: Recording) -> AsyncIterator[_Given]:
    with Bar(_Progress(recording), "events") as bar:
        async for (topic, partition), records in recording:
            alerts = monitor.process_records(topic, partition, records)
            yield alerts, monitor.dead_letters
            bar.advance(monitor.events)


class _Progress:
    """A recording as a progress bar wants it."""

    name = "replay"

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def progress(self) -> Progress:
        """Offsets behind us, and in all."""
        return Progress(self._recording.done, self._recording.total)


def _sources(config: Config) -> tuple[str, ...]:
    return tuple(config.topics.full_name(kind.value) for kind in Topic)


def _say_begins(recording: Recording) -> None:
    for (topic, partition), begin in recording.begins.items():
        if begin:
            note(
                f"{topic}-{partition} begins at offset {begin}: what workers learned from earlier"
                " records is not known here, and their alerts may differ because of it"
            )


def _take(found: Said, record: ConsumerRecord) -> None:
    try:
        found.alert(AlertEvent.from_json(record.value or b""))
    except ValidationError:
        found.odd.append(f"{record.topic}-{record.partition}@{record.offset} is no alert")
