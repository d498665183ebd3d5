"""What happens to a slice, in order; and which partitions' state is held here."""

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
from streamproc.worker.performance_metrics import PerformanceMetrics, Watched
from streamproc.worker.publisher import AlertPublisher
from streamproc.worker.snapshots.snapshots import Snapshots, SnapshotState

Partition = tuple[str, int]

_log = logging.getLogger(__name__)


class PartitionState:
    """The state of a partition, and the offset after the last record that is in it.

    Attributes
    ----------
    told
        Offset before which everything was published by whoever committed it.
    settled
        Whether all that the state has given is published: only then it may be written down.
    rewound
        Whether what the group had committed was of another log.
    keeper
        Writes it down; None where that is not done.
    """

    def __init__(
        self, shard: PartitionMonitor, following: int | None = None, told: int = 0
    ) -> None:
        self.shard = shard
        self.next = following
        self.told = told
        self.settled = True
        self.rewound = False
        self.keeper: SnapshotState | None = None


_UNKNOWN: Final = PartitionOffsets()


class Pipeline:
    """Takes slices through the core and publishes what comes of them.

    Parameters
    ----------
    config
        The whole configuration.
    outbox
        Where alerts and dead letters go.
    metrics
        What is counted.
    clock
        Seconds since 1970.
    snapshots
        Where state is kept; None: it lives as long as its worker.
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
        self._left: dict[Partition, tuple[int, RecordMark]] = {}  # where we were when it went
        self._logs = LogChecker(config)
        #: Called with a partition whose log is not the one that was read: it is to be resumed.
        self.on_rewound: Callable[[Partition], None] = lambda _: None
        #: Partitions of which what is committed means nothing, since the last `resume`.
        self.distrusted: set[Partition] = set()
        metrics.show(PerformanceMetrics(self._watched))
        self._model_alerts = ModelAlerts(config, self._seen)
        metrics.show(self._model_alerts)

    @property
    def topics(self) -> tuple[str, ...]:
        """Names of the topics that are read."""
        return tuple(self._kinds)

    async def handle(self, part: Slice, mark: PartitionOffsets = _UNKNOWN) -> None:
        """Watch a slice; when this returns, it may be acknowledged.

        The order is the promise: what a slice gave is confirmed by the cluster before the
        slice is acknowledged, so a crash in between repeats alerts, with the same ids, and
        loses none.
        """
        held = self._hold(part, mark)
        if held is None:  # it came before a rebalance; its owner gets it, too
            return
        if not await self._same_log(held, part, mark):
            self._rewind(part, held)
            return
        await self._tell_of_gap(held, part, mark)
        # 0. A crash must have a state to go back to.
        if held.keeper is not None and held.keeper.saved is None:
            await self._save(held, held.next or part.first_offset)
        # 1. Advance the state. Records that are in it already, after a seek, are skipped.
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
        # 2. Publish, and wait for the cluster to confirm.
        if part.first_offset < held.told:
            _drop_told(outcome, records, held.told)
        lost = await self._outbox.publish(outcome.alerts, outcome.dead_letters)
        held.settled = True
        self._count(part.topic, records, outcome, (began, watched, time.perf_counter()), lost)
        # 3. Write the state down when it is time, and wait for the cluster to confirm.
        keeper, read = held.keeper, sum(len(record.value or b"") for record in records)
        if keeper and self._snapshots and self._snapshots.due(keeper, read):
            await self._save(held, held.next)

    async def save(self) -> None:
        """Write down every state that has changed since it was."""
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
        """Get the state of partitions that are ours; return where those that have one go on.

        Parameters
        ----------
        committed
            All of our partitions, and what the group has committed of each.
        generation
            Of the group.
        unsigned
            Partitions whose committed offset another program wrote: it does not show what was
            published.
        """
        if self._snapshots is None:
            return {}
        missing = {tp: done for tp, done in committed.items() if tp not in self._held}
        await self._compare_left(missing)
        resumed = await self._snapshots.resume(missing, generation, unsigned, self._rewound)
        self.distrusted = {partition for partition, found in resumed.items() if found.rewound}
        for partition, found in resumed.items():
            self._rewound.pop(partition, None)
            held = PartitionState(found.state, found.next, found.told)
            held.keeper, held.rewound = found.keeper, found.rewound
            if found.gap is not None:
                await self._outbox.publish([found.gap], [])
            self._held[partition] = held
        self._awaited -= committed.keys()
        for partition, done in committed.items():
            held = self._held[partition]
            if partition not in resumed and held.keeper is not None:
                # Another one may have owned it in between, and told what we are about to repeat.
                if partition not in unsigned and not held.rewound:
                    held.told = max(held.told, done or 0)
                self._snapshots.promote(held.keeper, generation)
        offsets = {partition: self._held[partition].next for partition in committed}
        return {partition: at for partition, at in offsets.items() if at is not None}

    def retain(self, partitions: Iterable[Partition]) -> None:
        """Hold the state of these partitions, and of no others: their owners advance it now."""
        kept = set(partitions)
        for partition in self._held.keys() - kept:
            held = self._held.pop(partition)
            if held.keeper is not None and held.keeper.mark is not None:
                self._left[partition] = held.next or 0, held.keeper.mark
            self._metrics.forget(*partition)
        if self._snapshots is not None:
            self._awaited = kept - self._held.keys()
            return
        for partition in kept - self._held.keys():
            self._held[partition] = self._fresh(partition)

    def models(self, topic: str) -> dict[int, Collection[str]]:
        """Return the models that were seen on a topic, by partition of ours."""
        return {
            number: held.shard.catalogue.models.keys()
            for (name, number), held in self._held.items()
            if name == topic
        }

    def gauge(self, mark: Callable[[Partition], PartitionOffsets]) -> int:
        """Show what is held. Return the records behind, at least 1 while that is not known."""
        self._watched()
        behind = len(self._awaited)
        for partition, held in self._held.items():
            lag = mark(partition).lag(held.next)
            behind += lag
            self._metrics.state(*partition, held.shard, lag)
        return behind

    def _seen(self) -> Iterator[Seen]:
        """Give the models of each partition, and their open incidents."""
        for held in self._held.values():
            yield Seen(held.shard.catalogue.models, held.shard.groups.open)

    def _watched(self) -> dict[int, Watched]:
        """Return how good models are, by partition, and have it shown their predictions."""
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
        """Whether the records of a slice follow those that are in the state."""
        if held.keeper is None or held.next is None:
            return True
        if mark.suspect and held.keeper.mark is not None:
            return await self._logs.same((part.topic, part.partition), held.keeper.mark)
        return mark.end is None or mark.end >= held.next

    async def _tell_of_gap(self, held: PartitionState, part: Slice, mark: PartitionOffsets) -> None:
        """Say so when records were gone before they were fetched.

        Only a fetch that was out of range shows that: compaction and transactions leave offsets
        without a record, too.
        """
        following = held.next
        if self._snapshots is None or mark.out_of_range is None or following is None:
            return
        if part.first_offset > following:
            span = max(following, mark.out_of_range), part.first_offset
            text = f"records {span[0]} to {span[1] - 1} were deleted before they were read"
            gap = self._snapshots.gap((part.topic, part.partition), span, text)
            await self._outbox.publish([gap], [])

    async def _compare_left(self, partitions: Iterable[Partition]) -> None:
        """Find out which partitions that come back have another log than when they left.

        A topic that is deleted takes its partitions from us before it is created again.
        """
        back = {each: self._left.pop(each) for each in partitions if each in self._left}
        if back and self._snapshots is not None:
            marks = {partition: mark for partition, (_, mark) in back.items()}
            for partition in await self._snapshots.contradicted(marks):
                self._rewound[partition] = back[partition][0]

    def _rewind(self, part: Slice, held: PartitionState) -> None:
        """Give up a state: where its partition goes on is for `resume` to find."""
        partition = part.topic, part.partition
        _log.warning(
            "%s-%d no longer has the last processed record, offset %d: looking for a snapshot"
            " that matches the log",
            *(*partition, (held.next or 0) - 1),
        )
        del self._held[partition]
        self._awaited.add(partition)
        self._rewound[partition] = held.next or 0
        self.on_rewound(partition)

    def _from_other_log(self, state: int, part: Slice, mark: PartitionOffsets) -> bool:
        """Whether a state up to an offset is of another past than the log of this slice."""
        if mark.committed is not None and mark.committed > state:
            _log.warning(
                "another worker processed %s-%d up to offset %d: resetting its series",
                part.topic,
                part.partition,
                mark.committed,
            )
            return True
        end = mark.end if mark.log_end is None else mark.log_end
        if end is not None and end < state:
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
        room = self._config.series_room(kind.value)
        return PartitionState(PartitionMonitor(kind, topic, number, self._config, room))

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
                # 0 and less: the record has no time.
                self._metrics.alert(alert, now - stamp / 1000 if stamp > 0 else None)
            self._model_alerts.count(alert)


def _drop_told(outcome: SliceResult, records: Sequence[Record], told: int) -> None:
    """Leave out what came of records before an offset: who committed them has published it."""
    new = [
        (alert, position)
        for alert, position in zip(outcome.alerts, outcome.positions, strict=True)
        if records[position].offset >= told
    ]
    outcome.alerts = [alert for alert, _ in new]
    outcome.positions = [position for _, position in new]
    outcome.dead_letters = [letter for letter in outcome.dead_letters if letter.offset >= told]
