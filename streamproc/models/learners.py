"""All online models of one partition of the outcomes: records in, answers and updates out."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from streamproc.contract.alerts import AlertEvent
from streamproc.contract.base import Source
from streamproc.contract.config import Config
from streamproc.contract.timestamps import EPOCH
from streamproc.contract.updates import ModelUpdate, OnlinePrediction
from streamproc.core.matrix import seconds
from streamproc.core.record import Record
from streamproc.core.typed import DECODE_ERRORS
from streamproc.models.contestant import Answer
from streamproc.models.inputs import class_name
from streamproc.models.learner import Learner
from streamproc.models.observed import Observed, read

Key = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class Learned:
    """What became of a slice of outcomes, each list in log order."""

    answers: list[OnlinePrediction] = field(default_factory=list)
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
    """

    def __init__(self, config: Config, topic: str, partition: int) -> None:
        self._config, self._topic, self._partition = config, topic, partition
        self._learners: dict[Key, Learner] = {}
        self._waiting: dict[tuple[Key, str], Answer] = {}
        self._epoch = 0
        self.unread = 0

    def process(self, records: Sequence[Record], now: datetime) -> Learned:
        """Take the next records of the partition.

        Parameters
        ----------
        records
            In the order of their offsets.
        now
            What alerts carry as `detected_at`.
        """
        self._now = now
        learned = Learned()
        for record in records:
            event = self._read(record)
            if event is None or event.status not in {"asked", "labelled", "revised"}:
                continue
            learner, key = self._learner(event)
            if learner is None:
                continue
            source = Source(topic=self._topic, partition=self._partition, offset=record.offset)
            ts = seconds(event.ts, record)
            waiting = key, event.event_id
            if event.status == "asked":
                answer = learner.ask(event)
                self._wait(waiting, answer, learner.online.pending)
                learned.answers.append(_answered(learner, event, answer, ts, source))
            elif learner.judge(event, self._waiting.pop(waiting, None)):
                told = learner.told
                if told is None:
                    learner.told = ts
                elif ts - told >= learner.online.interval.total_seconds():
                    learner.told = ts
                    learned.updates.append(_update(learner, "learned", ts, source))
        return learned

    def _read(self, record: Record) -> Observed | None:
        try:
            event = read(record.value or b"")
        except DECODE_ERRORS:
            self.unread += 1
            return None
        if event.epoch < self._epoch:
            return None  # written by an owner that had a successor already
        self._epoch = event.epoch
        return event

    def _learner(self, event: Observed) -> tuple[Learner | None, Key]:
        config = self._config.model(event.model_id)
        online = config.online
        if online is None:
            return None, (event.model_id, ())
        tags = event.tags or {}
        key = event.model_id, tuple(tags.get(name, "") for name in online.per)
        learner = self._learners.get(key)
        if learner is None:
            segment = dict(zip(online.per, key[1], strict=True)) or None
            learner = self._learners[key] = Learner(event.model_id, segment, config)
        return learner, key

    def _wait(self, waiting: tuple[Key, str], answer: Answer, most: int) -> None:
        self._waiting[waiting] = answer
        while len(self._waiting) > most:
            del self._waiting[next(iter(self._waiting))]


def _answered(
    learner: Learner, event: Observed, answer: Answer, ts: float, source: Source
) -> OnlinePrediction:
    probabilities = answer.probabilities
    return OnlinePrediction(
        model_id=learner.model_id,
        event_id=event.event_id,
        ts=EPOCH + timedelta(seconds=ts),
        segment=learner.segment,
        prediction=answer.prediction,
        probabilities=None
        if probabilities is None
        else {class_name(key): min(max(p, 0.0), 1.0) for key, p in probabilities.items()},
        version=learner.champion.version,
        learned=learner.champion.learned,
        source=source,
    )


def _update(learner: Learner, step: Any, ts: float, source: Source) -> ModelUpdate:
    version = learner.champion.version
    parts = step, learner.model_id, learner.segment, version, learner.online.model.hash
    where = source.topic, source.partition, source.offset
    return ModelUpdate(
        update_id=hashlib.blake2b(
            msgspec.json.encode((*parts, *where)), digest_size=16
        ).hexdigest(),
        model_id=learner.model_id,
        segment=learner.segment,
        step=step,
        version=version,
        serving=version,
        ts=EPOCH + timedelta(seconds=ts),
        learned=learner.champion.learned,
        metrics=learner.metrics(),
        model=learner.online.model.steps,
        source=source,
    )
