"""The join of events with their labels: which pairs there are, and what becomes of the rest.

What a label is told as depends on its event, on itself and on the labels before it in their log,
not on how the logs were interleaved when they were read:

- *late*, when the latest time of its model's labels so far is more than a horizon after the event;
- *unmatched*, when it is more than two horizons; and when the model's events had come more than a
  horizon past the label before its event came.

That holds as long as no log of a model is read further than a horizon of event time ahead of the
other: what waits longer than that has to be forgotten at some point.
"""

from collections.abc import Callable, Sequence

from streamproc.contract.config import Config
from streamproc.core.join_coverage import coverage
from streamproc.core.join_entry import Input
from streamproc.core.join_portion import Joined, Portion, Rules
from streamproc.core.join_read import read
from streamproc.core.join_shelf import MemoryShelf, Shelf
from streamproc.core.join_write import Writer
from streamproc.core.record import Record


class Join:
    """Joins one partition's events with their labels.

    Parameters
    ----------
    config
        The whole configuration.
    partition
        Its number, the same in all topics.
    shelf
        Where what waits is kept; in memory by default.
    asks
        Whether the events of a model are told when they come.

    Notes
    -----
    Any split of the records gives the same. When `process` returns, the shelf has all of it.
    """

    def __init__(
        self,
        config: Config,
        partition: int,
        shelf: Shelf | None = None,
        asks: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.shelf: Shelf = MemoryShelf() if shelf is None else shelf
        self._config = config
        self._partition = partition
        topics = config.topics
        self._names = (
            topics.full_name("predictions"),
            topics.full_name("features"),
            topics.full_name("labels"),
        )
        self._rules = Rules(
            horizon=config.labels.horizon.total_seconds(),
            most=config.labels.max_pending,
            asks=asks,
            writer=Writer(self._names, partition),
        )

    def process(self, records: Sequence[tuple[Input, Record]]) -> Joined:
        """Take the next records of the three logs, in the order in which they are joined."""
        found = read(records, self._config, self._names, self._partition)
        portion = Portion(self._rules, self.shelf, found.items)
        for item in found.items:
            portion.take(item)
        portion.save()
        portion.joined.dead_letters = found.dead_letters
        return portion.joined

    def coverage(self, model_id: str) -> dict[float, float]:
        """Return the share of a model's events with a label, by their age in seconds."""
        clock = self.shelf.clocks([model_id]).get(model_id)
        if clock is None:
            return {}
        now = max(clock.events, clock.labels)
        return coverage(clock.tally, now, self._rules.horizon)
