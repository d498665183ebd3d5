"""Compare a new version of a model with the one before, by their labelled predictions.

Each version answers other events, so losses are compared in pairs of one label of either version,
each used once. While the versions are alike neither member of a pair has the larger loss on
average, whatever the distribution of the losses, and two sequential tests bet on either side. They
may be read after each label: of a hundred releases that change nothing at most one gets a verdict
on average.

If both versions answer at the same time, labels of the same period make a pair. Otherwise labels
since are paired with those before, the most recent first; then whatever else has changed since
counts for or against the version.
"""

import math
from typing import Final, Literal

import msgspec
import numpy as np

from streamproc.performance.losses import MAX_NUMBER, ScoredPrediction
from streamproc.performance.metrics import ACTUAL, CHANCE, PREDICTED, WINDOW, Floats
from streamproc.performance.sequential_test import new_log_wealth, sequential_test
from streamproc.schemas.series import Task
from streamproc.schemas.version_key import model_of, version_of

Verdict = Literal["worse", "better"]
Period = Literal["same", "before"]
LEVEL: Final = 0.01
"""Chance of a verdict, of either kind, on two versions that are alike."""
SETTLING: Final = 50
"""Labels of the new version that only show whether the old one still answers."""
MIN_SHARE: Final = 0.1
"""Labels of the old version for each of those, from which on both answer at the same time."""
MAX_PAIRS: Final = 5_000
"""Pairs after which the versions count as alike."""
MAX_MODELS: Final = 1000
"""Bounds memory: producers may send any number of model names."""
ABSOLUTE: Final = "mean absolute error"
BRIER: Final = "Brier score"
ERRORS: Final = "error rate"
"""Measures by which versions are compared."""
_ENOUGH: Final = math.log(2.0 / LEVEL)


class VersionComparison(msgspec.Struct):
    """The comparison of one version with the one before.

    Attributes
    ----------
    old, new
        Version keys.
    start, offset
        Event time of the first outcome of the new version, seconds since 1970, and its offset.
    measure
        Name of the loss that is compared.
    before
        Losses of the old version before, most recent last; those that are not used yet.
    seen, others
        Labels of either version since the start, while it is open which period to compare.
    period
        Period of the labels of the old version; empty while that is open.
    waiting
        Loss that waits for one of the other version, and whether it is of the new one.
    worse, better
        Evidence of the two tests, as of `sequential_test`.
    own, plain
        Sums of the losses of the new and of the old version.
    pairs
        Number of pairs in these sums.
    verdict
        What was found; empty: nothing yet.
    """

    old: str
    new: str
    start: float
    offset: int
    measure: str
    before: list[float] = []
    seen: int = 0
    others: int = 0
    period: Period | Literal[""] = ""
    waiting: tuple[float, bool] | None = None
    worse: list[float] = msgspec.field(default_factory=lambda: new_log_wealth().tolist())
    better: list[float] = msgspec.field(default_factory=lambda: new_log_wealth().tolist())
    own: float = 0.0
    plain: float = 0.0
    pairs: int = 0
    verdict: Verdict | Literal[""] = ""

    @property
    def is_over(self) -> bool:
        """Whether there is a verdict, or will not be one."""
        used_up = self.period == "before" and not self.before
        return bool(self.verdict) or used_up or self.pairs >= MAX_PAIRS

    def step(self, key: str, loss: float, ts: float) -> bool:
        """Take the next label of the model; return whether it gives a verdict.

        Parameters
        ----------
        key
            Version of the event.
        loss
            Its loss.
        ts
            Event time, seconds since 1970.
        """
        is_new = key == self.new
        if self.is_over or not (is_new or key == self.old):
            return False
        if not is_new and ts < self.start:
            return False
        if not self.period:
            self._settle(is_new=is_new)
            return False
        if self.period == "before":
            return is_new and self._test(loss, self.before.pop())
        waiting = self.waiting
        if waiting is None or waiting[1] == is_new:
            self.waiting = loss, is_new
            return False
        self.waiting = None
        return self._test(*((loss, waiting[0]) if is_new else (waiting[0], loss)))

    def _settle(self, *, is_new: bool) -> None:
        self.seen += is_new
        self.others += not is_new
        if self.seen >= SETTLING:
            together = self.others >= MIN_SHARE * self.seen
            self.period = "same" if together else "before"
            if together:
                self.before = []

    def _test(self, own: float, plain: float) -> bool:
        self.own, self.plain, self.pairs = self.own + own, self.plain + plain, self.pairs + 1
        mine, other = np.array([own]), np.array([plain])
        numbers = self.measure == ABSOLUTE
        for evidence, pair in ((self.worse, (mine, other)), (self.better, (other, mine))):
            state = np.array(evidence)
            found = sequential_test(*pair, numbers, state, 0, _ENOUGH)
            evidence[:] = state.tolist()
            if found >= 0 and not self.verdict:
                self.verdict = "worse" if evidence is self.worse else "better"
        if self.verdict:
            self.before = []
        return bool(self.verdict)


class VersionComparisons:
    """The comparison of the last new version of each model of a partition.

    Attributes
    ----------
    models
        By model id; the last one to begin is last.
    """

    def __init__(self) -> None:
        self.models: dict[str, VersionComparison] = {}

    def begin(
        self, old: str, task: Task, rows: Floats, at: tuple[str, ScoredPrediction, float, int]
    ) -> None:
        """Compare a version from its first label on; one of another task is not compared.

        Parameters
        ----------
        old
            The version that was labelled last.
        task, rows
            Its task and the last rows of its window.
        at
            Key of the new version, its first scored prediction, event time and offset.
        """
        new, scored, ts, offset = at
        known = self.models.pop(model_of(new), None)
        if known is not None and known.new == new:
            self.models[model_of(new)] = known
            return
        if task != scored.task or version_of(new) is None:
            return
        measure = measure_of(scored)
        before = _losses_of(rows, measure)[-WINDOW:]
        self.models[model_of(new)] = VersionComparison(old, new, ts, offset, measure, before)
        if len(self.models) > MAX_MODELS:
            del self.models[next(iter(self.models))]

    def step(self, key: str, scored: ScoredPrediction, ts: float) -> VersionComparison | None:
        """Take the next label; return the comparison if it gives a verdict."""
        comparison = self.models.get(model_of(key))
        if comparison is None or comparison.is_over:
            return None
        if measure_of(scored) != comparison.measure:
            return None
        loss = scored.losses[2] if comparison.measure == BRIER else scored.losses[0]
        return comparison if comparison.step(key, loss, ts) else None

    def forget(self, key: str) -> None:
        """Forget a version that is not watched any more."""
        comparison = self.models.get(model_of(key))
        if comparison is not None and key in {comparison.old, comparison.new}:
            del self.models[model_of(key)]


def measure_of(scored: ScoredPrediction) -> str:
    """Return the name of the loss by which versions are compared."""
    if scored.task == "regression":
        return ABSOLUTE
    return BRIER if scored.task == "binary" and scored.chance is not None else ERRORS


def _losses_of(rows: Floats, measure: str) -> list[float]:
    """Return the losses of the rows of a window; those that are not known are left out."""
    if measure == BRIER:
        losses = (rows[:, CHANCE] - rows[:, ACTUAL]) ** 2
    elif measure == ABSOLUTE:
        losses = np.minimum(np.abs(rows[:, PREDICTED] - rows[:, ACTUAL]), MAX_NUMBER)
    else:
        losses = (rows[:, PREDICTED] != rows[:, ACTUAL]).astype(np.float64)
    found: list[float] = losses[~np.isnan(losses)].tolist()
    return found
