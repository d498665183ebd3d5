"""Run online models over the rows of a file, with a worker's pipeline and without Kafka."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

import msgspec

from streamproc.cli.row_events import Event, RowEvents
from streamproc.config.config import Config
from streamproc.errors import ConfigError
from streamproc.join.entry import InputLog
from streamproc.join.in_memory_join import JoinedLog
from streamproc.monitor import LogRecord
from streamproc.online.features import truth
from streamproc.online.online_model import task_of
from streamproc.online.partition_models import PartitionModels
from streamproc.performance.losses import score
from streamproc.performance.outcome_log import OutcomeRow
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.model_updates import ModelUpdate
from streamproc.schemas.timestamps import parse_timestamp
from streamproc.tabular import RowError

# Where slices end changes nothing; a thousand rows are some milliseconds of a fast model.
_ROWS: Final = 1000
_OUTCOME: Final = msgspec.json.Decoder(OutcomeRow)


class ScoredRow(NamedTuple):
    """An answer that met its label: the row that asked, and what was lost by the answer."""

    row: int
    loss: float


class ReportedEvent(NamedTuple):
    """Something that happened, and the row after which it did."""

    row: int
    what: ModelUpdate | AlertEvent


@dataclass(slots=True)
class TrialResult:
    """Results of a model over the rows.

    Attributes
    ----------
    judged
        The loss of each prediction with a label, in the order of the labels.
    reported
        Steps and alerts in their order, without what was merely learned.
    last
        The last update.
    texts_left_out
        Names of the features that are texts, if the model reads numbers only.
    """

    judged: list[ScoredRow] = field(default_factory=list)
    reported: list[ReportedEvent] = field(default_factory=list)
    last: ModelUpdate | None = None
    texts_left_out: dict[str, None] = field(default_factory=dict)

    def note_texts(self, features: Mapping[str, Any] | None) -> None:
        """Note the features that are texts, which the model does not read."""
        for name, value in (features or {}).items():
            if isinstance(value, str):
                self.texts_left_out[name] = None

    def loss(self, first: int = 0, last: int | None = None) -> float | None:
        """Mean loss of the answers to some rows; None of none.

        It is the share of wrong classes, or the mean absolute error of a regression.
        """
        lost = [loss for row, loss in self.judged if row >= first and (last is None or row < last)]
        return sum(lost) / len(lost) if lost else None


class Trial:
    """Takes rows through join and learners, as a worker with this configuration would.

    Parameters
    ----------
    config
        The whole configuration.
    model_id
        Of all rows.

    Raises
    ------
    ConfigError
        If the configuration has no ``online`` for the model.
    """

    def __init__(self, config: Config, model_id: str) -> None:
        self.course = TrialResult()
        entry = config.model(model_id)
        if entry.online is None:
            raise ConfigError(
                f"models: no entry with `online` matches {model_id!r}; --config names a file with"
                " one"
            )
        self._task = task_of(entry, entry.online)
        self._positive = entry.positive
        self._reads_texts = entry.online.model.texts
        self._topic = config.topics.full_name("outcomes")
        self._log = JoinedLog(config, 0, asks=lambda _: True)
        self._learners = PartitionModels(config, self._topic, 0)
        self._next = dict.fromkeys(InputLog, 0)
        self._answers: dict[str, Any] = {}
        self._asked: dict[str, int] = {}

    def take(self, rows: Sequence[tuple[int, RowEvents]]) -> None:
        """Take rows with their numbers."""
        records: list[tuple[InputLog, LogRecord]] = []
        of_rows: list[int] = []
        for number, row in rows:
            for event in row.events:
                if not self._reads_texts:
                    self.course.note_texts(event.get("features"))
                records.append(self._record(event, number))
                of_rows.append(number)
        joined, _ = self._log.process(records)
        if not joined:
            return
        places = [of_rows[record.position] for record in joined]
        first = joined[0].offset
        log = [LogRecord(each.offset, each.value, 0, each.key) for each in joined]
        learned = self._learners.process(log, datetime.now(UTC))
        for answer in learned.answers:
            self._answers[answer.event_id or ""] = answer.prediction
            self._asked[answer.event_id or ""] = places[answer.source.offset - first]
        self._judge(log)
        steps = [update for update in learned.updates if update.step != "learned"]
        found = [ReportedEvent(places[each.source.offset - first], each) for each in learned.alerts]
        found += [ReportedEvent(places[each.source.offset - first], each) for each in steps]
        self.course.reported += sorted(found, key=lambda reported: reported.row)
        self.course.last = learned.updates[-1] if learned.updates else self.course.last

    def _record(self, event: Event, number: int) -> tuple[InputLog, LogRecord]:
        kind = InputLog.LABELS if "label" in event else InputLog.FEATURES
        if "prediction" in event:
            kind = InputLog.PREDICTIONS
        offset, self._next[kind] = self._next[kind], self._next[kind] + 1
        # Rows without a time are one second apart; others have their event time as the record's
        # timestamp.
        placed = {"ts": number, **event}
        try:
            stamp = int(parse_timestamp(placed["ts"]).timestamp() * 1000)
        except ValueError as error:
            raise RowError(f"row {number}: its time: {error}") from error
        value = msgspec.json.encode(placed)
        return kind, LogRecord(offset, value, stamp, event["model_id"].encode())

    def _judge(self, log: Sequence[LogRecord]) -> None:
        for record in log:
            row = _OUTCOME.decode(record.value or b"")
            if row.status != "labelled" or row.event_id not in self._answers:
                continue
            predicted = self._answers.pop(row.event_id)
            label = truth(row.label, self._task, self._positive)
            if predicted is not None and label is not None:
                loss = score(self._task, predicted, label).losses[0]
                self.course.judged.append(ScoredRow(self._asked.pop(row.event_id), loss))


def without_reaction(config: Config, model_id: str) -> Config:
    """Return the configuration with which the model would have stayed as it is at a drift."""
    entry = config.model(model_id)
    if entry.online is None:
        return config
    online = entry.online.model_copy(update={"on_drift": "notify"})
    changed = entry.model_copy(update={"online": online})
    models = tuple(changed if each is entry else each for each in config.models)
    return config.model_copy(update={"models": models})


def portions(rows: Iterator[RowEvents]) -> Iterator[list[tuple[int, RowEvents]]]:
    """Give rows with their numbers, some at a time."""
    numbered = enumerate(rows)
    while part := list(islice(numbered, _ROWS)):
        yield part
