"""Keep the features and losses of some labels of a model version, to explain its errors later.

Kept are the last `RECENT` labels, and every `STEP`-th of the `EARLIER` before them. So there are
labels from before a change, whether it is noticed soon or late. Which ones are kept depends on the
numbers of the labels alone, so any split into slices keeps the same.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamproc.performance.error_parts import explain
from streamproc.performance.feature_reader import MAX_NUMBER, TEXT, names_of, row_reader
from streamproc.performance.losses import ScoredPrediction
from streamproc.schemas.alerts import Contributor
from streamproc.schemas.series import BRIER

RECENT: Final = 256
EARLIER: Final = 2048
STEP: Final = 8
MAX_FEATURES: Final = 100
"""Features of a version that are kept, in the order of their first label: 2 kB each."""
_FIRST: Final = 64
"""Labels of a version that are all looked at for names of features; then every `STEP`-th is."""
_WAITING: Final = 16
"""Labels that may wait until they are read."""

Values = NDArray[np.float32]


class Label(NamedTuple):
    """A label of the current slice.

    Attributes
    ----------
    number
        From 1 on.
    features
        As JSON; they are read once it is known whether the label is kept.
    known
        How many features had been seen.
    loss
        Loss of the prediction.
    """

    number: int
    features: msgspec.Raw
    known: int
    loss: float


class FeatureRows:
    """Labels of one model version, oldest first.

    Attributes
    ----------
    names
        Column of each feature.
    numbers
        Number of each label of earlier slices.
    losses
        Loss of each: the Brier score if its prediction had probabilities, else the error.
    values
        (labels, features): their features. What is missing is NaN, and a text is a hash of it from
        `TEXT` on.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = {name: column for column, name in enumerate(names)}
        self.numbers = np.empty(0, np.int64)
        self.losses = np.empty(0, np.float32)
        self.values = np.empty((0, len(self.names)), np.float32)
        self._fresh: list[Label] = []

    def add(self, number: int, features: msgspec.Raw, scored: ScoredPrediction) -> None:
        """Add a label with the next number; features that cannot be read are missing."""
        if number <= _FIRST or number % STEP == 0:
            for name in names_of(features):
                if len(self.names) < MAX_FEATURES:
                    self.names.setdefault(name, len(self.names))
        losses = dict(zip(scored.series, scored.losses, strict=True))
        loss = losses.get(BRIER, scored.losses[0])
        self._fresh.append(Label(number, features, len(self.names), loss))

    def trim(self) -> None:
        """Drop what has left the window, at the end of a slice.

        Where slices hold few labels, some wait: each time copies all labels.
        """
        if len(self._fresh) >= _WAITING:
            self.numbers, self.losses, self.values = self.sample(self._fresh[-1].number)
            self._fresh = []

    def explain(self, last: int, since: int) -> list[Contributor]:
        """Return the features that explain why a loss is larger in the labels since a change.

        Parameters
        ----------
        last
            Number of the last label.
        since
            How many labels, with the last one, are after the change.
        """
        numbers, losses, values = self.sample(last)
        loss = losses.astype(np.float64)
        sides = numbers <= last - since, numbers > last - since
        used = [name for name, of in self.names.items() if not np.isnan(values[:, of]).all()]
        before, after = (
            {name: values[side, self.names[name]].astype(np.float64) for name in used}
            for side in sides
        )
        texts = {name for name in used if (values[:, self.names[name]] >= TEXT).any()}
        parts = explain(before, after, (loss[sides[0]], loss[sides[1]]), texts)
        return [Contributor(series=f"feature:{name}", share=share) for name, share in parts]

    def sample(self, last: int) -> tuple[NDArray[np.int64], Values, Values]:
        """Return numbers, losses and values of the labels that are kept at a label."""
        old = _is_sampled(self.numbers, last)
        new = np.full((len(old), len(self.names) - self.values.shape[1]), np.nan, np.float32)
        fresh_numbers = np.array([label.number for label in self._fresh], np.int64)
        fresh = [self._fresh[at] for at in np.flatnonzero(_is_sampled(fresh_numbers, last))]
        losses = np.array([label.loss for label in fresh], np.float64).clip(max=MAX_NUMBER)
        return (
            np.concatenate([self.numbers[old], [label.number for label in fresh]]).astype(np.int64),
            np.concatenate([self.losses[old], losses.astype(np.float32)]),
            np.concatenate([np.hstack([self.values, new])[old], self._values(fresh)]),
        )

    def _values(self, labels: list[Label]) -> Values:
        names = tuple(self.names)
        found = np.full((len(labels), len(names)), np.nan)
        for known in {label.known for label in labels}:
            rows = [at for at, label in enumerate(labels) if label.known == known]
            read = row_reader(names[:known])
            values = np.array([read(labels[at].features) for at in rows], np.float64)
            found[rows, :known] = values.reshape(len(rows), known)
        text = (found >= TEXT) & (found < 2 * TEXT)
        return np.where(text, found, np.clip(found, -MAX_NUMBER, MAX_NUMBER)).astype(np.float32)


def _is_sampled(numbers: NDArray[np.int64], last: int) -> NDArray[np.bool_]:
    """Whether labels are kept at a label."""
    age = last - numbers
    recent = (age >= 0) & (age < RECENT)
    earlier = (age >= RECENT) & (age < RECENT + EARLIER) & (numbers % STEP == 0)
    found: NDArray[np.bool_] = recent | earlier
    return found
