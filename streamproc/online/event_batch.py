"""Cut a model's outcomes into batches within which its versions do not change."""

import math
from array import array
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct

from streamproc.detectors.runtime.dtypes import Floats
from streamproc.online.baseline import Heuristic
from streamproc.online.cadence import Cadence
from streamproc.online.classes import NOT_SCORED, Classes
from streamproc.online.event_ids import EventOrigin
from streamproc.online.event_run import ASK, LEARN, EventRun
from streamproc.online.scored_version import ScoredVersion
from streamproc.performance.outcome_log import OutcomeFields

_NOTHING = np.zeros(0)


class PendingPrediction(Struct, gc=False):
    """Predictions of an event that waits for its label.

    Attributes
    ----------
    versions
        Versions that predicted; the last is the baseline, with number 0.
    rows
        (versions, 1 + classes), one after the other.
    """

    versions: tuple[int, ...] = ()
    rows: "array[float] | None" = None


class PendingOutcome(Struct, gc=False):
    """An outcome to process, with the stored predictions of its event.

    `position` is its place in the slice.
    """

    position: int
    offset: int
    ts: float
    row: OutcomeFields
    waiting: PendingPrediction | None = None

    def origin(self, log: tuple[str, int]) -> EventOrigin:
        """Say where it lies; `log`: topic, partition."""
        return EventOrigin(*log, self.offset, self.ts, self.position, self.row.model_version)


class EventBatch(Struct, gc=False, kw_only=True):
    """A part of a model's outcomes within which its versions do not change.

    Attributes
    ----------
    ops, run
        The events.
    grown
        Where classes were met that were not known: the event behind it, and how many then were.
    asked
        Places of the events that are to be answered.
    judged
        Places of the labels that are compared with answers.
    production
        Losses of production's predictions for these, as `Classes.score` returns them.
    skipped
        Number of labels that do not fit the task.
    due
        Whether an update of what was learned is due after its last label.
    players, rival
        Everybody that answers, the one that counts first; and the place of the first who wants
        to be better than that.
    floor
        The heuristic beside them.
    evidence, below, enough
        That the floor is better or, `below` it, that the model is again; and the log wealth that
        proves it.
    legs
        Those of the one who counts, as in `Line`.
    at
        Where its answers begin: (events, players + 1, 1 + classes), NaN where nobody was asked.
    first
        Place of its first judged label among those of all.
    reached
        The label that completed the proof, or -1.
    losses
        (players + 1, labels): what each lost; the floor is the last.
    versions
        Of the players, and of the floor.
    width, stride
        Numbers in an answer, and in all answers to an event.
    """

    ops: list[PendingOutcome]
    run: EventRun
    grown: list[tuple[int, int]]
    asked: list[int]
    judged: list[int]
    production: list[tuple[float, float, float]]
    skipped: int
    due: bool
    players: list[ScoredVersion]
    rival: int
    floor: Heuristic
    evidence: Floats
    below: bool
    enough: float
    versions: tuple[int, ...]
    width: int
    stride: int
    legs: Sequence[tuple[int, int, bool]] = ()
    at: int = 0
    first: int = 0
    reached: int = -1
    losses: Floats = _NOTHING

    def known_at(self, place: int) -> int:
        """Give the numbers in an answer that are of classes known when the event came."""
        if not self.grown:
            return self.width
        return next((width for after, width in reversed(self.grown) if after <= place), 0)


class BatchableModel(Protocol):
    """What of a learner says how its events are cut."""

    classes: Classes
    floor: Heuristic
    background: ScoredVersion | None
    cadence: Cadence
    below_floor: str | None
    floor_evidence: Floats
    enough: float

    @property
    def players(self) -> list[ScoredVersion]:
        """Everybody that answers and learns, the one that counts first."""
        ...

    @property
    def labels_to_cut(self) -> float:
        """Labels until it may be exchanged."""
        ...


def next_batch(learner: BatchableModel, ops: list[PendingOutcome], start: int) -> EventBatch:
    """Give the events from `start` on, up to where something may change.

    Parameters
    ----------
    learner
        Whose.
    ops
        All that it has still to take.
    start
        The first of them that it has not taken.
    """
    classes, cadence, left = learner.classes, learner.cadence, learner.labels_to_cut
    # Not `list[int]()`: making a list that way costs as much as an event does here.
    asked: list[int] = []
    judged: list[int] = []
    learnings: list[int] = []
    todo: list[int] = []
    ys: list[float] = []
    production: list[tuple[float, float, float]] = []
    grown: list[tuple[int, int]] = []
    due = False
    learn, names = classes.learn, classes.names
    skipped, count, stop = 0, len(names), len(ops)
    for place, op in enumerate(ops[start:] if start else ops):
        row = op.row
        status = row.status
        if status == "asked":
            asked.append(place)
            todo.append(ASK)
            ys.append(math.nan)
            continue
        y = learn(row.label)
        if y is None:
            skipped += 1
            todo.append(0)
            ys.append(math.nan)
            continue
        learnings.append(place)
        ys.append(y)
        if len(names) > count:
            grown = grown or [(0, 1 + count)]
            count = len(names)
            grown.append((place + 1, 1 + count))
        if status == "labelled":
            judged.append(place)
            answer = row.prediction
            production.append(NOT_SCORED if answer is None else classes.score(answer, row.label))
            todo.append(ASK | LEARN if op.waiting is None else LEARN)
        else:
            todo.append(LEARN)
        left -= 1
        due = cadence.take(op.ts)
        if due or not left:
            stop = start + place + 1
            break
    players, width = learner.players, 1 + count
    ops = ops if stop - start == len(ops) else ops[start:stop]
    return EventBatch(
        ops=ops,
        run=EventRun(todo, [op.row.features for op in ops], ys, learnings, count),
        grown=grown,
        asked=asked,
        judged=judged,
        production=production,
        skipped=skipped,
        due=due,
        players=players,
        rival=1 if learner.background is None else 2,
        floor=learner.floor,
        evidence=learner.floor_evidence,
        below=learner.below_floor is not None,
        enough=learner.enough,
        versions=(*[each.contestant.version for each in players], learner.floor.version),
        width=width,
        stride=width * (1 + len(players)),
    )
