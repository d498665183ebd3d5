"""Predict, evaluate and learn one batch of each of many online models."""

import math
from array import array
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from msgspec import Struct

from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.online import evaluation
from streamproc.online.event_batch import EventBatch, PendingPrediction
from streamproc.online.version_runner import VersionRunner, take


class BatchResult(Struct, gc=False):
    """Results of batches that were processed together.

    Attributes
    ----------
    answers
        All of them, as `EventBatch.at` says.
    errors, ts, offsets
        (labels,): losses of the champions, indexed by `EventBatch.first`, with times and offsets.
    """

    answers: "array[float]"
    errors: Floats
    ts: Floats
    offsets: Ints


def step_batch(stretches: Sequence[EventBatch]) -> BatchResult:
    """Predict, learn, evaluate the predictions and update the tests, for all versions.

    Evaluation uses the prediction that was made when the event arrived. A version that did not
    exist then is not evaluated on that event.
    """
    answers, todo, ys = array("d"), list[int](), list[float]()
    lines = []
    for each in stretches:
        run, players = each.run, each.players
        run.at, each.at = len(todo), len(answers)
        todo.extend(run.todo)
        ys.extend(run.ys)
        width, stride = each.width, each.stride
        answers.extend(_blank(len(players), width) * len(run.todo))
        for place, player in enumerate(players):
            at = each.at + place * width
            player.contestant.failures.clear()
            line = VersionRunner(
                who=player.contestant, run=run, answers=at, stride=stride, width=width
            )
            lines.append(line)
            if not place:
                each.legs = line.legs
    take(lines, np.array(todo, np.int64), np.array(ys), np.frombuffer(answers))
    for each in stretches:
        at = each.at + len(each.players) * each.width
        each.floor.run(each.run, answers, at, each.stride)
        _remember(each, answers)
    return _weigh([each for each in stretches if each.judged], answers)


@lru_cache
def _blank(players: int, width: int) -> "array[float]":
    """Return blank predictions for one event, NaN for each version and the baseline."""
    nobody = [math.nan] + [0.0] * (width - 1)
    return array("d", nobody * players + [math.nan] * width)


def _remember(stretch: EventBatch, answers: "array[float]") -> None:
    """Store the predictions of `asked` outcomes until their label arrives."""
    versions, stride, width = stretch.versions, stretch.stride, stretch.width
    for place in stretch.asked:
        waiting, at = stretch.ops[place].waiting, stretch.at + place * stride
        if waiting is None:
            continue
        waiting.versions, waiting.rows = versions, answers[at : at + stride]
        if stretch.grown and (short := stretch.known_at(place)) < width:
            waiting.rows = array("d")  # without the classes that came later in the stretch
            for row in range(at, at + stride, width):
                waiting.rows.extend(answers[row : row + short])


def _weigh(stretches: Sequence[EventBatch], answers: "array[float]") -> BatchResult:
    rows, tasks, enough = array("d"), list[int](), list[float]()
    production, ys, ts = list[tuple[float, float, float]](), list[float](), list[float]()
    offsets = list[int]()
    records: list[Floats] = []
    for each in stretches:
        each.first, stride, width, judged = len(ys), each.stride, each.width, each.judged
        known, versions = each.run.ys, each.versions
        for place in judged:
            op = each.ops[place]
            waiting = op.waiting
            if waiting is None:
                at = each.at + place * stride
                rows.extend(answers[at : at + stride])
            else:
                stored = waiting.rows
                if stored is None or waiting.versions != versions or len(stored) != stride:
                    stored = _fit(waiting, each)
                rows.extend(stored)
            ys.append(known[place])
            ts.append(op.ts)
            offsets.append(op.offset)
        production += each.production
        tasks += (len(judged), len(each.players), width, each.rival, each.below)
        enough.append(each.enough)
        records.append(each.evidence)
        records += [player.record for player in each.players]
    if not stretches:
        return BatchResult(answers, np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    weighed = np.concatenate(records)
    losses, errors = np.empty(len(rows)), np.empty(len(ys))
    reached = np.empty(len(stretches), np.int64)
    evaluation.evaluate(
        np.array(tasks, np.int64).reshape(-1, evaluation.TASK),
        np.array(enough),
        np.frombuffer(rows),
        np.array(production),
        np.array(ys),
        weighed,
        losses,
        errors,
        reached,
    )
    lost = begin = 0
    for each, at in zip(stretches, reached.tolist(), strict=True):
        size = (len(each.players) + 1) * len(each.judged)
        each.reached, each.losses = at, losses[lost : lost + size]
        lost += size
    for record in records:
        end = begin + len(record)
        record[:] = weighed[begin:end]
        begin = end
    return BatchResult(answers, errors, np.array(ts), np.array(offsets, np.int64))


def _fit(waiting: PendingPrediction, stretch: EventBatch) -> "array[float]":
    """Arrange stored predictions by the current versions and classes; NaN where missing."""
    versions, width = stretch.versions, stretch.width
    known = waiting.rows
    rows = array("d", ([math.nan] + [0.0] * (width - 1)) * len(versions))
    if known is None:
        return rows
    short = len(known) // len(waiting.versions)
    for place, version in enumerate(versions):
        if version in waiting.versions:
            at = waiting.versions.index(version) * short
            rows[place * width : place * width + short] = known[at : at + short]
    return rows
