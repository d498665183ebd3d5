"""Encode categories and embeddings as numbers."""

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.vocabulary import Vocabulary
from streamproc.detectors.series.embedding import OUTPUTS, Embedder

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Encoders:
    """The encoders of one partition.

    Attributes
    ----------
    texts
        Number of each category.
    vectors
        State of each embedding, one slot each.
    used
        Number of allocated slots.
    spare
        Free slots below `used`.
    """

    def __init__(self) -> None:
        self.texts = Vocabulary()
        self.vectors = Embedder()
        self.used = 0
        self.spare: list[int] = []

    def take(self) -> int:
        """Allocate a slot for an embedding."""
        if self.spare:
            return self.spare.pop()
        if self.used == self.vectors.size:
            self.vectors.resize(max(16, self.vectors.size + self.vectors.size // 2))
        self.used += 1
        return self.used - 1

    def give_back(self, slots: Iterable[int]) -> None:
        """Reset and free slots."""
        freed = list(slots)
        self.vectors.reset(np.array(freed, np.int64))
        self.spare += freed

    def numbers(self, texts: Sequence[str | None]) -> list[float]:
        """Encode categories; missing ones become NaN."""
        return list(map(self.texts.__getitem__, texts))

    def embedded(self, lists: Sequence[list[float] | None], runs: Ints, slots: Ints) -> Floats:
        """Compute the watched outputs of embeddings.

        Parameters
        ----------
        lists
            One per event, grouped by model; None if missing.
        runs
            (models, 3): row in the layout, first event, event after the last.
        slots
            (models,): slot of each run's embedding; negative if none of its series is watched.

        Returns
        -------
        ndarray of float64, (3, events)
            NaN where the list is missing. The norm of an unwatched embedding is 0, so that
            missing values are still detected.
        """
        found = np.full((len(OUTPUTS), len(lists)), np.nan)
        present = [values or () for values in lists]
        lengths = np.fromiter(map(len, present), np.int64, len(present))
        bounds = np.append(np.int64(0), lengths.cumsum())
        found[0, lengths > 0] = 0.0
        flat = np.fromiter(chain.from_iterable(present), np.float64, int(bounds[-1]))
        tasks = np.column_stack([runs[:, 1:], slots])[slots >= 0]
        self.vectors.scan(flat, bounds, np.ascontiguousarray(tasks), found)
        return found
