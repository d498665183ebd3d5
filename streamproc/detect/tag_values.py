"""Choose which values of a tag are watched: those that many events have."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

ADMITTED: Final = 100
"""Events with a value, for certain, after which it is watched."""
SPARE: Final = 100
"""Counters of values that are not watched."""
MAX_CHARACTERS: Final = 255
"""Characters of a value above which its events are in no segment."""
OTHER: Final = -1


class TagCounts(msgspec.Struct, array_like=True):
    """The state of a `TagValues`, as a snapshot has it.

    Attributes
    ----------
    watched
        The values that are watched, in the order in which they were chosen.
    counts
        By value that is not watched: its counter, which is its number of events or less.
    others
        Number of events with another value than those that are watched.
    """

    watched: list[str] = []
    counts: dict[str, int] = {}
    others: int = 0


class TagValues:
    """The values of one tag of one model.

    A value is watched from its hundredth event on, as long as fewer than `largest` are. Then these
    are the ones that most events have, if the mix does not change meanwhile, and how the log is
    split does not matter. Values that are not watched have 100 counters (Misra and Gries 1982): a
    value that finds all of them taken lowers each by one, and frees those that are at zero. So a
    counter is never too high, and of a tag with a different value in each event none is watched.

    Parameters
    ----------
    largest
        Number of values that are watched at most.

    Attributes
    ----------
    watched
        Place of each value that is watched.
    others
        Number of events with another value, as far as counters tell.

    Examples
    --------
    >>> values = TagValues(largest=1)
    >>> places = values.places(["eu"] * 100 + ["us"] * 100 + ["eu", None])
    >>> places[[98, 99, 199, 200, 201]].tolist(), values.others
    ([-1, 0, -1, 0, -1], 100)
    """

    def __init__(self, largest: int, state: TagCounts | None = None) -> None:
        state = TagCounts() if state is None else state
        self._largest = largest
        self.watched = {value: place for place, value in enumerate(state.watched[:largest])}
        self._counts = dict(state.counts)
        self.others = state.others

    def places(self, values: Sequence[str | None]) -> Ints:
        """Count the values of events, in log order.

        Returns
        -------
        ndarray
            (events,): place of the value in `watched`, -1 for others and events without the tag.
        """
        known, found = self.watched, np.empty(len(values), np.int64)
        for event, value in enumerate(values):
            if value is None:
                found[event] = OTHER
                continue
            place = known.get(value)
            found[event] = self._count(value) if place is None else place
        return found

    def state(self) -> TagCounts:
        """Return all there is to know."""
        return TagCounts(list(self.watched), dict(self._counts), self.others)

    def _count(self, value: str) -> int:
        """Count a value that is not watched; return its place if it is from now on."""
        counts = self._counts
        if len(self.watched) < self._largest and len(value) <= MAX_CHARACTERS:
            if value in counts or len(counts) < SPARE:
                counts[value] = counts.get(value, 0) + 1
            else:
                self._counts = {each: count - 1 for each, count in counts.items() if count > 1}
            if counts.get(value) == ADMITTED:
                return self._watch(value)
        self.others += 1
        return OTHER

    def _watch(self, value: str) -> int:
        self.others -= self._counts.pop(value) - 1  # this event has not been counted there
        place = self.watched[value] = len(self.watched)
        if len(self.watched) == self._largest:
            self._counts.clear()
        return place
