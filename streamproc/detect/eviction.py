"""Which models are forgotten when there is no room for another one."""

from collections.abc import Mapping
from typing import Final

MIN_PATIENCE: Final = 200
"""Records of a partition within which no model is forgotten: as many as a series warms up with."""
_PATIENT: Final = 4
_AT_ONCE: Final = 16


class Idle:
    """Chooses models that have had no event for long.

    Time is counted in offsets of the partition, so that the choice depends on its log alone, and
    an event with a date in the future makes nobody idle. A model is idle after a quarter as many
    records as there is room for series: a flood of names that are used once cannot push out models
    that are at work.

    Parameters
    ----------
    room
        Series that there is room for.

    Attributes
    ----------
    patience
        Records without an event after which a model is idle.
    due
        Offset from which on it is worth looking again for room for those that wait; 0: none does.
    """

    def __init__(self, room: int) -> None:
        self.patience = max(MIN_PATIENCE, room // _PATIENT)
        self.due = 0
        self._more = room // _AT_ONCE
        self._none_before = 0

    def possible(self, offset: int) -> bool:
        """Whether some model may be idle at an offset; False only if none is."""
        return offset >= self._none_before

    def wait(self, offset: int, *, waiting: bool) -> None:
        """Say when to look for room again, if some series wait for it."""
        self.due = offset + self.patience if waiting else 0

    def choose(
        self, lasts: Mapping[str, int], sizes: Mapping[str, int], wanted: int, offset: int
    ) -> list[str]:
        """Choose models to forget, the one idle longest first.

        Parameters
        ----------
        lasts, sizes
            Of each model: offset of its last event, and how many series it has.
        wanted
            Series that are needed. A sixteenth of the room more is made at once, as far as models
            are idle: to look through all of them for each new one would take a quadratic time.
        offset
            Of now.
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
