"""Track one model version: its last labels, loss estimate and baseline."""

import msgspec
import numpy as np

from streamproc.config.baseline import Baseline, Rule
from streamproc.performance.baseline import Answer, BaselineTest, Verdict, baseline_kind, measure_of
from streamproc.performance.estimate import CUT_AFTER, Estimate
from streamproc.performance.losses import ScoredPrediction
from streamproc.performance.metrics import ACTUAL, PREDICTED, WINDOW, Floats
from streamproc.schemas.class_names import class_key
from streamproc.schemas.series import Task

MAX_CLASSES = 50
COLUMNS = 4


class ModelTrack(msgspec.Struct):
    """State of one model version that its labels determine.

    Attributes
    ----------
    task, sure
        Task, and whether it is certain.
    classes
        Class names by code; "0" and "1" for a binary model.
    seen
        Number of labels so far.
    estimate
        Estimator of losses without labels.
    floor
        Comparison with the baseline.
    measure
        Name of the loss that the comparison uses.
    odd
        Outcomes that contradict an inferred task, or that made a regression of it.
    changes
        How often the inferred task has changed.
    """

    task: Task
    sure: bool
    classes: list[str]
    seen: int
    estimate: Estimate
    floor: BaselineTest
    measure: str = ""
    odd: int = 0
    changes: int = 0


class Window:
    """The last labels of a track, and all labels of the current slice.

    An alarm in the middle of a slice reports the metrics at that label, so the labels of a slice
    are dropped only at its end.

    Attributes
    ----------
    rows
        (labels, COLUMNS): labels of earlier slices, oldest first; see `metrics.ACTUAL`.
    fresh
        Labels of the current slice.
    """

    def __init__(self, rows: Floats | None = None) -> None:
        self.rows: Floats = np.empty((0, COLUMNS)) if rows is None else rows
        self.fresh: list[tuple[float, float, float, float]] = []

    def upto(self, seen: int, last: int, limit: int) -> Floats:
        """Return the last rows, at most `limit`, up to label number `last` of `seen`."""
        rows = self.rows
        if self.fresh:
            rows = np.concatenate([rows, np.array(self.fresh, np.float64)])
        stop = len(rows) - (seen - last)
        return rows[max(0, stop - min(limit, WINDOW)) : stop]

    def trim(self) -> None:
        """Drop rows that have left the window."""
        if self.fresh:
            fresh = np.array(self.fresh[-WINDOW:], np.float64)
            earlier = self.rows[max(0, len(self.rows) + len(fresh) - WINDOW) :]
            self.rows, self.fresh = np.concatenate([earlier, fresh]), []


def new_track(scored: ScoredPrediction) -> ModelTrack:
    """Return the track of a version at its first label; the label itself is not added."""
    classes = ["0", "1"] if scored.task == "binary" else []
    return ModelTrack(scored.task, scored.sure, classes, 0, Estimate(), BaselineTest("majority"))


def advance(
    track: ModelTrack,
    window: Window,
    scored: ScoredPrediction,
    baseline: Baseline | None,
    features: msgspec.Raw,
    times: tuple[float, float],
) -> Verdict | None:
    """Add the next label; return `worse` or `better` when the comparison with the baseline flips.

    Parameters
    ----------
    track, window
        Updated in place.
    scored
        The prediction and its label.
    baseline
        The configured one, if any.
    features
        The event's features as JSON; a configured rule reads them.
    times
        Event times of the event and of its label, seconds since 1970.
    """
    actual, predicted = _codes(track, scored)
    expected = track.estimate.expected(track.task, predicted, scored.chance)
    chance = np.nan if scored.chance is None else scored.chance
    window.fresh.append((actual, predicted, chance, expected))
    track.estimate.learn(track.task, predicted, scored.chance, scored.losses[0])
    track.seen += 1
    if track.task == "regression" and track.seen == CUT_AFTER:
        rows = window.upto(track.seen, track.seen, CUT_AFTER)
        errors = np.abs(rows[:, ACTUAL] - rows[:, PREDICTED])
        track.estimate.cut(rows[:, PREDICTED].tolist(), errors.tolist())
    plan = baseline_kind(baseline, track.task)
    if plan is None:
        return None
    if track.floor.plan != plan:
        track.floor = BaselineTest(plan)
    answer = _answer(baseline, track.task, features) if isinstance(baseline, Rule) else None
    track.measure = measure_of(plan, scored)
    return track.floor.step(scored, answer, times)


def _codes(track: ModelTrack, scored: ScoredPrediction) -> tuple[float, float]:
    """Return numbers or class codes of label and prediction; rare classes share two codes."""
    if isinstance(scored.actual, float) or isinstance(scored.predicted, float):
        return float(scored.actual), float(scored.predicted)
    codes: list[int] = []
    for name in (scored.actual, scored.predicted):
        if name not in track.classes and len(track.classes) < MAX_CLASSES:
            track.classes.append(name)
        codes.append(track.classes.index(name) if name in track.classes else MAX_CLASSES)
    if codes[0] == codes[1] and scored.actual != scored.predicted:
        codes[1] += 1
    return float(codes[0]), float(codes[1])


def _answer(rule: Rule, task: Task, features: msgspec.Raw) -> Answer:
    decoded = msgspec.json.decode(features)
    applies = rule.applies(decoded if isinstance(decoded, dict) else None)
    predicted = rule.then if applies else rule.otherwise
    if task != "regression":
        return class_key(predicted)
    return predicted if isinstance(predicted, float) else None
