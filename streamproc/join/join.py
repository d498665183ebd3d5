"""The join of events with their labels: which pairs there are, and what becomes of the rest.

What a label is told as depends on its event, on itself and on the labels before it in their log,
not on how the logs were interleaved when they were read:

- *late*, when its own time, or the watermark of its model's labels, is more than a horizon after
  the event;
- *unmatched*, when it is more than two horizons; and when its event's own time, or the watermark
  of its model's events when that came, is more than a horizon after the label.

A watermark is the latest time of its log that others have confirmed: a wrong time harms its own
event or label only (`streamproc.join.watermark`).

That holds as long as no watermark of a model is further than a horizon ahead of the other: what
waits longer than that has to be forgotten at some point.
"""

from collections.abc import Callable, Sequence
from typing import Final

from streamproc.config.config import Config
from streamproc.join.batch_join import BatchJoin, JoinResult, JoinSettings
from streamproc.join.coverage import OTHERS, PART_STEPS, STEPS, age_buckets, coverage
from streamproc.join.decode import decode
from streamproc.join.encode import OutcomeEncoder
from streamproc.join.entry import InputLog
from streamproc.join.meetings import Meetings
from streamproc.join.store import InMemoryStore, JoinStore
from streamproc.schemas.records import Record

MAX_MODELS: Final = 10_000


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

    Attributes
    ----------
    meetings : Meetings
        Which labels found their event, since this join began; no outcome depends on it.

    Notes
    -----
    Any split of the records gives the same. When `process` returns, the shelf has all of it.
    """

    def __init__(
        self,
        config: Config,
        partition: int,
        shelf: JoinStore | None = None,
        asks: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.shelf: JoinStore = InMemoryStore() if shelf is None else shelf
        self.meetings = Meetings()
        self._config = config
        self._partition = partition
        topics = config.topics
        self._names = (
            topics.full_name("predictions"),
            topics.full_name("features"),
            topics.full_name("labels"),
        )
        horizon = config.labels.horizon.total_seconds()
        after = config.labels.compare_after
        age = horizon if after is None else min(horizon, after.total_seconds())
        self._segments: dict[str, tuple[str, ...]] = {}
        self._rules = JoinSettings(
            horizon=horizon,
            age=age,
            grid=age_buckets(horizon, age, STEPS),
            parts=age_buckets(horizon, age, PART_STEPS),
            most=config.labels.max_pending,
            asks=asks,
            writer=OutcomeEncoder(self._names, partition),
        )

    def process(self, records: Sequence[tuple[InputLog, Record]]) -> JoinResult:
        """Take the next records of the three logs, in the order in which they are joined."""
        found = decode(records, self._config, self._names, self._partition, self._tags)
        portion = BatchJoin(self._rules, self.shelf, found.items, self.meetings)
        for item in found.items:
            portion.take(item)
        portion.save()
        portion.joined.dead_letters = found.dead_letters
        portion.joined.implausible = found.implausible
        return portion.joined

    def coverage(self, model_id: str) -> dict[float, float]:
        """Return the share of a model's events with a label, by their age in seconds."""
        clock = self.shelf.clocks([model_id]).get(model_id)
        if clock is None:
            return {}
        return coverage(clock.tally, clock.now, self._rules.grid)

    def parts(self, model_id: str) -> dict[tuple[str, str], dict[float, float]]:
        """Return the same by what events are told apart, and by its value; `other` at last."""
        clock = self.shelf.clocks([model_id]).get(model_id)
        if clock is None:
            return {}
        now = clock.now
        return {
            (by, value if value != OTHERS else "other"): coverage(tally, now, self._rules.parts)
            for by, tallies in clock.parts.items()
            for value, tally in tallies.items()
        }

    def _tags(self, model_id: str) -> tuple[str, ...]:
        """Name the tags by which a model's events are told apart."""
        found = self._segments.get(model_id)
        if found is None:
            online = self._config.model(model_id).online
            per = () if online is None else online.per
            found = tuple(dict.fromkeys((*self._config.labels.segments, *per)))
            if len(self._segments) >= MAX_MODELS:  # names of models may come without end
                self._segments.clear()
            self._segments[model_id] = found
        return found
