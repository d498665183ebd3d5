"""Hold an online model with its detector slots and pending outcomes."""

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from streamproc.config.online import Online
from streamproc.online.error_monitor import ErrorMonitor
from streamproc.online.event_batch import EventBatch, PendingOutcome
from streamproc.online.event_builder import SliceEvents
from streamproc.online.linear import is_linear
from streamproc.online.online_model import OnlineModel
from streamproc.online.prediction import ModelPrediction, SourcePosition
from streamproc.schemas.timestamps import EPOCH


@dataclass(slots=True)
class ModelSlot:
    """An online model in its partition.

    Attributes
    ----------
    learner, place
        The model, and its index in the partition.
    watches
        Monitors of its errors with slots: for drift, for a warning.
    ops, next
        Outcomes to process, and the index of the next one.
    """

    learner: OnlineModel
    place: int
    watches: list[tuple[ErrorMonitor, int]]
    ops: list[PendingOutcome] = field(default_factory=list)
    next: int = 0


def answer(
    learner: OnlineModel,
    stretch: EventBatch,
    numbers: Sequence[float],
    log: tuple[str, int],
    events: SliceEvents,
) -> None:
    """Add the champion's predictions of a batch to the results of the slice.

    Parameters
    ----------
    learner, stretch
        The model and its batch.
    numbers
        All predictions, indexed by `EventBatch.at`.
    log
        Topic and partition of the outcomes.
    events
        Results of the slice; its `answers` are filled.
    """
    if not stretch.asked:
        return
    names, texts, learnings = learner.classes.names, learner.classes.texts, stretch.run.learnings
    version, segment, stride = stretch.versions[0], learner.ref.segment, stretch.stride
    width, grown, legs = stretch.width, stretch.grown, list(stretch.legs)
    ops, begin, found = stretch.ops, stretch.at, events.answers
    for place in stretch.asked:
        while len(legs) > 1 and legs[1][0] <= place:
            legs.pop(0)
        start, learned, learns = legs[0]
        if learns and learnings:
            learned += bisect_left(learnings, place) - bisect_left(learnings, start)
        op, at = ops[place], begin + place * stride
        predicted, row = numbers[at], op.row
        known = predicted == predicted  # noqa: PLR0124 - NaN is not
        probabilities = None
        if texts:
            stop = at + (stretch.known_at(place) if grown else width)
            shares = numbers[at + 1 : stop] if known else []
            if shares and not (min(shares) >= 0.0 and max(shares) <= 1.0):
                shares = [min(max(share, 0.0), 1.0) for share in shares]
            probabilities = dict(zip(texts, shares))  # noqa: B905 - `strict` takes longer
        elif learner.task != "regression":
            probabilities = {}
        found[op.position] = ModelPrediction(
            row.model_id,
            row.event_id,
            EPOCH + timedelta(seconds=op.ts) if row.ts is None else row.ts,
            segment,
            (names[int(predicted)] if names else predicted) if known else None,
            probabilities,
            version,
            learned,
            SourcePosition(*log, op.offset),
        )


def settings(learner: OnlineModel) -> str:
    """Hash the configuration of a model to sixteen hexadecimal digits."""
    text = msgspec.json.encode(
        [learner.task, learner.online.model_dump(mode="json")], order="deterministic"
    )
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def of_river(online: Online) -> bool:
    """Whether a model uses River's code, whose state depends on the River version."""
    compiled = all(is_linear(spec) for spec in (online.model, *online.challengers))
    return not compiled or any(spec.of_river for spec in (*online.detectors, *online.warning))


def summary(learner: OnlineModel) -> dict[str, Any]:
    """Summarise a model."""
    return {
        "model_id": learner.ref.model_id,
        "segment": learner.ref.segment,
        "serving": learner.champion.version,
        "learned": learner.champion.contestant.learned,
        "metrics": learner.champion.metrics(learner.classes.metrics_task),
        "challengers": [each.version for each in learner.challengers],
        "former": learner.former.version if learner.former else None,
        "kept": [version for version, _ in learner.history],
        "skipped": learner.skipped,
    }
