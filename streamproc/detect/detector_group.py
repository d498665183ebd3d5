"""Group the series that are watched by the same detectors with the same settings."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from streamproc.config.detector_spec import DetectorSpec, labelled
from streamproc.detect.run_lengths import RunLengths, params_at, run_lengths
from streamproc.detectors.runtime.dtypes import Floats, Ints
from streamproc.detectors.series_monitor import WARMUP, SeriesMonitor


class DetectorGroup:
    """A set of configured detectors, with a slot for each series that they watch.

    Parameters
    ----------
    specs
        The detectors.
    follow
        Whether series are followed over their whole lives, unless the detectors say otherwise.

    Attributes
    ----------
    settings
        Hash of each detector's settings by label; part of alert ids.
    categories
        Whether the series are categories.
    warmup
        Values that a series of numbers is learned from.
    watch
        The detectors and their state, one slot per series.
    open
        (slots,): whether the series of a slot has an open incident.
    next_check
        (slots,): values without an alarm after which it is looked at.
    due
        (slots,): event time from which it has an alert without an alarm; infinite: none.
    used
        Number of allocated slots.
    spare
        Free slots below `used`.
    """

    def __init__(self, specs: tuple[DetectorSpec, ...], *, follow: bool = False) -> None:
        self._specs = named = labelled(specs)
        self.settings = {label: spec.hash for label, spec in named.items()}
        self.categories = any(spec.of_categories for spec in specs)
        # All are of one `watch` entry, so all are whitened or none.
        whiten = any(spec.whitened for spec in specs)
        follow = follow and not whiten and all(spec.followed for spec in specs)
        self.warmup = next((spec.warmup for spec in specs if spec.warmup is not None), WARMUP)
        season = specs[0].season if specs else "learned"
        detectors = {label: spec.params for label, spec in named.items()}
        self.watch = SeriesMonitor(
            detectors, warmup=self.warmup, whiten=whiten, follow=follow, season=season
        )
        self.open: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.next_check: Ints = np.zeros(0, np.int64)
        self.due: Floats = np.zeros(0)
        self.used = 0
        self.spare: list[int] = []
        self._seeded = 0

    @property
    def values(self) -> int:
        """Number of non-missing values of events that all slots have seen, since this was made."""
        return self.watch.values - self._seeded

    @cached_property
    def run_lengths(self) -> dict[str, RunLengths]:
        """The run lengths that each detector may be set to, by label."""
        return {label: run_lengths(spec) for label, spec in self._specs.items()}

    def tune(self, level: float | None) -> None:
        """Set the run length of all detectors as far as each can have it; None: as configured.

        Alert ids do not change: an event that alarms with one threshold is the same with another.
        """
        self.watch.tune(
            {
                label: params_at(spec, self.run_lengths[label], level)
                for label, spec in self._specs.items()
            }
        )

    def acquire(self, count: int) -> list[int]:
        """Allocate a slot for each of `count` series."""
        reused = min(count, len(self.spare))
        found = [self.spare.pop() for _ in range(reused)]
        used, size = self.used + count - reused, self.watch.size
        if used > size:
            self.watch.resize(max(64, size + size // 16, used))
            self.grow()
        found += range(self.used, used)
        self.used = used
        return found

    def grow(self) -> None:
        """Make room for the incidents of all slots; new slots have none."""
        more = self.watch.size - len(self.open)
        self.open = np.append(self.open, np.zeros(more, np.bool_))
        more = self.watch.size - len(self.due)
        self.next_check = np.append(self.next_check, np.zeros(more, np.int64))
        self.due = np.append(self.due, np.full(more, np.inf))

    def mark(self, slot: int, due: float, next_check: int) -> None:
        """Note that a slot has an open incident, and when that is to be looked at."""
        self.open[slot], self.due[slot], self.next_check[slot] = True, due, next_check

    def clear(self, *slots: int) -> None:
        """Note that slots have no open incident."""
        freed = list(slots)
        self.open[freed], self.due[freed] = False, np.inf

    def seed(self, slot: int, values: Floats) -> None:
        """Feed reference values to a slot, as if they came before its first event."""
        task = np.array([[0, 0, len(values), slot]], np.int64)
        never, nowhere = np.full(len(values), np.nan), np.full(len(values), -1, np.int64)
        self.watch.scan(values[None], task, never, nowhere)
        self._seeded += int(np.count_nonzero(~np.isnan(values)))

    def prime_zeros(self, counts: Ints) -> None:
        """Feed zeros to slots before their first event; `counts` is (slots, 2): slot, number."""
        longest = int(counts[:, 1].max(initial=0))
        tasks = np.zeros((len(counts), 4), np.int64)
        tasks[:, 2], tasks[:, 3] = counts[:, 1], counts[:, 0]
        never, nowhere = np.full(longest, np.nan), np.full(longest, -1, np.int64)
        self.watch.scan(np.zeros((1, longest)), tasks, never, nowhere)
        self._seeded += int(counts[:, 1].sum())

    def release(self, *slots: int) -> None:
        """Reset and free slots."""
        freed = np.array(slots, np.int64)
        self.watch.reset(freed)
        self.clear(*slots)
        self.spare += slots
