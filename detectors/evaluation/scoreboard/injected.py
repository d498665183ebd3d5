"""Drift injected into a real stream, after Cerqueira et al."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river.tree import HoeffdingTreeClassifier

from streamproc.detectors.evaluation.scoreboard.trial_cache import Arrays
from streamproc.detectors.runtime.dtypes import Floats

KINDS = ("x-permutation", "y-swap", "y-prior", "x-exceed")
REGION = (0.5, 0.8)
"""Where in the stream the change begins."""
TRAINING = 0.25
"""Share of the stream before the detectors listen."""
SKIPPED = 0.75
"""Share of a label's rows that y-prior drops."""
MAX_DELAY = 2500
"""Rows within which an alarm is right; also the width of a gradual change."""

Rows = NDArray[np.float64]
Change = Callable[[Rows, int], tuple[Rows, int] | None]
"""A row as it is after the change; None: it is left out."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a model over a changed stream.

    Attributes
    ----------
    errors
        1 where the model was wrong, of every row that it saw after the training.
    rows
        Their numbers in the stream.
    change
        Row at which the change begins.
    """

    errors: Floats
    rows: NDArray[np.int64]
    change: int

    @classmethod
    def of(cls, arrays: Arrays) -> "Trial":
        """Rebuild a trial from its arrays, see `trial`."""
        return cls(arrays["errors"].astype(np.float64), arrays["rows"], int(arrays["change"]))


def change_of(kind: str, x: Rows, rng: np.random.Generator) -> Change:
    """Draw a change of some kind."""
    label = int(rng.integers(2))
    order = rng.permutation(x.shape[1])
    column = int(rng.integers(x.shape[1]))
    middle = float(np.median(x[:, column]))

    def permuted(row: Rows, y: int) -> tuple[Rows, int]:
        return row[order], y

    def swapped(row: Rows, y: int) -> tuple[Rows, int]:
        return row, 1 - label if y == label else y

    def rarer(row: Rows, y: int) -> tuple[Rows, int] | None:
        return None if y == label and rng.random() < SKIPPED else (row, y)

    def below(row: Rows, y: int) -> tuple[Rows, int] | None:
        return None if row[column] > middle else (row, y)

    return dict(zip(KINDS, (permuted, swapped, rarer, below), strict=True))[kind]


def trial(kind: str, width: int, x: Rows, y: NDArray[np.int64], rng: np.random.Generator) -> Arrays:
    """Shuffle the stream, change it somewhere, and let a Hoeffding tree learn on it.

    Parameters
    ----------
    kind
        One of `KINDS`.
    width
        Rows over which the change becomes certain, 0: at once.
    x, y
        The stream: (rows, features), and labels 0 or 1.
    rng
        Of the trial.

    Returns
    -------
    Arrays
        What a `Trial` says.
    """
    order = rng.permutation(len(x))
    x, y = x[order], y[order]
    start = int(len(x) * rng.uniform(*REGION))
    change = change_of(kind, x, rng)
    model: Any = HoeffdingTreeClassifier()
    errors, rows = [], []
    for i, row, label in _changed(x, y, start, width, change, rng):
        features = dict(enumerate(row.tolist()))
        if i > TRAINING * len(x):
            errors.append(model.predict_one(features) != label)
            rows.append(i)
        model.learn_one(features, label)
    return {
        "errors": np.array(errors, np.bool_),
        "rows": np.array(rows, np.int64),
        "change": np.array(start),
    }


def _changed(
    x: Rows,
    y: NDArray[np.int64],
    start: int,
    width: int,
    change: Change,
    rng: np.random.Generator,
) -> Iterator[tuple[int, Rows, int]]:
    for i, (row, label) in enumerate(zip(x, y.tolist(), strict=True)):
        changed: tuple[Rows, int] | None = (row, label)
        if i >= start + width or (i >= start and rng.random() < (i - start) / width):
            changed = change(row, label)
        if changed is not None:
            yield i, *changed


@dataclass(slots=True)
class Score:
    """Alarms over all trials: right, wrong, changes missed, delays."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    delays: tuple[int, ...] = ()

    def add(self, alarms: NDArray[np.int64], change: int, *, late: bool) -> None:
        """Count the alarms of a trial; `late`: those after the last window too."""
        within = (alarms >= change) & (alarms <= change + MAX_DELAY)
        outside = ~within if late else alarms < change
        self.right += int(within.sum())
        self.wrong += int(outside.sum())
        if within.any():
            self.delays += (int(alarms[within][0] - change),)
        else:
            self.missed += 1

    @property
    def f1(self) -> float:
        """Harmonic mean of precision over alarms and recall over changes, as published."""
        twice = 2.0 * self.right
        return twice / (twice + self.wrong + self.missed) if self.right else 0.0
