"""Process one partition of `outcomes` with all its online models."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from streamproc.config.config import Config
from streamproc.config.detector_spec import DetectorSpec
from streamproc.config.model import ModelConfig
from streamproc.config.online import Online
from streamproc.detectors.series_monitor import Alarm
from streamproc.online import event_ids
from streamproc.online.batch_step import step_batch
from streamproc.online.error_monitor import ErrorMonitor, drift_detectors, scan, warning_detectors
from streamproc.online.event_batch import PendingOutcome, PendingPrediction, next_batch
from streamproc.online.event_builder import (
    Obeyed,
    SliceEvents,
    UpdateBuilder,
    unreported_update,
)
from streamproc.online.model_alerts import models_full, texts_left_out
from streamproc.online.model_slot import ModelSlot, answer, of_river, settings, summary
from streamproc.online.online_model import OnlineModel
from streamproc.online.prediction import ModelPrediction
from streamproc.online.state_codec import UNREADABLE, ModelStateError, pack, unpack
from streamproc.performance.outcome_log import (
    AcceptedRecord,
    CommandRow,
    ModelCommand,
    OutcomeFields,
    OutcomeLog,
)
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.model_updates import ModelUpdate
from streamproc.schemas.records import Record

REMEMBERED: Final = 1000
"""Command ids stored to recognise repeated commands, which expire after an hour."""
Key = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class Learned:
    """Results of a slice of outcomes, each list in log order.

    Attributes
    ----------
    answers
        Published as `OnlinePrediction`: each has `model_id`, `to_json` and `event`.
    """

    answers: list[ModelPrediction] = field(default_factory=list)
    updates: list[ModelUpdate] = field(default_factory=list)
    alerts: list[AlertEvent] = field(default_factory=list)
    commands: list[Obeyed] = field(default_factory=list)


class PartitionModels:
    """All online models of a partition; any split of the records gives the same results.

    Parameters
    ----------
    config
        The whole configuration.
    topic, partition
        Of `outcomes`: the source of predictions, updates and alerts.

    Attributes
    ----------
    refused : int
        Events without a prediction because `online.max_models` was reached.

    Examples
    --------
    >>> from streamproc.config.load import load
    >>> learners = PartitionModels(load({
    ...     "models": [{"id": "fraud", "online": {"model": "linear_model.LogisticRegression"}}]
    ... }), "outcomes", 0)
    >>> learners.models()
    []
    """

    def __init__(self, config: Config, topic: str, partition: int) -> None:
        self._config, self._place = config, (topic, partition)
        self._log = OutcomeLog(row=OutcomeFields, group=config.group)
        self._seats: dict[Key, ModelSlot] = {}
        self._banks: dict[tuple[str, ...], ErrorMonitor] = {}
        self._unsegmented: dict[
            str, ModelSlot
        ] = {}  # of models that have one learner for all their events
        self._waiting: dict[tuple[int, str | None], PendingPrediction] = {}
        self._counts: dict[str, int] = {}
        self._obeyed: list[str] = []
        self._known: dict[str, Online] = {}
        self.refused = 0

    @property
    def unread(self) -> int:
        """Number of records that are not outcomes."""
        return self._log.unreadable

    def process(self, records: Sequence[Record], now: datetime) -> Learned:
        """Process the next records of the partition.

        Parameters
        ----------
        records
            In the order of their offsets.
        now
            Wall clock, used as `detected_at` of alerts.
        """
        events, busy = SliceEvents(now, [None] * len(records)), list[ModelSlot]()
        for counted in self._log.read(records):
            row = counted.row
            if isinstance(row, CommandRow):
                self._advance(busy, events)
                self._command(counted, records[counted.position], events)
            elif row.status in _TAKEN and row.event_id is not None:
                self._route(row, counted, records[counted.position], busy, events)
        self._advance(busy, events)
        return Learned(
            [answer for answer in events.answers if answer is not None],
            [update for _, update in sorted(events.updates, key=_PLACE)],
            [alert for _, alert in sorted(events.alerts, key=_PLACE)],
            events.commands,
        )

    def unreported_updates(self, before: float, quiet: float) -> list[ModelUpdate]:
        """Return updates about learned labels that no earlier update covers, for an idle partition.

        This changes no state, and ids are derived from the last labels, so it may be repeated.

        Parameters
        ----------
        before, quiet
            Seconds without a record at the previous call, and now. Models with an `interval`
            between the two are reported.
        """
        seats = [seat.learner for seat in self._seats.values()]
        due = [each for each in seats if before < each.online.interval.total_seconds() <= quiet]
        found = [unreported_update(each, *self._place) for each in due]
        return [update for update in found if update is not None]

    def models(self) -> list[dict[str, Any]]:
        """Summarise each online model: champion, challengers and metrics."""
        return [summary(seat.learner) for seat in self._seats.values()]

    def state(self) -> bytes:
        """Return the state as plain values; equal histories give equal bytes."""
        return b"".join(self.sections())

    def sections(self) -> list[bytes]:
        """Return the state in parts: shared values, then each model."""
        waiting = [
            [place, event_id, each.versions, *_packed(each)]
            for (place, event_id), each in self._waiting.items()
        ]
        seats = [
            [*key, settings(seat.learner), [slot for _, slot in seat.watches], seat.learner.dump()]
            for key, seat in self._seats.items()
        ]
        return pack(
            {
                "log": [self._log.epoch, self._log.seq],
                "refused": self.refused,
                "obeyed": self._obeyed,
                "counts": self._counts,
                "banks": [[key, bank.dump()] for key, bank in self._banks.items()],
                "waiting": waiting,
            },
            seats,
        )

    def restore(self, data: bytes, *, same_river: bool = True) -> int:
        """Restore a state; models with a changed configuration are reset.

        Parameters
        ----------
        data
            The result of `state`.
        same_river
            Whether the state was written with this version of River. If not, River's models and
            those with River's detectors are reset, too.

        Returns
        -------
        int
            Number of models that were reset.

        Raises
        ------
        ModelStateError
            If `data` is not a valid state; do not use this object afterwards.
        """
        try:
            return self._restore(unpack(data), same_river=same_river)
        except UNREADABLE as error:
            raise ModelStateError(f"the state cannot be read: {error!r}") from error

    def _restore(self, written: dict[str, Any], *, same_river: bool) -> int:
        epoch, seq = written["log"]
        self._log = OutcomeLog(epoch, seq, OutcomeFields, self._config.group)
        self.refused, self._counts = written["refused"], written["counts"]
        self._obeyed = written["obeyed"]
        places: list[int | None] = []
        slots: list[tuple[ModelSlot, list[int]]] = []
        for model_id, tags, hashed, taken, dump in written["seats"]:
            config, key = self._config.model(model_id), (model_id, tuple(tags))
            online = config.online
            places.append(None)
            self._counts[config.id] = max(0, self._counts.get(config.id, 0) - 1)
            if online is None or len(tags) != len(online.per):
                continue
            learner = self._learner((model_id, tuple(tags)), config, online)
            if settings(learner) == hashed and (same_river or not of_river(online)):
                places[-1] = len(self._seats)
                self._counts[config.id] += 1
                learner.load(dump)
                slots.append((self._sit(key, learner), taken))
        for key, dump in written["banks"]:
            bank = self._banks.get(tuple(key))
            if bank is not None:
                bank.load(dump)
        for seat, taken in slots:
            seat.watches = [
                (bank, slot) for (bank, _), slot in zip(seat.watches, taken, strict=True)
            ]
        for place, event_id, versions, shape, rows in written["waiting"]:
            owner = places[place]
            if owner is not None:
                answers = None if shape is None else array("d", rows)
                self._waiting[owner, event_id] = PendingPrediction(tuple(versions), answers)
        return places.count(None)

    # Processing of a slice.

    def _route(
        self,
        row: OutcomeFields,
        counted: AcceptedRecord,
        record: Record,
        busy: list[ModelSlot],
        events: SliceEvents,
    ) -> None:
        """Queue an outcome for its model, with the stored prediction if it is labelled."""
        ts = row.ts
        time = record.timestamp / 1000 if ts is None else ts.timestamp()
        op = PendingOutcome(counted.position, counted.offset, time, row)
        seat = self._unsegmented.get(row.model_id) or self._seat_of(row, op, events)
        if seat is None:
            return
        if row.status == "asked":
            waiting = self._waiting
            op.waiting = waiting[seat.place, row.event_id] = PendingPrediction()
            while len(waiting) > seat.learner.online.pending:
                del waiting[next(iter(waiting))]
        elif row.status == "labelled":
            op.waiting = self._waiting.pop((seat.place, row.event_id), None)
        if not seat.ops:
            busy.append(seat)
        seat.ops.append(op)

    def _advance(self, busy: list[ModelSlot], events: SliceEvents) -> None:
        """Process all queued outcomes, one batch of every model at a time."""
        while busy:
            stretches = [next_batch(seat.learner, seat.ops, seat.next) for seat in busy]
            played = step_batch(stretches)
            numbers = played.answers.tolist()
            found = scan([seat.watches for seat in busy], stretches, played)
            for place, (seat, stretch) in enumerate(zip(busy, stretches, strict=True)):
                learner = seat.learner
                answer(learner, stretch, numbers, self._place, events)
                alarms, warnings = found.get(place, _NONE)
                learner.settle(stretch, alarms, warnings, self._say(seat, events))
                if learner.rewatch:
                    self._reset_detectors(seat)
                seat.next += len(stretch.ops)
                if seat.next == len(seat.ops):
                    seat.ops, seat.next = [], 0
            busy[:] = [seat for seat in busy if seat.ops]

    def _say(self, seat: ModelSlot, events: SliceEvents) -> UpdateBuilder:
        return UpdateBuilder(seat.learner, events, self._place)

    def _reset_detectors(self, seat: ModelSlot) -> None:
        if seat.learner.rewatch:
            seat.learner.rewatch = False
            for bank, slot in seat.watches:
                bank.reset(slot)

    def _command(self, counted: AcceptedRecord, record: Record, events: SliceEvents) -> None:
        row: Any = counted.row
        command: ModelCommand = row.command
        # Restarted workers forward the commands of the last minutes again.
        if command.id in self._obeyed:
            return
        self._obeyed = [*self._obeyed, command.id][-REMEMBERED:]
        online = self._config.model(command.model_id).online
        if online is None:
            return
        segment = command.segment or {}
        key = command.model_id, tuple([segment.get(name, "") for name in online.per])
        seat = self._seats.get(key)
        if seat is None:
            return
        nothing = OutcomeFields(epoch=0, seq=0, status="asked", model_id=key[0])
        op = PendingOutcome(counted.position, counted.offset, record.timestamp / 1000, nothing)
        ignored = seat.learner.command(command, op, self._say(seat, events))
        events.commands.append(Obeyed(command.id, command.verb, command.model_id, ignored))
        self._reset_detectors(seat)

    # Creation of models.

    def _seat_of(
        self, row: OutcomeFields, op: PendingOutcome, events: SliceEvents
    ) -> ModelSlot | None:
        """Return or create the model of an outcome; None without `online:`."""
        online = self._known.get(row.model_id) or self._config.model(row.model_id).online
        if online is None:
            return None
        key = _key(row, online) if online.per else (row.model_id, ())
        return self._seats.get(key) or self._seat(key, online, op, events)

    def _seat(
        self, key: Key, online: Online, op: PendingOutcome, events: SliceEvents
    ) -> ModelSlot | None:
        """Create a model; None above `online.max_models`, with one alert."""
        config = self._config.model(key[0])
        count = self._counts.get(config.id, 0)
        segment = dict(zip(online.per, key[1], strict=True)) or None
        if count >= online.max_models:
            self.refused += 1
            if count == online.max_models:
                self._counts[config.id] = count + 1
                ref = event_ids.ModelRef(key[0], segment, config, online.model.hash)
                alert = models_full(ref, online.max_models, op.origin(self._place), events.now)
                events.alerts.append((op.position, alert))
            return None
        self._counts[config.id] = count + 1
        learner = self._learner(key, config, online)
        if key[0] not in self._known:
            origin, features = op.origin(self._place), op.row.features
            note = texts_left_out(learner.ref, online, features, origin, events.now)
            if note is not None:
                events.alerts.append((op.position, note))
        return self._sit(key, learner)

    def _learner(self, key: Key, config: ModelConfig, online: Online) -> OnlineModel:
        segment = dict(zip(online.per, key[1], strict=True)) or None
        horizon = self._config.labels.horizon.total_seconds()
        return OnlineModel(key[0], segment, config, online, self._config.policy, horizon)

    def _sit(self, key: Key, learner: OnlineModel) -> ModelSlot:
        online, kind = learner.online, learner.online.model.kind
        sets = [drift_detectors(kind, online.detectors)]
        if online.on_drift == "replace":
            sets.append(warning_detectors(kind, online.warning))
        banks = [self._bank(specs) for specs in sets]
        self._known[key[0]] = online
        seat = self._seats[key] = ModelSlot(
            learner, len(self._seats), [(bank, bank.take()) for bank in banks]
        )
        if not key[1]:
            self._unsegmented[key[0]] = seat
        return seat

    def _bank(self, specs: tuple[DetectorSpec, ...]) -> ErrorMonitor:
        key = tuple(spec.hash for spec in specs)
        bank = self._banks.get(key)
        if bank is None:
            bank = self._banks[key] = ErrorMonitor(specs)
        return bank


def _key(row: OutcomeFields, online: Online) -> Key:
    tags = row.tags or {}
    return row.model_id, tuple([tags.get(name, "") for name in online.per])


def _packed(waiting: PendingPrediction) -> tuple[Any, Any]:
    if waiting.rows is None:
        return None, None
    players = len(waiting.versions)
    return [players, len(waiting.rows) // players], waiting.rows.tobytes()


_PLACE: Final = itemgetter(0)
_TAKEN: Final = frozenset({"asked", "labelled", "revised"})
_NONE: Final[tuple[list[Alarm], list[Alarm]]] = ([], [])
