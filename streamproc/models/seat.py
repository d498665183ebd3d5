"""A learner's seat in its partition: where its errors are watched, what it answers, what it is."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from streamproc.contract.timestamps import EPOCH
from streamproc.models.answer import Answer, Place
from streamproc.models.learner import Learner
from streamproc.models.own_error import OwnError
from streamproc.models.play import Op, Stretch


@dataclass(slots=True)
class Seat:
    """A learner, where its errors are watched (drift, warning), and what it has still to take."""

    learner: Learner
    watches: list[tuple[OwnError, int]]
    ops: list[Op] = field(default_factory=list)
    next: int = 0


def answers(
    learner: Learner, stretch: Stretch, told: Sequence[float], log: tuple[str, int]
) -> Iterator[tuple[int, Answer]]:
    """Give the answers of a stretch, each with its place in the slice.

    Parameters
    ----------
    learner, stretch
        Whose; as it was when the stretch was played.
    told
        The numbers of all answers, as `Stretch.at` says.
    log
        Topic and partition of the outcomes.
    """
    names, texts, learnings = learner.classes.names, learner.classes.texts, stretch.run.learnings
    version, segment, legs = stretch.versions[0], learner.whose.segment, list(stretch.legs)
    for place in stretch.asked:
        while len(legs) > 1 and legs[1][0] <= place:
            legs.pop(0)
        start, learned, learns = legs[0]
        if learns:
            learned += bisect_left(learnings, place) - bisect_left(learnings, start)
        op, at = stretch.ops[place], stretch.at + place * stretch.stride
        said = told[at]
        known = said == said  # noqa: PLR0124 - NaN is not
        probabilities = None
        if learner.task != "regression":
            shares = told[at + 1 : at + 1 + stretch.known[place]] if known else ()
            probabilities = {
                text: min(max(share, 0.0), 1.0) for text, share in zip(texts, shares, strict=False)
            }
        row = op.row
        answer = Answer(
            model_id=row.model_id,
            event_id=row.event_id,
            ts=EPOCH + timedelta(seconds=op.ts) if row.ts is None else row.ts,
            segment=segment,
            prediction=(names[int(said)] if names else said) if known else None,
            probabilities=probabilities,
            version=version,
            learned=learned,
            source=Place(*log, op.offset),
        )
        yield op.position, answer


def settings(learner: Learner) -> str:
    """Sixteen hex digits that are equal as long as the configuration of a model is."""
    text = msgspec.json.encode(
        [learner.task, learner.online.model_dump(mode="json")], order="deterministic"
    )
    return hashlib.blake2b(text, digest_size=8).hexdigest()


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
