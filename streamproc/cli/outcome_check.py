"""Check recorded outcomes against their source events and labels."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from streamproc.config.config import Config
from streamproc.join.decode import JoinInput, decode
from streamproc.join.encode import value
from streamproc.join.entry import InputLog, key_of
from streamproc.performance.outcome_log import OutcomeLog, OutcomeRow
from streamproc.schemas.records import DeadLetter, Record

Partition = tuple[str, int]
Found = tuple[int, bytes]
"""Number of a partition, and the key of a model's event."""

_SETTLED: Final = frozenset({"labelled", "revised", "late"})


class _Event(NamedTuple):
    log: InputLog
    offset: int
    time: float


class _Label(NamedTuple):
    model_id: str
    event_id: str
    offset: int
    time: float
    encoded: bytes


class OutcomeCheck:
    """Checks that outcomes, labels and events match each other.

    The order in which a join read its topics is not recorded, so this does not repeat the join: it
    finds outcomes without their label or event, outcomes that count twice, and labels without an
    outcome although they and their event were joined. Dead letters of labels are for the caller to
    compare.

    Parameters
    ----------
    config
        The whole configuration.
    begins
        First offset that is still there, by partition; what came before cannot be checked.

    Attributes
    ----------
    outcomes, labels
        How many of them were checked.
    """

    def __init__(self, config: Config, begins: Mapping[Partition, int]) -> None:
        topics = config.topics
        self._config = config
        self._begins = begins
        self._names = (
            topics.full_name("predictions"),
            topics.full_name("features"),
            topics.full_name("labels"),
        )
        self._topic = topics.full_name("outcomes")
        self._horizon = config.labels.horizon.total_seconds()
        self._logs: dict[int, OutcomeLog] = {}
        self._rows: list[tuple[int, int, OutcomeRow]] = []
        self._events: dict[Found, _Event] = {}
        self._labels: dict[Found, list[_Label]] = {}
        self._letters: list[DeadLetter] = []
        self.outcomes = 0
        self.labels = 0

    def take(self, topic: str, partition: int, records: Sequence[Record]) -> None:
        """Take the next records of a partition of one of the four topics."""
        if topic == self._topic:
            log = self._logs.setdefault(partition, OutcomeLog())
            for counted in log.read(records):
                if isinstance(counted.row, OutcomeRow):
                    self._rows.append((partition, counted.offset, counted.row))
            return
        name = InputLog(self._names.index(topic))
        found = decode(
            [(name, record) for record in records], self._config, self._names, partition, _no_tags
        )
        self._letters += found.dead_letters
        for item in found.items:
            if item.key:
                self._input(partition, item)

    @property
    def any(self) -> bool:
        """Whether there is an outcome."""
        return bool(self._rows)

    @property
    def joined(self) -> dict[Partition, int]:
        """By partition, the offset after the last record that an outcome comes from."""
        ends: dict[Partition, int] = {}
        for partition, _, row in self._rows:
            if row.status == "coverage":
                continue
            for source in (row.label_source, row.event_source):
                if source is not None:
                    place = source.topic, partition
                    ends[place] = max(ends.get(place, 0), source.offset + 1)
        return ends

    @property
    def label_ends(self) -> dict[Partition, int]:
        """By partition of the labels, the offset after the last one that an outcome comes from."""
        labels = self._names[InputLog.LABELS]
        return {place: end for place, end in self.joined.items() if place[0] == labels}

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """Dead letters of the labels before `label_ends`."""
        ends = self.label_ends
        return [
            each
            for each in self._letters
            if each.offset < ends.get((each.topic, each.partition), 0)
        ]

    def differences(self) -> Iterator[str]:
        """Describe, in a line each, what does not fit."""
        settled: set[tuple[Found, bytes]] = set()
        seen: set[str] = set()
        for partition, offset, row in self._rows:
            if row.status == "coverage":
                continue
            self.outcomes += 1
            where = _outcome(self._topic, partition, offset, row)
            if row.outcome_id in seen:
                yield f"{where} counts twice"
            seen.add(row.outcome_id)
            key = partition, key_of(row.model_id, row.event_id or "")
            if row.status in _SETTLED or (row.status == "asked" and row.event_id is not None):
                yield from self._without_event(key, where, row)
            if row.status != "asked":
                settled.add((key, value(row.label)))
                yield from self._without_label(key, where, row)
        yield from self._without_outcome(settled)

    def _input(self, partition: int, item: JoinInput) -> None:
        key = partition, item.key
        if item.log is InputLog.LABELS:
            self.labels += 1
            label = _Label(item.model_id, item.event_id or "", item.offset, item.time, item.content)
            self._labels.setdefault(key, []).append(label)
        else:
            self._events.setdefault(key, _Event(item.log, item.offset, item.time))

    def _removed(self, topic: str, partition: int, offset: int) -> bool:
        """Whether retention has removed a record."""
        return offset < self._begins.get((topic, partition), 0)

    def _without_event(self, key: Found, where: str, row: OutcomeRow) -> Iterator[str]:
        source = row.event_source
        if source is None or self._removed(source.topic, source.partition, source.offset):
            return
        if key not in self._events:
            place = f"{source.topic}-{source.partition}@{source.offset}"
            yield f"no event explains {where}: {place} has no such event"

    def _without_label(self, key: Found, where: str, row: OutcomeRow) -> Iterator[str]:
        source = row.label_source
        if source is None or self._removed(source.topic, source.partition, source.offset):
            return
        encoded = value(row.label)
        labels = self._labels.get(key, ())
        if not any(each.offset == source.offset and each.encoded == encoded for each in labels):
            place = f"{source.topic}-{source.partition}@{source.offset}"
            yield f"no label explains {where}: {place} has no such label"

    def _without_outcome(self, settled: set[tuple[Found, bytes]]) -> Iterator[str]:
        """Find labels that were joined, as later ones were, and that no outcome has."""
        topic, joined = self._names[InputLog.LABELS], self.joined
        for key, labels in self._labels.items():
            event = self._events.get(key)
            partition = key[0]
            if event is None or self._begins.get((self._topic, partition), 0):
                continue
            if event.offset >= joined.get((self._names[event.log], partition), 0):
                continue
            for label in labels:
                if label.offset >= joined.get((topic, partition), 0):
                    break
                in_time = abs(label.time - event.time) <= self._horizon
                if in_time and (key, label.encoded) not in settled:
                    yield (
                        f"the outcome of label {topic}-{partition}@{label.offset} of model"
                        f" {label.model_id!r}, event {label.event_id!r}, is missing"
                    )


def _no_tags(_: str) -> tuple[str, ...]:
    return ()


def _outcome(topic: str, partition: int, offset: int, row: OutcomeRow) -> str:
    return (
        f"outcome {row.outcome_id}, {row.status}, of model {row.model_id!r}, event"
        f" {row.event_id!r}, {topic}-{partition}@{offset}"
    )
