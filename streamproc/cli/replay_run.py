"""Replay recorded events through the pipeline in this process."""

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from aiokafka import ConsumerRecord
from pydantic import ValidationError
from rich.console import Console

from streamproc.alerting.operational_alerts import OPERATIONAL
from streamproc.cli.alerts_render import print_alert
from streamproc.cli.outcome_check import OutcomeCheck
from streamproc.cli.progress import Bar
from streamproc.cli.replay_compare import Observed, differences, few
from streamproc.cli.replay_online import ReplayedModels
from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.kafka.log_reader import BoundedLogReader, Partition, handled
from streamproc.monitor import Monitor
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.records import DeadLetter
from streamproc.tabular.table import Progress
from streamproc.terminal import count, note, printable

_Given = tuple[list[AlertEvent], list[DeadLetter]]


@dataclass(frozen=True)
class Comparison:
    """Result of comparing the topics with a replay.

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
    unread
        Partitions that the group has not read, or cannot have read, in a line each.
    outcomes
        The outcomes beside their events and labels.
    """

    wanted: Observed
    found: Observed
    ends: dict[Partition, int]
    waiting: int
    monitor: Monitor
    unread: list[str]
    outcomes: OutcomeCheck

    @cached_property
    def differences(self) -> list[str]:
        """Each difference in a line; none when the topics hold what they should."""
        outcomes = list(self.outcomes.differences())
        return [*self.unread, *differences(self.wanted, self.found), *few("", outcomes)]


async def print_replay(config: Config, model: str, *, as_json: bool) -> None:
    """Print the alerts that the recorded events give."""
    console = Console(highlight=False, soft_wrap=True)
    async with BoundedLogReader(config, _sources(config)) as recording:
        _say_begins(recording)
        async for alerts, _ in _replay(config, Monitor(config), recording):
            for alert in alerts:
                if fnmatchcase(alert.model_id, model):
                    print_alert(alert, console, as_json=as_json)


async def compared(config: Config) -> bool:
    """Compare, print the result, and return whether topics and replay are equal."""
    found = await compare(config)
    if found.waiting:
        note(f"{count(found.waiting, 'record')} not processed by group {config.group} yet: skipped")
    lines = found.differences
    if found.outcomes.outcomes:
        checked = count(found.outcomes.outcomes, "outcome"), count(found.outcomes.labels, "label")
        note(f"{checked[0]} checked against {checked[1]}")
    for line in lines:
        sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.write(
        f"{'different' if lines else 'equal'}: {count(found.monitor.events, 'event')},"
        f" {count(len(found.wanted.alerts), 'alert')},"
        f" {count(len(found.wanted.letters), 'dead letter')};"
        f" {found.found.repeated} repeated\n"
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
    monitor, wanted = Monitor(config), Observed()
    until = await handled(config, sources)
    async with BoundedLogReader(config, sources, until) as recording:
        _say_begins(recording)
        async for alerts, letters in _replay(config, monitor, recording):
            for alert in alerts:
                wanted.alert(alert)
            wanted.dead(letters)
        remaining = await recording.remaining()
    unread = list(_unread(config, until, recording, remaining))
    checked = await _outcomes(config)
    wanted.dead(checked.dead_letters)
    # What was handled had been published before: it is on the topics by now.
    found = await _on_the_topics(config, recording.ends | checked.label_ends)
    waiting = sum(remaining.values())
    return Comparison(*(wanted, found, recording.ends, waiting, monitor), unread, checked)


def _unread(
    config: Config,
    handled: Mapping[Partition, int],
    recording: BoundedLogReader,
    remaining: Mapping[Partition, int],
) -> Iterator[str]:
    """Describe partitions that have records and were not read, and those that went back."""
    for topic, number in sorted(recording.begins):
        done, end = handled.get((topic, number)), recording.log_ends[topic, number]
        records = remaining.get((topic, number), 0)
        if done is None and records:
            yield (
                f"{topic}-{number} has {count(records, 'record')} and group {config.group} has"
                " committed no offset of it: it was not read"
            )
        elif done is not None and done > end:
            yield (
                f"{topic}-{number} ends at offset {end} and group {config.group} has committed"
                f" {done}: the topic was recreated or lost records, and new ones are not read"
            )


async def _outcomes(config: Config) -> OutcomeCheck:
    """Read outcomes first: what they come from was there before them."""
    names = [config.topics.full_name(kind) for kind in ("predictions", "features", "labels")]
    outcomes = config.topics.full_name("outcomes")
    async with BoundedLogReader(config, (outcomes,)) as written:
        begins = dict(written.begins)
        found = [(at, records) async for at, records in written]
    async with BoundedLogReader(config, names) as recording:
        check = OutcomeCheck(config, begins | recording.begins)
        for (topic, number), records in found:
            check.take(topic, number, records)
        # Without outcomes nothing was joined: there is nothing to check.
        if check.any:
            async for (topic, number), records in recording:
                check.take(topic, number, records)
    return check


async def _on_the_topics(config: Config, ends: Mapping[Partition, int]) -> Observed:
    found = Observed(ends)
    names = config.topics
    alerts, letters = names.full_name("alerts"), names.full_name("dead_letters")
    async with BoundedLogReader(config, (alerts, letters)) as written:
        async for (topic, _), records in written:
            for record in records:
                if topic == letters:
                    found.written(record)
                else:
                    _take(found, record)
    return found


async def _replay(
    config: Config, monitor: Monitor, recording: BoundedLogReader
) -> AsyncIterator[_Given]:
    models = ReplayedModels(config)
    with Bar(_Progress(recording), "events") as bar:
        async for (topic, partition), records in recording:
            alerts = monitor.process_records(topic, partition, records)
            alerts += models.alerts(topic, partition, records)
            yield alerts, monitor.dead_letters
            bar.advance(monitor.events)


class _Progress:
    """A recording as a progress bar wants it."""

    name = "replay"

    def __init__(self, recording: BoundedLogReader) -> None:
        self._recording = recording

    def progress(self) -> Progress:
        """Offsets behind us, and in all."""
        return Progress(self._recording.done, self._recording.total)


def _sources(config: Config) -> tuple[str, ...]:
    return tuple(config.topics.full_name(kind.value) for kind in Topic)


def _say_begins(recording: BoundedLogReader) -> None:
    for (topic, partition), begin in recording.begins.items():
        if begin:
            note(
                f"{topic}-{partition} begins at offset {begin}: what workers learned from earlier"
                " records is not known here, and their alerts may differ because of it"
            )


def _take(found: Observed, record: ConsumerRecord) -> None:
    try:
        alert = AlertEvent.from_json(record.value or b"")
    except ValidationError:
        found.odd.append(f"{record.topic}-{record.partition}@{record.offset} is not an alert")
        return
    if alert.detector not in OPERATIONAL:  # no replay can give these
        found.alert(alert)
