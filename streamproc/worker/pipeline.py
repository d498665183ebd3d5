"""Process slices in order: update the state, publish, snapshot; hold partition states."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.driver.slices import Slice
from streamproc.performance.unlabelled import RecentPredictions
from streamproc.pipeline.partition import PartitionMonitor
from streamproc.schemas.records import Record, SliceResult
from streamproc.worker.log_marks import LogChecker, RecordMark, mark_of
from streamproc.worker.metrics import Metrics
from streamproc.worker.model_alerts import ModelAlerts, Seen
from streamproc.worker.offsets import PartitionOffsets
from streamproc.worker.partition_state import PartitionState
from streamproc.worker.performance_metrics import PerformanceMetrics, Watched
from streamproc.worker.publisher import AlertPublisher
from streamproc.worker.snapshots.snapshots import Snapshots

Partition = tuple[str, int]

_log = logging.getLogger(__name__)


REREADS: Final = 5
"""How often records that were not delivered are read again; only a defect prevents all of it."""
_UNKNOWN: Final = PartitionOffsets()


class Pipeline:
    """Process slices, publish their alerts and dead letters, and write snapshots.

    Parameters
    ----------
    config
        The whole configuration.
    outbox
        Publishes alerts and dead letters.
    metrics
        What is counted.
    clock
        Seconds since 1970.
    snapshots
        Stores the state; None: the state is lost with the worker.
    """

    def __init__(
        self,
        config: Config,
        outbox: AlertPublisher,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
        snapshots: Snapshots[PartitionMonitor] | None = None,
    ) -> None:
        self._snapshots = snapshots
        self._awaited: set[Partition] = set()
        self._config = config
        self._outbox = outbox
        self._metrics = metrics
        self._clock = clock
        self._kinds = {config.topics.full_name(kind.value): kind for kind in Topic}
        self._held: dict[Partition, PartitionState] = {}
        self._rewound: dict[Partition, int] = {}
        # Position and last record of partitions that were revoked.
        self._left: dict[Partition, tuple[int, RecordMark]] = {}
        self._logs = LogChecker(config)
        #: Called with a partition that must be read from another offset.
        self.on_reread: Callable[[Partition], None] = lambda _: None
        #: Partitions whose committed offset is invalid, as of the last `resume`.
        self.distrusted: set[Partition] = set()
        metrics.show(PerformanceMetrics(self._watched))
        self._model_alerts = ModelAlerts(config, self._seen)
        metrics.show(self._model_alerts)

    @property
    def topics(self) -> tuple[str, ...]:
        """Names of the topics that are read."""
        return tuple(self._kinds)

    async def handle(self, part: Slice, mark: PartitionOffsets = _UNKNOWN) -> None:
        """Process a slice; when this returns, it may be acknowledged.

        The cluster confirms the output of a slice before the slice is acknowledged. A crash in
        between repeats alerts, with the same ids, and loses none.
        """
        held = self._hold(part, mark)
        if held is None:  # fetched before a rebalance; the new owner reads it, too
            return
        if not await self._same_log(held, part, mark):
            self._rewind(part, held)
            return
        if self._missed(part, held, mark):
            return
        await self._report_gap(held, part, mark)
        # 0. Recovery needs a snapshot before the first record.
        if held.keeper is not None and held.keeper.saved is None:
            await self._save(held, held.next or part.first_offset)
        # 1. Update the state. Records that it already has, after a seek, are skipped.
        records = part.records
        if held.next is not None and part.first_offset < held.next:
            records = tuple(record for record in records if record.offset >= held.next)
        began = time.perf_counter()
        held.settled = False
        outcome = held.shard.process(records, datetime.fromtimestamp(self._clock(), UTC))
        held.next = max(held.next or 0, part.last_offset + 1)
        if held.keeper is not None:
            held.keeper.mark = mark_of(part.records[-1])
        watched = time.perf_counter()
        # 2. Publish, and wait for confirmation.
        if part.first_offset < held.published_to:
            _drop_published(outcome, records, held.published_to)
        if outcome.versions:  # before the alerts that they explain
            await self._outbox.report(outcome.versions)
        lost = await self._outbox.publish(outcome.alerts, outcome.dead_letters)
        held.settled = True
        self._count(part.topic, records, outcome, (began, watched, time.perf_counter()), lost)
        # 3. Write a snapshot when it is due, and wait for confirmation.
        keeper, read = held.keeper, sum(len(record.value or b"") for record in records)
        if keeper and self._snapshots and self._snapshots.due(keeper, read):
            await self._save(held, held.next)

    async def save(self) -> None:
        """Write a snapshot of every state that has changed since its last one."""
        for held in list(self._held.values()):
            keeper = held.keeper
            if keeper and held.settled and held.next is not None and keeper.saved != held.next:
                await self._save(held, held.next)

    async def resume(
        self,
        committed: Mapping[Partition, int | None],
        generation: int,
        unsigned: Collection[Partition] = frozenset(),
    ) -> dict[Partition, int]:
        """Recover the state of the assigned partitions; return the offsets to resume at.

        Parameters
        ----------
        committed
            All assigned partitions with their committed offsets; None: nothing is committed.
        generation
            Generation of the group.
        unsigned
            Partitions whose committed offset another program wrote: it does not prove that
            anything was published.

        Returns
        -------
        dict
            Partition → offset, for partitions with a recovered state.
        """
        if self._snapshots is None:
            return {}
        missing = {tp: done for tp, done in committed.items() if tp not in self._held}
        await self._compare_left(missing)
        resumed = await self._snapshots.resume(missing, generation, unsigned, self._rewound)
        self.distrusted = {partition for partition, found in resumed.items() if found.rewound}
        for partition, found in resumed.items():
            self._rewound.pop(partition, None)
            held = PartitionState(found.state, found.next, found.published_to)
            held.keeper, held.rewound = found.keeper, found.rewound
            if found.gap is not None:
                await self._outbox.publish([found.gap], [])
            self._held[partition] = held
        self._awaited -= committed.keys()
        for partition, done in committed.items():
            held = self._held[partition]
            held.rereading = False
            if partition not in resumed and held.keeper is not None:
                # Another owner in between may have published what this one would repeat.
                if partition not in unsigned and not held.rewound:
                    held.published_to = max(held.published_to, done or 0)
                self._snapshots.promote(held.keeper, generation)
        offsets = {partition: self._held[partition].next for partition in committed}
        return {partition: at for partition, at in offsets.items() if at is not None}

    def retain(self, partitions: Iterable[Partition]) -> None:
        """Keep the state of these partitions only; other workers own the others now."""
        retained = set(partitions)
        for partition in self._held.keys() - retained:
            held = self._held.pop(partition)
            if held.keeper is not None and held.keeper.mark is not None:
                self._left[partition] = held.next or 0, held.keeper.mark
            self._metrics.forget(*partition)
        if self._snapshots is not None:
            self._awaited = retained - self._held.keys()
            return
        for partition in retained - self._held.keys():
            self._held[partition] = self._fresh(partition)

    def models(self, topic: str) -> dict[int, Collection[str]]:
        """Return the models seen on a topic, by assigned partition."""
        return {
            number: held.shard.catalogue.models.keys()
            for (name, number), held in self._held.items()
            if name == topic
        }

    def gauge(self, mark: Callable[[Partition], PartitionOffsets]) -> int:
        """Update the gauges; return the lag in records, at least 1 while it is unknown."""
        self._watched()
        behind = len(self._awaited)
        for partition, held in self._held.items():
            lag = mark(partition).lag(held.next)
            behind += lag
            self._metrics.state(*partition, held.shard, lag)
        return behind

    def _seen(self) -> Iterator[Seen]:
        """Yield the models of each partition, and their open incidents."""
        for held in self._held.values():
            yield Seen(held.shard.catalogue.models, held.shard.open_incidents)

    def _watched(self) -> dict[int, Watched]:
        """Return the performance of models by partition, linked to their recent predictions."""
        outcomes = self._config.topics.full_name("outcomes")
        predictions = self._config.topics.full_name("predictions")
        found: dict[int, Watched] = {}
        for (topic, number), held in self._held.items():
            if topic != outcomes or held.shard.truth is None:
                continue
            performance = held.shard.truth.performance
            seen = self._held.get((predictions, number))
            if seen is not None and (
                seen.shard.unlabelled is None
                or seen.shard.unlabelled.performance is not performance
            ):
                seen.shard.unlabelled = RecentPredictions(performance)
            found[number] = Watched(performance, seen.shard.unlabelled if seen else None)
        return found

    async def _save(self, held: PartitionState, following: int) -> None:
        if self._snapshots is not None and held.keeper is not None:
            await self._snapshots.save(held.keeper, held.shard, following)

    def _hold(self, part: Slice, mark: PartitionOffsets) -> PartitionState | None:
        partition = part.topic, part.partition
        held = self._held.get(partition)
        if self._snapshots is None and held is None:
            held = self._held[partition] = self._fresh(partition)
        if held is None or held.next is None or held.keeper is not None:
            return held
        if not self._from_other_log(held.next, part, mark):
            return held
        fresh = self._held[partition] = self._fresh(partition)
        return fresh

    async def _same_log(self, held: PartitionState, part: Slice, mark: PartitionOffsets) -> bool:
        """Whether the log of a slice is the one that the state was made from."""
        if held.keeper is None or held.next is None:
            return True
        last = held.keeper.mark
        is_shorter = _is_shorter(mark.end, held.next, part)
        if last is not None and (mark.suspect or is_shorter):
            return await self._logs.same((part.topic, part.partition), last)
        return not is_shorter

    def _missed(self, part: Slice, held: PartitionState, mark: PartitionOffsets) -> bool:
        """Whether records before a slice were fetched but not delivered, so it is not processed.

        Faust drops fetched records when a rebalance comes between their fetch and their delivery.
        They are read again, at most `REREADS` times.
        """
        following, begin = held.next, part.begin
        if following is None or begin is None or begin <= following:
            held.rereading = False  # the position was set
            return False
        if mark.out_of_range is not None:  # deleted
            return False
        if held.rereading:
            return True
        attempts = held.missed[1] if held.missed[0] == following else 0
        if attempts == REREADS:
            return False
        _log.warning(
            "%s-%d: offsets %d to %d were not delivered: reading them again",
            *(part.topic, part.partition, following, begin - 1),
        )
        held.missed, held.rereading = (following, attempts + 1), True
        self.on_reread((part.topic, part.partition))
        return True

    async def _report_gap(self, held: PartitionState, part: Slice, mark: PartitionOffsets) -> None:
        """Publish an alert when records were deleted, or are never delivered.

        Only an out-of-range fetch proves a deletion: compaction and transactions leave offsets
        without a record, too.
        """
        following = held.next
        if self._snapshots is None or following is None or part.first_offset <= following:
            return
        deleted, missed = mark.out_of_range is not None, (part.begin or 0) > following
        if not deleted and not missed:
            return
        span = max(following, mark.out_of_range or 0), part.first_offset
        text = f"records {span[0]} to {span[1] - 1} were " + (
            "deleted before they were read" if deleted else f"not delivered, {REREADS} times"
        )
        gap = self._snapshots.gap((part.topic, part.partition), span, text)
        await self._outbox.publish([gap], [])

    async def _compare_left(self, partitions: Iterable[Partition]) -> None:
        """Find partitions that are assigned again with another log than before.

        Deleting a topic revokes its partitions before the topic is recreated.
        """
        back = {each: self._left.pop(each) for each in partitions if each in self._left}
        if back and self._snapshots is not None:
            marks = {partition: mark for partition, (_, mark) in back.items()}
            for partition in await self._snapshots.contradicted(marks):
                self._rewound[partition] = back[partition][0]

    def _rewind(self, part: Slice, held: PartitionState) -> None:
        """Drop the state of a partition; `resume` finds the offset to continue at."""
        partition = part.topic, part.partition
        _log.warning(
            "%s-%d no longer has the last processed record, offset %d: looking for a snapshot"
            " that matches the log",
            *(*partition, (held.next or 0) - 1),
        )
        del self._held[partition]
        self._awaited.add(partition)
        self._rewound[partition] = held.next or 0
        self.on_reread(partition)

    def _from_other_log(self, state: int, part: Slice, mark: PartitionOffsets) -> bool:
        """Whether a state up to an offset does not belong to the log of this slice."""
        if mark.committed is not None and mark.committed > state:
            _log.warning(
                "another worker processed %s-%d up to offset %d: resetting its series",
                part.topic,
                part.partition,
                mark.committed,
            )
            return True
        end = mark.end if mark.log_end is None else mark.log_end
        if _is_shorter(end, state, part):
            _log.warning(
                "topic %s was recreated: partition %d ends at offset %d, before our position %d;"
                " resetting its series",
                part.topic,
                part.partition,
                end,
                state,
            )
            return True
        return False

    def _fresh(self, partition: Partition) -> PartitionState:
        topic, number = partition
        kind = self._kinds[topic]
        max_series = self._config.series_limit(kind.value)
        return PartitionState(PartitionMonitor(kind, topic, number, self._config, max_series))

    def _count(
        self,
        topic: str,
        records: Sequence[Record],
        outcome: SliceResult,
        times: tuple[float, float, float],
        lost: Collection[str],
    ) -> None:
        began, watched, published = times
        self._metrics.slice(topic, len(records), outcome)
        self._metrics.stages(watch=watched - began, publish=published - watched)
        now = self._clock()
        for position, alert in zip(outcome.positions, outcome.alerts, strict=True):
            if alert.alert_id in lost:
                self._metrics.alert_lost(alert)
            else:
                stamp = records[position].timestamp
                # 0 or less: the record has no timestamp.
                self._metrics.alert(alert, now - stamp / 1000 if stamp > 0 else None)
            self._model_alerts.count(alert)


def _is_shorter(end: int | None, following: int, part: Slice) -> bool:
    """Whether a log seems to end before the next offset of a state.

    Records from that offset on show that it does not: a fetch may return some beyond the end that
    it reports.
    """
    return end is not None and end < following and part.first_offset < following


def _drop_published(outcome: SliceResult, records: Sequence[Record], published_to: int) -> None:
    """Remove the output of records before an offset, which an earlier owner has published."""
    new = [
        (alert, position)
        for alert, position in zip(outcome.alerts, outcome.positions, strict=True)
        if records[position].offset >= published_to
    ]
    outcome.alerts = [alert for alert, _ in new]
    outcome.positions = [position for _, position in new]
    outcome.dead_letters = [each for each in outcome.dead_letters if each.offset >= published_to]
