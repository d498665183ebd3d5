"""All online models of one partition of the outcomes: records in, answers and updates out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np

from detectors.bank import Floats
from streamproc.contract.alerts import AlertEvent
from streamproc.contract.config import Config
from streamproc.contract.detector_spec import DetectorSpec
from streamproc.contract.online import Online
from streamproc.contract.updates import ModelUpdate
from streamproc.core.matrix import seconds
from streamproc.core.outcome_log import Chosen, CommandRow, Counted, OutcomeLog, OutcomeRow
from streamproc.core.record import Record
from streamproc.models import tell
from streamproc.models.answer import Answer
from streamproc.models.learner import Learner
from streamproc.models.learners_state import UNREADABLE, ModelStateError, pack, unpack
from streamproc.models.own_error import OwnError, drift_detectors, scan, warning_detectors
from streamproc.models.play import Op, Played, Waiting
from streamproc.models.say import Told, rest
from streamproc.models.seat import Seat, of_river, settings, summary
from streamproc.models.seat import answers as said

REMEMBERED: Final = 1000
"""Commands that are known when they come again; they live for an hour at most."""
Key = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class Learned:
    """What became of a slice of outcomes, each list in log order.

    Attributes
    ----------
    answers
        To be published as `OnlinePrediction`: each has `model_id`, `to_json` and `event`.
    """

    answers: list[Answer] = field(default_factory=list)
    updates: list[ModelUpdate] = field(default_factory=list)
    alerts: list[AlertEvent] = field(default_factory=list)


class Learners:
    """Every online model of a partition; any split of the records gives the same.

    Parameters
    ----------
    config
        The whole configuration.
    topic, partition
        Of the outcomes: the coordinates that answers, updates and alerts carry.

    Attributes
    ----------
    refused : int
        Events that were not answered because `online.max_models` was reached.

    Examples
    --------
    >>> from streamproc.contract.load import load
    >>> learners = Learners(load({
    ...     "models": [{"id": "fraud", "online": {"model": "linear_model.LogisticRegression"}}]
    ... }), "outcomes", 0)
    >>> learners.models()
    []
    """

    def __init__(self, config: Config, topic: str, partition: int) -> None:
        self._config, self._place = config, (topic, partition)
        self._log = OutcomeLog()
        self._seats: dict[Key, Seat] = {}
        self._banks: dict[tuple[str, ...], OwnError] = {}
        self._waiting: dict[tuple[Key, str], Waiting] = {}
        self._counts: dict[str, int] = {}
        self._obeyed: list[str] = []
        self.refused = 0

    @property
    def unread(self) -> int:
        """Records that were no outcomes."""
        return self._log.unreadable

    def process(self, records: Sequence[Record], now: datetime) -> Learned:
        """Take the next records of the partition.

        Parameters
        ----------
        records
            In the order of their offsets.
        now
            What alerts carry as `detected_at`.
        """
        told: list[Told] = []
        answers: list[tuple[int, Answer]] = []
        busy: dict[Key, Seat] = {}
        for counted in self._log.read(records):
            if isinstance(counted.row, CommandRow):
                self._advance(busy, told, answers, now)
                self._command(counted, records[counted.position], told, now)
            elif counted.row.status in {"asked", "labelled", "revised"}:
                self._route(counted, records[counted.position], busy, told, now)
        self._advance(busy, told, answers, now)
        answers.sort(key=lambda each: each[0])
        updates = [each for part in told for each in part.updates]
        alerts = [each for part in told for each in part.alerts]
        return Learned(
            [answer for _, answer in answers],
            [update for _, update in sorted(updates, key=lambda each: each[0])],
            [alert for _, alert in sorted(alerts, key=lambda each: each[0])],
        )

    def rest(self, before: float, quiet: float) -> list[ModelUpdate]:
        """Tell what models have learned that no update has told: no more labels end an interval.

        Nothing changes by it, and ids come from the last labels: it may be asked for again.

        Parameters
        ----------
        before, quiet
            Seconds for which no record has come, when this was asked the last time, and now: of
            models whose `interval` has passed in between.
        """
        seats = [seat.learner for seat in self._seats.values()]
        due = [each for each in seats if before < each.online.interval.total_seconds() <= quiet]
        found = [rest(each, *self._place) for each in due]
        return [update for update in found if update is not None]

    def models(self) -> list[dict[str, Any]]:
        """Sum up each online model: what answers, what runs beside it, how good they are."""
        return [summary(seat.learner) for seat in self._seats.values()]

    def state(self) -> bytes:
        """Write everything down: plain values only, equal for equal histories."""
        return b"".join(self.sections())

    def sections(self) -> list[bytes]:
        """Write everything down in parts: what they share, and each model."""
        places = {key: place for place, key in enumerate(self._seats)}
        waiting = [
            [places[key], event_id, each.versions, *_packed(each.rows)]
            for (key, event_id), each in self._waiting.items()
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
        """Become what `state` was taken of; a model whose configuration differs starts anew.

        Parameters
        ----------
        data
            What `state` gave.
        same_river
            Whether this is the River that it was written with; if not, its models and those that
            its detectors watch start anew, too.

        Returns
        -------
        int
            How many models start anew.

        Raises
        ------
        ModelStateError
            When `data` is not such a state; this one is then not to be used.
        """
        try:
            return self._restore(unpack(data), same_river=same_river)
        except UNREADABLE as error:
            raise ModelStateError(f"the state cannot be read: {error!r}") from error

    def _restore(self, written: dict[str, Any], *, same_river: bool) -> int:
        self._log = OutcomeLog(*written["log"])
        self.refused, self._counts = written["refused"], written["counts"]
        self._obeyed = written["obeyed"]
        keys: list[Key | None] = []
        slots: list[tuple[Seat, list[int]]] = []
        for model_id, tags, hashed, taken, dump in written["seats"]:
            config, key = self._config.model(model_id), (model_id, tuple(tags))
            online = config.online
            keys.append(None)
            self._counts[config.id] = max(0, self._counts.get(config.id, 0) - 1)
            if online is None or len(tags) != len(online.per):
                continue
            segment = dict(zip(online.per, tags, strict=True)) or None
            learner = Learner(model_id, segment, config, online, self._config.policy)
            if settings(learner) == hashed and (same_river or not of_river(online)):
                keys[-1] = key
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
            owner = keys[place]
            if owner is not None:
                answers = None if shape is None else np.frombuffer(rows).reshape(shape).copy()
                self._waiting[owner, event_id] = Waiting(tuple(versions), answers)
        return keys.count(None)

    # The way of a slice.

    def _route(
        self,
        counted: Counted,
        record: Record,
        busy: dict[Key, Seat],
        told: list[Told],
        now: datetime,
    ) -> None:
        """Give an outcome to its learner, and an answer that waits to its label."""
        row: Any = counted.row
        online = self._config.model(row.model_id).online
        if online is None or row.event_id is None:
            return
        key = _key(row, online)
        op = Op(counted.position, counted.offset, seconds(row.ts, record), row, None)
        seat = self._seats.get(key)
        if seat is None:
            seat = self._seat(key, online, op, told, now)
            if seat is None:
                return
        if row.status == "asked":
            op.waiting = self._waiting[key, row.event_id] = Waiting()
            while len(self._waiting) > online.pending:
                del self._waiting[next(iter(self._waiting))]
        elif row.status == "labelled":
            op.waiting = self._waiting.pop((key, row.event_id), None)
        seat.ops.append(op)
        busy[key] = seat

    def _advance(
        self,
        busy: dict[Key, Seat],
        told: list[Told],
        answers: list[tuple[int, Answer]],
        now: datetime,
    ) -> None:
        """Take every learner to the end of its events, all of them a stretch at a time."""
        while busy:
            stretch: list[tuple[Seat, Played]] = []
            for seat in busy.values():
                stop = seat.learner.cut(seat.ops, seat.next)
                answering = seat.learner.champion.version
                played = seat.learner.play(seat.ops[seat.next : stop])
                seat.next = stop
                answers += said(seat.learner, answering, played, self._place)
                stretch.append((seat, played))
            self._settle(stretch, told, now)
            for key in [key for key, seat in busy.items() if seat.next == len(seat.ops)]:
                seat = busy.pop(key)
                seat.ops, seat.next = [], 0

    def _settle(self, stretch: list[tuple[Seat, Played]], told: list[Told], now: datetime) -> None:
        found = scan([(seat.watches, played) for seat, played in stretch])
        for (seat, played), alarms in zip(stretch, found, strict=True):
            told.append(seat.learner.settle(played, *alarms, self._origin, now))
            self._rewatch(seat)

    def _rewatch(self, seat: Seat) -> None:
        if seat.learner.rewatch:
            seat.learner.rewatch = False
            for bank, slot in seat.watches:
                bank.reset(slot)

    def _command(self, counted: Counted, record: Record, told: list[Told], now: datetime) -> None:
        row: Any = counted.row
        command: Chosen = row.command
        # Workers that start anew say again what they were told in the last minutes.
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
        nothing = OutcomeRow(
            outcome_id="", epoch=0, seq=0, status="asked", revision=0, model_id=key[0]
        )
        op = Op(counted.position, counted.offset, record.timestamp / 1000, nothing, None)
        told.append(seat.learner.command(command, op, self._origin, now))
        self._rewatch(seat)

    def _origin(self, op: Op) -> tell.Origin:
        version = op.row.model_version
        return tell.Origin(*self._place, op.offset, op.ts, op.position, version)

    # Learners come.

    def _seat(
        self, key: Key, online: Online, op: Op, told: list[Told], now: datetime
    ) -> Seat | None:
        """Make a learner; None when there are as many as there may be, which is told once."""
        config = self._config.model(key[0])
        count = self._counts.get(config.id, 0)
        segment = dict(zip(online.per, key[1], strict=True)) or None
        if count >= online.max_models:
            self.refused += 1
            if count == online.max_models:
                self._counts[config.id] = count + 1
                whose = tell.Whose(key[0], segment, config, online.model.hash)
                alert = tell.alert(
                    whose,
                    self._origin(op),
                    now,
                    "firing",
                    "system",
                    series=tell.ERROR,
                    detector="limits",
                    severity="critical",
                    message=f"online.max_models, {online.max_models}, is reached on partition"
                    f" {self._place[1]}: {whose.name} and later ones do not answer; raise the"
                    " limit, or stop the producer that makes up names",
                )
                told.append(Told(alerts=[(op.position, alert)]))
            return None
        self._counts[config.id] = count + 1
        learner = Learner(key[0], segment, config, online, self._config.policy)
        return self._sit(key, learner)

    def _sit(self, key: Key, learner: Learner) -> Seat:
        online, kind = learner.online, learner.online.model.kind
        sets = [drift_detectors(kind, online.detectors)]
        if online.on_drift == "replace":
            sets.append(warning_detectors(kind, online.warning))
        banks = [self._bank(specs) for specs in sets]
        seat = self._seats[key] = Seat(learner, [(bank, bank.take()) for bank in banks])
        return seat

    def _bank(self, specs: tuple[DetectorSpec, ...]) -> OwnError:
        key = tuple(spec.hash for spec in specs)
        bank = self._banks.get(key)
        if bank is None:
            bank = self._banks[key] = OwnError(specs)
        return bank


def _key(row: OutcomeRow, online: Online) -> Key:
    tags = row.tags or {}
    return row.model_id, tuple([tags.get(name, "") for name in online.per])


def _packed(rows: Floats | None) -> tuple[Any, Any]:
    return (None, None) if rows is None else (list(rows.shape), rows.tobytes())
