"""What is kept of one version of a model: its last labels, its estimate and its floor."""

import msgspec
import numpy as np

from streamproc.config.baseline import Floor as FloorConfig
from streamproc.config.baseline import Rule
from streamproc.config.model import Task
from streamproc.performance.baseline import Answer, BaselineTest, Verdict, baseline_kind, measure_of
from streamproc.performance.estimate import CUT_AFTER, Estimate
from streamproc.performance.losses import ScoredPrediction, class_name
from streamproc.performance.metrics import ACTUAL, PREDICTED, WINDOW, Floats

MAX_CLASSES = 50
COLUMNS = 4


class ModelTrack(msgspec.Struct):
    """One version of a model, as far as its labels tell.

    Attributes
    ----------
    task, sure
        What it does, and whether that is certain.
    classes
        Names of its classes by code. Of a binary model they are 0 and 1.
    seen
        Labels so far.
    """

    task: Task
    sure: bool
    classes: list[str]
    seen: int
    estimate: Estimate
    floor: BaselineTest
    measure: str = ""


class Window:
    """The last labels of a track, and those of the slice at hand.

    An alarm in the middle of a slice is told with the figures of that moment, so the labels of
    a slice are all kept until it ends.
    """

    def __init__(self, rows: Floats | None = None) -> None:
        self.rows: Floats = np.empty((0, COLUMNS)) if rows is None else rows
        self.fresh: list[tuple[float, float, float, float]] = []

    def upto(self, seen: int, last: int, most: int) -> Floats:
        """Return the rows up to label number `last`, of `seen`, at most so many of them."""
        rows = self.rows
        if self.fresh:
            rows = np.concatenate([rows, np.array(self.fresh, np.float64)])
        stop = len(rows) - (seen - last)
        return rows[max(0, stop - min(most, WINDOW)) : stop]

    def trim(self) -> None:
        """Forget what is past the window."""
        if self.fresh:
            fresh = np.array(self.fresh[-WINDOW:], np.float64)
            kept = self.rows[max(0, len(self.rows) + len(fresh) - WINDOW) :]
            self.rows, self.fresh = np.concatenate([kept, fresh]), []


def new_track(judged: ScoredPrediction) -> ModelTrack:
    """Begin a track with its first label."""
    classes = ["0", "1"] if judged.task == "binary" else []
    return ModelTrack(judged.task, judged.sure, classes, 0, Estimate(), BaselineTest("majority"))


def advance(
    track: ModelTrack,
    window: Window,
    judged: ScoredPrediction,
    floor: FloorConfig | None,
    features: msgspec.Raw,
    times: tuple[float, float],
) -> Verdict | None:
    """Take the next label; return whether the model has begun or ceased to beat its floor."""
    truth, said = _codes(track, judged)
    expected = track.estimate.expected(track.task, said, judged.chance)
    chance = np.nan if judged.chance is None else judged.chance
    window.fresh.append((truth, said, chance, expected))
    track.estimate.learn(track.task, said, judged.chance, judged.losses[0])
    track.seen += 1
    if track.task == "regression" and track.seen == CUT_AFTER:
        rows = window.upto(track.seen, track.seen, CUT_AFTER)
        errors = np.abs(rows[:, ACTUAL] - rows[:, PREDICTED])
        track.estimate.cut(rows[:, PREDICTED].tolist(), errors.tolist())
    plan = baseline_kind(floor, track.task)
    if plan is None:
        return None
    if track.floor.plan != plan:
        track.floor = BaselineTest(plan)
    answer = _answer(floor, track.task, features) if isinstance(floor, Rule) else None
    track.measure = measure_of(plan, judged)
    return track.floor.step(judged, answer, times)


def _codes(track: ModelTrack, judged: ScoredPrediction) -> tuple[float, float]:
    """Return the numbers of two classes; those past `MAX_CLASSES` are one, or one that differs."""
    if isinstance(judged.truth, float) or isinstance(judged.said, float):
        return float(judged.truth), float(judged.said)
    codes: list[int] = []
    for name in (judged.truth, judged.said):
        if name not in track.classes and len(track.classes) < MAX_CLASSES:
            track.classes.append(name)
        codes.append(track.classes.index(name) if name in track.classes else MAX_CLASSES)
    if codes[0] == codes[1] and judged.truth != judged.said:
        codes[1] += 1
    return float(codes[0]), float(codes[1])


def _answer(rule: Rule, task: Task, features: msgspec.Raw) -> Answer:
    held = msgspec.json.decode(features)
    value = held.get(rule.feature) if isinstance(held, dict) else None
    number = float(value) if isinstance(value, int | float) else None
    said = rule.answer(number)
    if task != "regression":
        return class_name(said)
    return said if isinstance(said, float) else None
