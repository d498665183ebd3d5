"""The features of a model that few of its events have."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
BLOCK: Final = 32
"""Events of a model that give one value of a summarised missing-value series."""
NOT_BEGUN: Final = -1
"""Count of a feature whose first block has not begun."""


class SparseFeatures:
    """Features of one model whose missing-value series are summarised by blocks of events.

    Attributes
    ----------
    names
        Their names.
    slots
        (features,): slots of their missing-value series.
    counts
        (features,): events with the feature in the current block, `NOT_BEGUN` before the first one.

    Examples
    --------
    >>> sparse = SparseFeatures()
    >>> sparse.add([("coupon", 7, NOT_BEGUN)])
    >>> sparse.names, sparse.columns({"age": 0, "coupon": 1}).tolist()
    (['coupon'], [1])
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.slots: Ints = np.empty(0, np.int64)
        self.counts: Ints = np.empty(0, np.int64)
        self._found: tuple[Mapping[str, int], Ints] | None = None

    def add(self, features: Iterable[tuple[str, int, int]]) -> None:
        """Add features: name, slot and count."""
        added = list(features)
        self.names += [name for name, _, _ in added]
        self.slots = np.append(self.slots, np.array([slot for _, slot, _ in added], np.int64))
        self.counts = np.append(self.counts, np.array([count for *_, count in added], np.int64))
        self._found = None

    def columns(self, places: Mapping[str, int]) -> Ints:
        """Return the index of each feature; cached for as long as `places` is the same object."""
        if self._found is None or self._found[0] is not places:
            found = np.array([places[name] for name in self.names], np.int64)
            self._found = places, found
        return self._found[1]
