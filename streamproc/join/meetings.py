"""Count the labels of each model that have found their event on one partition."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Model names are unbounded; the first ones are enough to show a wrong partitioner.
MAX_MODELS: Final = 10_000


@dataclass(slots=True)
class Meeting:
    """Events and labels of one model on one partition, since the start of its join.

    Attributes
    ----------
    events
        Events that may have labels.
    labels
        Labels that came; those before the first event here are not counted.
    alone
        Labels among them without an event.
    reused
        Events with the id of an earlier, different event, which their labels meet instead.
    first
        Time of the earliest event, in seconds since 1970; infinite without one.
    grace
        Seconds after `first` in which labels without an event are not counted, since their events
        may be older than the first record that was read; 0 if a log is read from its start.
    """

    events: int = 0
    labels: int = 0
    alone: int = 0
    reused: int = 0
    first: float = float("inf")
    grace: float = 0.0

    def event(self, time: float, waiting: int) -> None:
        """Count an event that `waiting` labels were waiting for."""
        if self.grace and not self.events:
            self.labels = self.alone = 0
        self.events += 1
        self.first = min(self.first, time)
        if waiting:
            self.alone = max(0, self.alone - waiting)

    def label(self, time: float, *, met: bool) -> None:
        """Count a label."""
        if met or not self.events or time >= self.first + self.grace:
            self.labels += 1
            self.alone += not met


class Meetings:
    """Label matching of all models of a partition.

    Parameters
    ----------
    grace
        As in `Meeting`.

    Attributes
    ----------
    of : dict
        By model.
    """

    def __init__(self, grace: float = 0.0) -> None:
        self._grace = grace
        self.of: dict[str, Meeting] = {}

    def models(self, names: Iterable[str]) -> dict[str, Meeting]:
        """Return the counts of some models; those beyond the cap are not stored."""
        found = {}
        for name in names:
            meeting = self.of.get(name)
            if meeting is None:
                meeting = Meeting(grace=self._grace)
                if len(self.of) < MAX_MODELS:
                    self.of[name] = meeting
            found[name] = meeting
        return found
