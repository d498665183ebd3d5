"""A learner's seat in its partition: where its errors are watched, what it answers, what it is."""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from streamproc.contract.online import Online
from streamproc.contract.timestamps import EPOCH
from streamproc.models.answer import Answer, Place
from streamproc.models.learner import Learner
from streamproc.models.linear import is_linear
from streamproc.models.own_error import OwnError
from streamproc.models.play import Op, Played


@dataclass(slots=True)
class Seat:
    """A learner, where its errors are watched (drift, warning), and what it has still to take."""

    learner: Learner
    watches: list[tuple[OwnError, int]]
    ops: list[Op] = field(default_factory=list)
    next: int = 0


def answers(
    learner: Learner, version: int, played: Played, log: tuple[str, int]
) -> list[tuple[int, Answer]]:
    """Give the answers of a stretch, each with its place in the slice; `log`: topic, partition."""
    names, texts = learner.classes.names, learner.classes.texts
    found = []
    rows, learned = played.answers[0].tolist(), played.answered_from.tolist()
    for place, op in enumerate(played.ops):
        if op.row.status != "asked":
            continue
        said, *shares = rows[place]
        known = said == said  # noqa: PLR0124 - NaN is not
        prediction = (names[int(said)] if names else said) if known else None
        probabilities = None
        if learner.task != "regression":
            probabilities = {
                text: min(max(share, 0.0), 1.0)
                for text, share in zip(texts[: played.known[place]], shares, strict=False)
                if known
            }
        answer = Answer(
            model_id=op.row.model_id,
            event_id=op.row.event_id,
            ts=EPOCH + timedelta(seconds=op.ts),
            segment=learner.whose.segment,
            prediction=prediction,
            probabilities=probabilities,
            version=version,
            learned=learned[place],
            source=Place(*log, op.offset),
        )
        found.append((op.position, answer))
    return found


def settings(learner: Learner) -> str:
    """Sixteen hex digits that are equal as long as the configuration of a model is."""
    text = msgspec.json.encode(
        [learner.task, learner.online.model_dump(mode="json")], order="deterministic"
    )
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def of_river(online: Online) -> bool:
    """Whether anything of a model is River's own code, whose state is of one version of it."""
    compiled = all(is_linear(spec) for spec in (online.model, *online.challengers))
    return not compiled or any(spec.of_river for spec in (*online.detectors, *online.warning))


def summary(learner: Learner) -> dict[str, Any]:
    """Sum up a learner."""
    return {
        "model_id": learner.whose.model_id,
        "segment": learner.whose.segment,
        "serving": learner.champion.version,
        "learned": learner.champion.contestant.learned,
        "metrics": learner.champion.metrics(learner.task),
        "challengers": [each.version for each in learner.challengers],
        "former": learner.former.version if learner.former else None,
        "kept": [version for version, _ in learner.kept],
        "skipped": learner.skipped,
    }
