"""Run the pipeline without Kafka: events in, alerts out."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import msgspec
from pydantic import BaseModel

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.decode.payloads import WHOLE_RECORD
from streamproc.errors import StreamprocError
from streamproc.join.entry import InputLog
from streamproc.join.in_memory_join import JoinedLog
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.outcomes import OutcomeEvent
from streamproc.schemas.plain_values import plain_value
from streamproc.schemas.records import DeadLetter, Headers, Reason, Record
from streamproc.tabular.data_frame import DataFrame, frame_events, is_frame
from streamproc.tabular.reference import with_references

Event = Mapping[str, Any] | BaseModel
COORDINATES = {"topic", "partition", "offset"}


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record of an in-memory log; `timestamp` is in milliseconds since 1970."""

    offset: int
    value: bytes | None
    timestamp: int = 0
    key: bytes | None = None
    headers: Headers = ()


class _Placed(NamedTuple):
    """An event as JSON, with its coordinates and its index among the given events."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    position: int
    key: bytes
    body: bytes


class UnknownTopicError(StreamprocError):
    """An event's `source` names an unknown topic; correct it or `topics:` in the configuration."""


class UnreadableWarning(UserWarning):
    """Most events of a call could not be decoded; correct their producer."""


class UndatedWarning(UserWarning):
    """Events have a `ts` that is null or before 1970; give the time of each, or none at all."""


