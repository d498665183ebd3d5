"""Join events with their labels, and classify late and unmatched labels.

The status of a label depends on its event, on itself and on earlier labels in their log, not on how
the logs were interleaved when they were read:

- *late*, if its own time, or the watermark of its model's labels, is more than a grace period after
  the event;
- *unmatched*, if it is more than two grace periods; also if its event's own time, or the watermark
  of its model's events when that came, is more than a grace period after the label.

A watermark is the latest time of its log that later records have confirmed: a wrong time only
affects its own event or label (`streamproc.join.watermark`).

This holds while no watermark of a model is more than a grace period ahead of the other: entries
that wait longer are removed.
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
from streamproc.schemas.series import ESTIMATED

MAX_MODELS: Final = 10_000


class Join:
    """Join one partition's events with their labels.

    Parameters
    ----------
    config
        The whole configuration.
    partition
        Partition number, the same in all topics.
    shelf
        Stores entries that wait; in memory by default.
    asks
        Returns whether a model's events are published as outcomes when they come.
    from_start
        Whether all events are joined, so that a label without one is worth reporting.

    Attributes
    ----------
    meetings : Meetings
        Counts of labels that found their event since the start; no outcome depends on them.

    Notes
    -----
    Any split of the records gives the same result. When `process` returns, the store is up to date.
    """

    def __init__(
        self,
        config: Config,
        partition: int,
        shelf: JoinStore | None = None,
        asks: Callable[[str], bool] = lambda _: False,
        *,
        from_start: bool = True,
    ) -> None:
        self.shelf: JoinStore = InMemoryStore() if shelf is None else shelf
        self._config = config
        self._partition = partition
        topics = config.topics
        self._names = (
            topics.full_name("predictions"),
            topics.full_name("features"),
            topics.full_name("labels"),
        )
        horizon = config.labels.horizon.total_seconds()
        self.meetings = Meetings(0.0 if from_start else horizon)
        after = config.labels.compare_after
        age = horizon if after is None else min(horizon, after.total_seconds())
        self._segments: dict[str, tuple[str, ...]] = {}
        self._estimates: dict[str, tuple[bool, tuple[str, ...]]] = {}
        self._rules = JoinSettings(
            horizon=horizon,
            age=age,
            grid=age_buckets(horizon, age, STEPS),
            parts=age_buckets(horizon, age, PART_STEPS),
            max_entries=config.labels.max_pending,
            asks=asks,
            estimated=lambda model_id: self._estimated(model_id)[0],
            tags=lambda model_id: self._estimated(model_id)[1],
            writer=OutcomeEncoder(self._names, partition),
        )

    def process(self, records: Sequence[tuple[InputLog, Record]]) -> JoinResult:
        """Join the next records of the three logs, given in the order of joining."""
        found = decode(records, self._config, self._names, self._partition, self._tags)
        portion = BatchJoin(self._rules, self.shelf, found.items, self.meetings)
        for item in found.items:
            portion.take(item)
        portion.save()
        portion.joined.dead_letters = found.dead_letters
        portion.joined.implausible = found.implausible
        return portion.joined

    def coverage(self, model_id: str) -> dict[float, float]:
        """Return the share of a model's events with a label, in [0, 1], by age in seconds."""
        clock = self.shelf.clocks([model_id]).get(model_id)
        if clock is None:
            return {}
        return coverage(clock.tally, clock.now, self._rules.grid)

    def parts(self, model_id: str) -> dict[tuple[str, str], dict[float, float]]:
        """Return the same by cohort: dimension and value, with `other` for rare values."""
        clock = self.shelf.clocks([model_id]).get(model_id)
        if clock is None:
            return {}
        now = clock.now
        return {
            (by, value if value != OTHERS else "other"): coverage(tally, now, self._rules.parts)
            for by, tallies in clock.parts.items()
            for value, tally in tallies.items()
        }

    def _estimated(self, model_id: str) -> tuple[bool, tuple[str, ...]]:
        """Return whether detectors watch the estimated error of a model, and by which tags."""
        found = self._estimates.get(model_id)
        if found is None:
            config = self._config.model(model_id)
            watched = bool(config.detectors(ESTIMATED))
            segments = config.segments if watched else None
            found = watched, () if segments is None else segments.tags
            if len(self._estimates) >= MAX_MODELS:  # model names are unbounded
                self._estimates.clear()
            self._estimates[model_id] = found
        return found

    def _tags(self, model_id: str) -> tuple[str, ...]:
        """Return the tags that define a model's cohorts."""
        found = self._segments.get(model_id)
        if found is None:
            online = self._config.model(model_id).online
            per = () if online is None else online.per
            found = tuple(dict.fromkeys((*self._config.labels.segments, *per)))
            if len(self._segments) >= MAX_MODELS:  # model names are unbounded
                self._segments.clear()
            self._segments[model_id] = found
        return found
