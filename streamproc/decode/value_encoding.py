"""Encode texts and embeddings as numbers."""

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from detectors.series.embedding import OUTPUTS, Embedder
from streamproc.decode.vocabulary import Vocabulary

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Encoders:
    """The texts and the embeddings of one partition.

    Attributes
    ----------
    texts
        Every text's number.
    vectors
        What is remembered of each embedding, one a slot.
    used
        How many of its slots are in use.
    spare
        Slots below `used` that no embedding has any more.
    """

    def __init__(self) -> None:
        self.texts = Vocabulary()
        self.vectors = Embedder()
        self.used = 0
        self.spare: list[int] = []

    def take(self) -> int:
        """Return a slot that no embedding has."""
        if self.spare:
            return self.spare.pop()
        if self.used == self.vectors.size:
            self.vectors.resize(max(16, self.vectors.size + self.vectors.size // 2))
        self.used += 1
        return self.used - 1

    def give_back(self, slots: Iterable[int]) -> None:
        """Take slots from their embeddings, for other ones."""
        freed = list(slots)
        self.vectors.reset(np.array(freed, np.int64))
        self.spare += freed

    def numbers(self, texts: Sequence[str | None]) -> list[float]:
        """Turn texts into numbers, missing ones into NaN."""
        return list(map(self.texts.__getitem__, texts))

    def embedded(self, lists: Sequence[list[float] | None], runs: Ints, slots: Ints) -> Floats:
        """Turn embeddings into the numbers that are watched of them.

        Parameters
        ----------
        lists
            One an event, the events of a model side by side.
        runs
            (models, 3): row in the layout, first event, event after the last.
        slots
            (models,): slot of each run's embedding; below 0 where nothing of it is watched.

        Returns
        -------
        ndarray of float64, (3, events)
            NaN where the list is missing. The norm of one that is not watched is 0: that it
            is there is watched all the same.
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