class Monitor:
    """Watch every series of every model in a log of events.

    It gives the same alerts as a worker with the same events and configuration.

    Parameters
    ----------
    config
        None for the defaults, the path of a YAML file, a mapping, or a `Config`.
    clock
        Returns `detected_at`, the only field in which the alerts of two runs may differ.

    Attributes
    ----------
    events : int
        Number of events watched so far.
    dead_letters : list of DeadLetter
        Events that the last call of `process` or `process_records` could not decode.

    Raises
    ------
    ConfigError
        If the configuration is invalid; the message names file, line and field.

    Examples
    --------
    >>> import random
    >>> draw = random.Random(1)
    >>> events = [
    ...     {"model_id": "fraud", "ts": 1_700_000_000 + i,
    ...      "features": {"amount": draw.gauss(100 if i < 1000 else 10_000, 9)}}
    ...     for i in range(1200)
    ... ]
    >>> [(alert.series, alert.status) for alert in Monitor().process(events)]
    [('feature:amount', 'firing')]
    """

    def __init__(
        self,
        config: str | Path | Mapping[str, Any] | Config | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.config = with_references(load(config))
        self.events = 0
        self.dead_letters: list[DeadLetter] = []
        self._clock = clock
        names = self.config.topics
        self._names = {kind: names.full_name(kind.value) for kind in Topic}
        self._topics = {name: kind for kind, name in self._names.items()}
        self._shards: dict[tuple[str, int], PartitionMonitor] = {}
        self._joined: list[bytes] = []
        labels = names.full_name("labels")
        self._inputs = {
            self._names[Topic.PREDICTIONS]: InputLog.PREDICTIONS,
            self._names[Topic.FEATURES]: InputLog.FEATURES,
            labels: InputLog.LABELS,
        }
        self._of_input = {log: name for name, log in self._inputs.items()}
        self._outcomes = names.full_name("outcomes")
        self._joins: dict[int, JoinedLog] = {}
        self._replays = False
        self._undated = 0
        self._next: dict[str, int] = dict.fromkeys((*self._inputs, self._outcomes), 0)

    @property
    def outcomes(self) -> list[OutcomeEvent]:
        """The outcomes of the last call of `process`, in log order."""
        return [OutcomeEvent.from_json(body) for body in self._joined]

    @property
    def shards(self) -> Mapping[tuple[str, int], PartitionMonitor]:
        """The state of each partition, by (topic, partition)."""
        return self._shards

    def process(self, events: Iterable[Event] | DataFrame) -> list[AlertEvent]:
        """Process the next events of the log, in log order.

        Parameters
        ----------
        events
            Mappings or event models, or a table of pandas, Polars or Arrow, whose columns
            `model_id`, `event_id`, `ts`, `model_version`, `tags`, `prediction` and `label` are
            those fields and all others features. An event with `outcome_id` is an outcome, with
            `label` a label, with `prediction` a prediction, and any other a feature event; a row of
            a table with a label is an event and its label. NaN is a missing value. With a `source`
            (topic, partition, offset) an event keeps its coordinates and so its alert ids;
            otherwise offsets of each topic count from 0. The default of `ts` is `timestamp`
            (milliseconds) in `source`, else the start of 1970. Labels are joined with the events
            before and after them, until an outcome is given: from then on it is a replay of
            recorded outcomes. A prediction waits for its label for `labels.horizon` of event time,
            and takes some 0.7 kB of memory.

        Returns
        -------
        list of AlertEvent
            Alerts in the order of the events that caused them.

        Raises
        ------
        UnknownTopicError
            If a `source` names an unknown topic.
        RowError
            If a table has no `model_id`, or cannot be read.

        Warns
        -----
        UnreadableWarning
            If most of the events cannot be decoded; `dead_letters` has the reasons.
        UndatedWarning
            If events without a `source` have a `ts` that is null, NaN or negative: these count as
            of the start of 1970, or of before it.
        """
        self._undated = 0
        self.dead_letters = []
        rows = frame_events(events) if is_frame(events) else cast("Iterable[Event]", events)
        placed = list(self._place(rows))
        given = len(placed) + len(self.dead_letters)
        outcomes = self._join(placed)
        self._joined = [outcome.body for outcome in outcomes]
        watched = self._topics.keys() - {self._outcomes}
        placed = [*(event for event in placed if event.topic in watched), *outcomes]
        found: list[tuple[int, AlertEvent]] = []
        placed.sort(key=lambda event: event[:2])  # by partition; stable, so in log order
        for (topic, partition), of_partition in groupby(placed, key=lambda event: event[:2]):
            found += self._watch(topic, partition, list(of_partition))
        found.sort(key=lambda alert: alert[0])
        self._warn(given)
        if self._undated:
            warnings.warn(
                f"`ts` of {self._undated} of {given} events is null, NaN or negative: they count as"
                " of 1970 or before; give the time of each event, or leave out `ts`",
                UndatedWarning,
                stacklevel=2,
            )
        return [alert for _, alert in found]

    def _warn(self, events: int) -> None:
        """Warn if most events of a call could not be decoded."""
        lost = len(self.dead_letters)
        if lost and 2 * lost > events:
            reasons = Counter(f"{each.reason.value}: {each.detail}" for each in self.dead_letters)
            [(reason, _)] = reasons.most_common(1)
            warnings.warn(
                f"{lost} of {events} events could not be decoded, most often because of {reason};"
                " see Monitor.dead_letters",
                UnreadableWarning,
                stacklevel=3,
            )

    def process_records(
        self, topic: str, partition: int, records: Sequence[Record]
    ) -> list[AlertEvent]:
        """Process the next raw records of a partition; undecodable ones are dead letters.

        Parameters
        ----------
        topic, partition
            Their coordinates.
        records
            Records in the order of their offsets.

        Returns
        -------
        list of AlertEvent
            Alerts in the order of the events that caused them.

        Raises
        ------
        UnknownTopicError
            If the topic is unknown, or is that of the labels, which only `process` takes.
        """
        if topic not in self._topics:
            what = f"a record of partition {partition}"
            if topic in self._inputs:  # labels
                raise UnknownTopicError(
                    f"{what} is from topic {topic!r}, whose records are joined with events before"
                    " they are watched: give labels to `process`, or records of the outcomes here"
                )
            raise self._unknown(what, topic)
        outcome = self._shard(topic, partition).process(records, self._clock())
        self.events += outcome.events
        self.dead_letters = outcome.dead_letters
        return outcome.alerts

    def _place(self, events: Iterable[Event]) -> Iterator[_Placed]:
        for position, event in enumerate(events):
            fields = _fields(event)
            if "ts" in fields and "source" not in fields:
                self._undated += _is_undated(fields["ts"])
            at = self._coordinates(fields, position)
            body = self._body(fields, at)
            if body is not None:
                key = str(fields.get("model_id")).encode()
                yield _Placed(*at, position, key, body)

    def _coordinates(self, fields: dict[str, Any], position: int) -> tuple[str, int, int, int]:
        source = fields.pop("source", None)
        if not isinstance(source, Mapping) or not source.keys() >= COORDINATES:
            topic = self._kind(fields)
            offset = self._next[topic]
            self._next[topic] += 1
            return topic, 0, offset, 0
        if source["topic"] not in self._next:
            raise self._unknown(f"event {position}", source["topic"])
        timestamp = int(source.get("timestamp", 0))
        return source["topic"], source["partition"], source["offset"], timestamp

    def _kind(self, fields: dict[str, Any]) -> str:
        """Return the name of an event's topic."""
        if "outcome_id" in fields:
            return self._outcomes
        for log, name in ((InputLog.LABELS, "label"), (InputLog.PREDICTIONS, "prediction")):
            if name in fields:
                return self._of_input[log]
        return self._of_input[InputLog.FEATURES]

    def _join(self, placed: list[_Placed]) -> list[_Placed]:
        """Join labels into outcomes; in a replay, return the recorded outcomes."""
        given = [event for event in placed if event.topic == self._outcomes]
        self._replays = self._replays or bool(given)
        if self._replays:
            return given
        joined: list[_Placed] = []
        by_partition = sorted(placed, key=lambda event: event.partition)  # stable
        for partition, group in groupby(by_partition, key=lambda event: event.partition):
            joined += self._join_partition(partition, list(group))
        return joined

    def _join_partition(self, partition: int, placed: list[_Placed]) -> Iterator[_Placed]:
        log = self._joins.get(partition)
        if log is None:
            log = self._joins[partition] = JoinedLog(self.config, partition, self._asks)
        records, positions = _records(placed)
        outcomes, dead_letters = log.process(
            [(self._inputs[topic], record) for topic, record in records]
        )
        self.dead_letters += dead_letters
        for made in outcomes:
            position, timestamp = positions[made.position], records[made.position][1].timestamp
            at = self._outcomes, partition, made.offset, timestamp
            yield _Placed(*at, position, made.key, made.value)

    def _asks(self, model_id: str) -> bool:
        """Whether a model has an online model, which predicts its events."""
        return getattr(self.config.model(model_id), "online", None) is not None

    def _unknown(self, what: str, topic: object) -> UnknownTopicError:
        return UnknownTopicError(
            f"{what} is from unknown topic {topic!r}; known: {', '.join(self._next)} (see `topics:`"
            " in the configuration)"
        )

    def _shard(self, topic: str, partition: int) -> PartitionMonitor:
        shard = self._shards.get((topic, partition))
        if shard is None:
            kind = self._topics[topic]
            capacity = self.config.series_limit(kind.value)
            shard = PartitionMonitor(kind, topic, partition, self.config, capacity)
            self._shards[topic, partition] = shard
        return shard

    def _body(self, fields: dict[str, Any], at: tuple[str, int, int, int]) -> bytes | None:
        try:
            return _ENCODE(fields)
        except TypeError as error:
            self.dead_letters.append(
                DeadLetter(Reason.WRONG_TYPE, str(error), *at, WHOLE_RECORD, None, None, ())
            )
            return None

    def _watch(
        self, topic: str, partition: int, placed: list[_Placed]
    ) -> Iterator[tuple[int, AlertEvent]]:
        shard = self._shard(topic, partition)
        of_topic, positions = _records(placed)
        records: list[Record] = [record for _, record in of_topic]
        outcome = shard.process(records, self._clock())
        self.events += outcome.events
        self.dead_letters += outcome.dead_letters
        for position, alert in zip(outcome.positions, outcome.alerts, strict=True):
            yield positions[position], alert


def _records(placed: list[_Placed]) -> tuple[list[tuple[str, LogRecord]], list[int]]:
    """Rebuild records from events with equal coordinates; return their positions, too."""
    records: list[tuple[str, LogRecord]] = []
    positions: list[int] = []
    for (topic, _, offset), group in groupby(placed, key=lambda event: event[:3]):
        of_record = list(group)
        bodies = [event.body for event in of_record]
        value = bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"
        first = of_record[0]
        records.append((topic, LogRecord(offset, value, first.timestamp, first.key)))
        positions.append(first.position)
    return records, positions


def _fields(event: Event) -> dict[str, Any]:
    if isinstance(event, BaseModel):
        return event.model_dump(mode="json", exclude_unset=True)
    return dict(event)


def _is_undated(ts: object) -> bool:
    if isinstance(ts, int | float):
        return not ts >= 0  # NaN, too
    return ts is None


def _plain(value: Any) -> Any:
    """Convert a value that JSON does not have."""
    converted = plain_value(value)
    if converted is value:
        msg = f"{type(value).__name__} is not a JSON value"
        raise TypeError(msg)
    return converted


_ENCODE: Final = msgspec.json.Encoder(enc_hook=_plain, decimal_format="number").encode
