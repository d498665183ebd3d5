"""Choose the idle models to evict at the limit of series."""

from collections.abc import Mapping
from typing import Final

MIN_PATIENCE: Final = 200
"""Minimum records without an event of a model before it is idle: as many as a warm-up takes."""
_PATIENT: Final = 4
_AT_ONCE: Final = 16


class Idle:
    """Choose models that have had no event for a long time.

    Idle time is counted in offsets of the partition, so the choice depends on its log only, and
    event times in the future have no effect. A model is idle after `capacity` / 4 records, so a
    flood of model names that are used once cannot evict active models.

    Parameters
    ----------
    capacity
        Maximum number of series.

    Attributes
    ----------
    patience
        Records without an event after which a model is idle.
    due
        Offset from which on evictions are tried again for waiting series; 0 if none waits.
    """

    def __init__(self, capacity: int) -> None:
        self.patience = max(MIN_PATIENCE, capacity // _PATIENT)
        self.due = 0
        self._more = capacity // _AT_ONCE
        self._none_before = 0

    def possible(self, offset: int) -> bool:
        """Whether a model may be idle at an offset; False only if none is."""
        return offset >= self._none_before

    def wait(self, offset: int, *, waiting: bool) -> None:
        """Schedule the next attempt to evict models, if series wait."""
        self.due = offset + self.patience if waiting else 0

    def choose(
        self, lasts: Mapping[str, int], sizes: Mapping[str, int], wanted: int, offset: int
    ) -> list[str]:
        """Return the models to evict, longest idle first.

        Parameters
        ----------
        lasts, sizes
            Offset of the last event, and number of series, by model.
        wanted
            Number of series to free. A sixteenth of the capacity is freed on top, as far as models
            are idle: sorting all models for each new one would take quadratic time.
        offset
            Current offset.
        """
        found: list[str] = []
        by_age = sorted(lasts, key=lambda name: (lasts[name], name))
        freed = 0
        for name in by_age:
            if freed >= wanted + self._more or offset - lasts[name] < self.patience:
                self._none_before = lasts[name] + self.patience
                break
            found.append(name)
            freed += sizes[name]
        return found
