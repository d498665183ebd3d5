"""A stretch of a learner's events: who answered what, and how much everybody lost."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detectors.bank import Floats, Ints
from streamproc.core.outcome_log import OutcomeRow
from streamproc.models.classes import Classes
from streamproc.models.floor import Heuristic
from streamproc.models.judge import judge, new_tally
from streamproc.models.player import FLOOR, OWN, PRODUCTION, Player
from streamproc.models.run import ASK, LEARN, Run


@dataclass(slots=True)
class Waiting:
    """The answers to an event whose label has not come: (players, 1 + classes)."""

    versions: tuple[int, ...] = ()
    rows: Floats | None = None


@dataclass(slots=True)
class Op:
    """An outcome on its way: its place, and its answers when it was asked before.

    `position` is its place in the slice.
    """

    position: int
    offset: int
    ts: float
    row: OutcomeRow
    waiting: Waiting | None


@dataclass(slots=True)
class Played:
    """What came of a stretch.

    Attributes
    ----------
    ops
        The stretch.
    answers
        (players, events, 1 + classes): what each said; NaN where it was not asked.
    judged
        (labels,): the place in `ops` of each label that was judged.
    errors
        (labels,): what the version lost that answers.
    losses
        Version → (labels,): what each lost; the floor is version 0.
    learned
        Labels of the task in it, revisions among them.
    last
        The last event that was learned from.
    skipped
        Labels that are none of the task.
    answered_from
        (events,): labels that the version which answers had learned before each event.
    known
        For each event, how many classes were known when it came.
    """

    ops: list[Op]
    answers: Floats
    judged: Ints
    errors: Floats
    losses: dict[int, Floats]
    learned: int
    last: Op | None
    skipped: int
    answered_from: Ints
    known: list[int]
    failures: dict[int, list[tuple[int, str]]] = field(default_factory=dict)


def play(ops: list[Op], classes: Classes, players: list[Player], floor: Heuristic) -> Played:
    """Let everybody answer, judge the answers, and let everybody learn.

    The first of `players` is the one that answers. An answer that was given when the event was
    asked about is the one that is judged; whoever was not there then is not judged by that event.
    """
    run, skipped, known = _run(ops, classes)
    champion = players[0].contestant
    before = champion.learned
    versions = (*(each.version for each in players), floor.version)
    played = [each.contestant.run(run) for each in players]
    answers = np.stack([*played, floor.run(run)])
    for place, op in enumerate(ops):
        if op.row.status == "asked" and op.waiting is not None:
            there = answers[:, place, : 1 + known[place]]
            op.waiting.versions, op.waiting.rows = versions, there.copy()
    judged, rows = _judged(ops, run, answers, versions)
    labels = np.flatnonzero(run.todo & LEARN)
    losses = _losses(judged, rows, run.ys[judged], ops, classes, players)
    counted = np.cumsum(run.todo & LEARN == LEARN) if champion.learned > before else 0 * run.todo
    return Played(
        ops=ops,
        answers=answers,
        judged=judged,
        errors=losses.get(players[0].version, np.zeros(0)),
        losses=losses,
        learned=len(labels),
        last=ops[int(labels[-1])] if len(labels) else None,
        skipped=skipped,
        answered_from=np.minimum(before + counted, max(champion.learned, before)),
        known=known,
        failures={
            each.version: each.contestant.failures for each in players if each.contestant.failures
        },
    )


def _run(ops: list[Op], classes: Classes) -> tuple[Run, int, list[int]]:
    todo, ys, known, skipped = [], [], [], 0
    for op in ops:
        known.append(len(classes))
        if op.row.status == "asked":
            todo.append(ASK)
            ys.append(np.nan)
            continue
        y = classes.learn(op.row.label)
        skipped += y is None
        ys.append(np.nan if y is None else y)
        ask = ASK if op.waiting is None and op.row.status == "labelled" else 0
        todo.append(0 if y is None else ask | LEARN)
    run = Run(np.array(todo), [op.row.features for op in ops], np.array(ys), len(classes))
    return run, skipped, known


def _judged(
    ops: list[Op], run: Run, answers: Floats, versions: tuple[int, ...]
) -> tuple[Ints, Floats]:
    """Collect the answers that labels are compared with: (players, labels, 1 + classes)."""
    judged = np.array(
        [
            place
            for place, op in enumerate(ops)
            if op.row.status == "labelled" and run.todo[place] & LEARN
        ],
        np.int64,
    )
    rows = answers[:, judged]
    for at, place in enumerate(judged.tolist()):
        waiting = ops[place].waiting
        if waiting is None:
            continue
        rows[:, at] = 0.0
        rows[:, at, 0] = np.nan
        known = waiting.rows
        if known is None:
            continue
        if waiting.versions == versions:
            rows[:, at, : known.shape[1]] = known
            continue
        for player, version in enumerate(versions):
            if version in waiting.versions:
                rows[player, at, : known.shape[1]] = known[waiting.versions.index(version)]
    return judged, np.ascontiguousarray(rows)


def _losses(
    judged: Ints,
    rows: Floats,
    ys: Floats,
    ops: list[Op],
    classes: Classes,
    players: list[Player],
) -> dict[int, Floats]:
    losses: dict[int, Floats] = {}
    if not len(judged):
        return losses
    said: Any = [classes.said(ops[place].row.prediction) for place in judged.tolist()]
    production = np.array(said)
    for each, row in zip(players, rows, strict=False):
        mine = losses[each.version] = np.empty(len(ys))
        judge(row, ys, each.tallies[OWN], mine)
        unjudged = np.isnan(mine)
        for other, tally in ((production, PRODUCTION), (rows[-1], FLOOR)):
            answers = other
            if unjudged.any():
                answers = other.copy()
                answers[unjudged, 0] = np.nan
            judge(answers, ys, each.tallies[tally], np.empty(len(ys)))
    losses[0] = np.empty(len(ys))
    judge(rows[-1], ys, new_tally(), losses[0])
    return losses
