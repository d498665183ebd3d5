"""One set of detectors, and the slots of all series that it watches."""

import numpy as np
from numpy.typing import NDArray

from detectors.watch import Watch
from streamproc.contract.watch import DetectorSpec


class Profile:
    """One set of detectors with one setting each, and a slot for every series it watches.

    Attributes
    ----------
    settings
        The hash of each detector's settings, by its name: a part of alert ids.
    categories
        Whether they watch categories.
    open
        (slots,): whether the series of a slot has an open incident.
    """

    def __init__(self, specs: tuple[DetectorSpec, ...]) -> None:
        self.settings = {spec.name: spec.hash for spec in specs}
        self.categories = any(spec.of_categories for spec in specs)
        self.watch = Watch({spec.name: spec.params for spec in specs})
        self.open: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.used = 0

    def take(self) -> int:
        """Return a slot that no series has yet."""
        if self.used == self.watch.size:
            self.watch.resize(max(64, self.watch.size + self.watch.size // 2))
            self.open = np.append(self.open, np.zeros(self.watch.size - self.used, np.bool_))
        self.used += 1
        return self.used - 1
