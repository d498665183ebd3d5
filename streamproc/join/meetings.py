"""How many labels of each model have found their event on one partition."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

# Names of models may come without end; the first ones show a wrong partitioner as well as all.
MAX_MODELS: Final = 10_000


@dataclass(slots=True)
class Meeting:
    """Events and labels of one model on one partition, since its join began.

    Attributes
    ----------
    events
        Events that may have labels.
    labels
        Labels that came; those of before the first event here are not counted.
    alone
        Labels among them whose event has not come.
    first
        Time of the earliest event, in seconds since 1970; infinite without one.
    """

    events: int = 0
    labels: int = 0
    alone: int = 0
    first: float = float("inf")

    def event(self, time: float, waiting: int) -> None:
        """Count an event, for which so many labels waited."""
        self.events += 1
        self.first = min(self.first, time)
        self.alone = max(0, self.alone - waiting)

    def label(self, time: float, *, met: bool) -> None:
        """Count a label."""
        if met or not self.events or time >= self.first:
            self.labels += 1
            self.alone += not met


class Meetings:
    """The meetings of all models of a partition.

    Attributes
    ----------
    of : dict
        By model.
    """

    def __init__(self) -> None:
        self.of: dict[str, Meeting] = {}

    def models(self, names: Iterable[str]) -> dict[str, Meeting]:
        """Return those of some models; of models beyond the cap nothing is kept."""
        found = {}
        for name in names:
            meeting = self.of.get(name)
            if meeting is None:
                meeting = Meeting()
                if len(self.of) < MAX_MODELS:
                    self.of[name] = meeting
            found[name] = meeting
        return found
