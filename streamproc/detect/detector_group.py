"""One set of detectors, and the slots of all series that it watches."""

import numpy as np
from numpy.typing import NDArray

from detectors.runtime.dtypes import Floats, Ints
from detectors.series_monitor import SeriesMonitor
from streamproc.config.detector_spec import DetectorSpec, labelled


class DetectorGroup:
    """One set of detectors with one setting each, and a slot for every series it watches.

    Attributes
    ----------
    settings
        The hash of each detector's settings, by its label: a part of alert ids.
    categories
        Whether they watch categories.
    open
        (slots,): whether the series of a slot has an open incident.
    spare
        Slots below `used` that no series has any more.
    """

    def __init__(self, specs: tuple[DetectorSpec, ...]) -> None:
        named = labelled(specs)
        self.settings = {label: spec.hash for label, spec in named.items()}
        self.categories = any(spec.of_categories for spec in specs)
        # One `watch` entry gave them all, so all are whitened or none.
        whiten = any(spec.whitened for spec in specs)
        self.watch = SeriesMonitor(
            {label: spec.params for label, spec in named.items()}, whiten=whiten
        )
        self.open: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.used = 0
        self.spare: list[int] = []

    def acquire(self) -> int:
        """Return a slot that no series has."""
        if self.spare:
            return self.spare.pop()
        if self.used == self.watch.size:
            self.watch.resize(max(64, self.watch.size + self.watch.size // 2))
            self.open = np.append(self.open, np.zeros(self.watch.size - self.used, np.bool_))
        self.used += 1
        return self.used - 1

    def seed(self, slot: int, values: Floats) -> None:
        """Show a slot values that are of no event: what it is to take for usual."""
        task = np.array([[0, 0, len(values), slot]], np.int64)
        never, nowhere = np.full(len(values), np.nan), np.full(len(values), -1, np.int64)
        self.watch.scan(values[None], task, never, nowhere)

    def prime_zeros(self, counts: Ints) -> None:
        """Show slots zeros that are of no event; `counts` is (slots, 2): slot, how many."""
        longest = int(counts[:, 1].max(initial=0))
        tasks = np.zeros((len(counts), 4), np.int64)
        tasks[:, 2], tasks[:, 3] = counts[:, 1], counts[:, 0]
        never, nowhere = np.full(longest, np.nan), np.full(longest, -1, np.int64)
        self.watch.scan(np.zeros((1, longest)), tasks, never, nowhere)

    def release(self, *slots: int) -> None:
        """Take slots from their series, for other ones."""
        freed = np.array(slots, np.int64)
        self.watch.reset(freed)
        self.open[freed] = False
        self.spare += slots
