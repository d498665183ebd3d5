"""Join the events of one assigned partition with their labels."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streamproc.config.config import Config
from streamproc.join.batch_join import JoinResult
from streamproc.join.encode import UnsequencedOutcome, text
from streamproc.join.entry import InputLog
from streamproc.join.join import Join
from streamproc.join.meetings import Meeting
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.fetch_pacing import pace_fetches
from streamproc.kafka.open_transactions import ReadableEnd
from streamproc.schemas.records import Record
from streamproc.worker.join.cancellation import finish_within, in_thread
from streamproc.worker.join.guard import InputGuard
from streamproc.worker.join.merged_input import MergedInput
from streamproc.worker.join.metrics import JoinMetrics
from streamproc.worker.join.outcome_writer import COMMAND, NONE, Headers, OutcomeWriter, Pair
from streamproc.worker.join.ownership import acquire, mismatch
from streamproc.worker.join.pending_commands import ModelCommandRecord
from streamproc.worker.join.status import JoinStatus
from streamproc.worker.join.store import Store
from streamproc.worker.join.unreadable_labels import UnreadableLabels
from streamproc.worker.join.wrong_times import TimeReports
from streamproc.worker.log_marks import mark_of
from streamproc.worker.offsets import readable_end
from streamproc.worker.publisher import AlertPublisher
from streamproc.worker.starting_offsets import NONE as NO_STARTS

# 10 to 20 ms of work, so that other partitions are not delayed.
MAX_RECORDS: Final = 2000
# The next owner joins again what was not committed, and drops the outcomes that are on the topic.
COMMIT_SECONDS: Final = 5.0
COMMIT_RECORDS: Final = 5000
# Without records for this time, there will be none for a while: commit.
QUIET_SECONDS: Final = 0.5
COVERAGE_SECONDS: Final = 10.0
# A portion that ends half published is published again: a stop waits this long for its end.
FINISH_SECONDS: Final = 3.0
_FETCH_WAIT_MS: Final = 500
_FETCH_BYTES: Final = 2**20

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class Joiner:
    """The join of one partition: from its topics through its store to the outcomes.

    Parameters
    ----------
    config
        The whole configuration.
    partition
        Number of the partition, the same in all topics.
    store
        Entries that wait; no other task may use it meanwhile.
    clients
        Producer of the outcomes, and publisher of dead letters.
    metrics
        Metrics of the joins.
    asks
        Returns whether a model's events are published as outcomes when they come.
    status
        Records progress and failures.
    executor
        Runs disk access; None: the default executor.
    starts
        Offsets before which nothing is read; partitions without one are read from their first
        record.

    Attributes
    ----------
    behind : int
        Lag in records; at least 1 while it is unknown.
    commands : iterable of ModelCommandRecord
        Commands that are written as soon as the partition is claimed.
    label_end : ReadableEnd or None
        Readable end of the labels; None while it is unknown.
    """

    portion = MAX_RECORDS

    def __init__(  # noqa: PLR0913 - the parts of a worker that a join uses
        self,
        config: Config,
        partition: int,
        store: Store,
        clients: tuple[AIOKafkaProducer, AlertPublisher],
        metrics: JoinMetrics,
        asks: Callable[[str], bool],
        status: JoinStatus | None = None,
        *,
        executor: Executor | None = None,
        starts: Mapping[tuple[str, int], int] = NO_STARTS,
    ) -> None:
        self.behind = 1
        self.commands: Iterable[ModelCommandRecord] = ()
        self._status = status or JoinStatus()
        self._executor = executor
        self.label_end: ReadableEnd | None = None
        self._config = config
        self._store = store
        producer, self._outbox = clients
        self._outcomes = OutcomeWriter(config, producer, partition)
        self._metrics = metrics
        online = any(asks(model.id) for model in config.models)
        logs = [log for log in InputLog if log is not InputLog.FEATURES or online]
        names: Mapping[InputLog, Any] = {log: log.name.lower() for log in logs}
        self._homes = {
            log: TopicPartition(config.topics.full_name(names[log]), partition) for log in logs
        }
        self._starts = {
            log: starts.get((home.topic, home.partition), 0) for log, home in self._homes.items()
        }
        late = self._starts[InputLog.PREDICTIONS] > 0
        self._join = Join(config, partition, store, asks, from_start=not late)
        self._times = TimeReports(metrics)
        self._letters = UnreadableLabels(config, partition, self._outbox, metrics.alerted)
        self._guard = InputGuard(config, self._outbox, metrics)
        self._linger = config.limits.linger.total_seconds()
        self._input = MergedInput(self._homes, self._guard, self._linger)
        self._group = text(config.group)
        self._writing = asyncio.Lock()
        self._committed = self._came = time.monotonic()
        self._uncommitted = 0
        self._stored: dict[InputLog, int] = {}  # positions as last committed
        self._shown = -COVERAGE_SECONDS
        self._changed = False
        self._consistent = True
        self._touched: set[str] = set()
        self.claimed = asyncio.Event()

    @property
    def meetings(self) -> Mapping[str, Meeting]:
        """By model, how many labels have found their event."""
        return self._join.meetings.of

    async def run(self, generation: int) -> None:
        """Join until cancelled.

        Parameters
        ----------
        generation
            Generation of the group when the partition was assigned.

        Raises
        ------
        FencedError
            If another worker has taken over the partition.
        StreamprocError, aiokafka.errors.KafkaError, sqlite3.Error
            If it cannot continue; the next attempt repeats what was not committed.
        """
        async with open_consumer(
            self._config,
            as_parsed={home.topic for home in self._homes.values()},
            max_partition_fetch_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        ) as consumer:
            pace_fetches(consumer, lambda: self._linger)
            self._guard.watch(consumer)
            consumer.assign(list(self._homes.values()))
            await self._begin(consumer, generation)
            try:
                while True:
                    records = await self._input.next(consumer, self.portion)
                    if records:
                        self._came = time.monotonic()
                        await finish_within(FINISH_SECONDS, self.take(records))
                    await self._look_behind(consumer)
                    await self._commit_when_due()
                    self._show_coverage()
            except asyncio.CancelledError:
                if self._consistent:  # nothing is half done
                    await self._in_thread(self._store.commit)
                raise
            except Exception:
                self._status.reached.update(self._stored)  # what follows is joined again
                raise

    async def take(self, records: Sequence[tuple[InputLog, Record]]) -> None:
        """Join records and publish their outcomes.

        The cluster confirms outcomes before the store commits its position. After a crash in
        between, the next owner finds them on the topic and does not write them again.
        """
        # 1. Update the store, without a commit.
        self._consistent = False
        joined = await self._in_thread(self._join.process, records)
        self._changed = True
        # 2. Publish, and wait for confirmation.
        async with self._writing:
            published = await self._publish(joined, records)
        await self._letters.publish(records, joined.dead_letters)
        # 3. Advance the position together with the content.
        place = self._store.place
        last = dict(records)
        place.positions |= {log: record.offset + 1 for log, record in last.items()}
        place.marks |= {log: mark_of(record) for log, record in last.items()}
        now = time.time()
        self._metrics.joined(
            joined,
            Counter(draft.status for draft in published),
            [
                now - stamp / 1000
                for draft in published
                if (stamp := records[draft.position][1].timestamp) > 0
            ],
        )
        self._times.report(joined.implausible, records, now)
        self._consistent = True
        self._status.handled += len(records)
        self._uncommitted += len(records)
        self._touched.update(draft.model_id for draft in published)
        if joined.dead_letters:  # the next owner must not publish them again
            await self._commit()

    async def command(self, command: ModelCommandRecord) -> None:
        """Write a command to the outcomes, ordered among them; only once `claimed` is set."""
        async with self._writing:
            place = self._store.place
            place.seq += 1
            value = b'{"epoch":%d,"seq":%d,"group":%b,"command":%b}' % (
                *(place.epoch, place.seq, self._group, command.body),
            )
            await self._write([(command.model_id.encode(), value)], COMMAND)
            self._changed = True

    async def _begin(self, consumer: AIOKafkaConsumer, generation: int) -> None:
        """Validate the store, acquire the right to write, and seek to the store's position."""
        bounds = await self._bounds(consumer)
        rewound = await self._guard.rewound(self._homes, self._store.place)
        cause = await mismatch(self._store, self._outcomes, bounds, rewound)
        for log in rewound:
            span = self._store.place.positions[log], bounds[log][0]
            await self._guard.report_rewound(self._homes[log], span)
        if cause is not None:
            if cause != "new":
                _log.warning("rebuilding %s from the topics: %s", self._store.path, cause)
            self._metrics.rebuilt(cause)
            await self._in_thread(self._store.clear)
        sources = await acquire(self._store, self._outcomes, generation, self._read_outcomes)
        place = self._store.place
        if self._store.may_repeat:
            # A leader that has just been elected may give an end below what was joined before.
            known = place.catching_up or {}
            place.catching_up = {
                log: max(end, known.get(log, 0), sources.get(self._homes[log].topic, 0))
                for log, (_, end) in (await self._bounds(consumer)).items()
            }
        for log, home in self._homes.items():
            begin, end = bounds[log]
            # A log that was replaced since may be shorter.
            start = self._starts[log] if self._starts[log] <= end and log not in rewound else 0
            before = place.positions.get(log, start)
            at = max(before, begin)
            if before < begin and place.marks.get(log) is not None:
                await self._guard.report_deleted(home, before, begin)
            self._guard.begin(home, at, place.marks.get(log))
            place.positions[log] = at
            consumer.seek(home, at)
        await self._commit()
        self._status.begin()
        self.claimed.set()
        for command in self.commands:
            await self.command(command)

    def _read_outcomes(self, records: int) -> None:
        self._status.handled += records

    async def _bounds(self, consumer: AIOKafkaConsumer) -> dict[InputLog, tuple[int, int]]:
        homes = list(self._homes.values())
        begins = await consumer.beginning_offsets(homes)
        ends = await consumer.end_offsets(homes)
        return {log: (begins[home], ends[home]) for log, home in self._homes.items()}

    async def _publish(
        self, joined: JoinResult, records: Sequence[tuple[InputLog, Record]]
    ) -> list[UnsequencedOutcome]:
        """Publish outcomes that no earlier owner has; return those that the topic accepted."""
        drafts = joined.drafts
        place = self._store.place
        if place.catching_up is not None:
            written = self._store.written([draft.outcome_id for draft in drafts])
            drafts = [
                draft
                for draft in drafts
                if draft.outcome_id not in written
                and records[draft.position][1].timestamp >= place.silent_before
            ]
        epoch, first = place.epoch, place.seq + 1
        pairs = [
            (draft.model_id.encode(), draft.numbered(epoch, seq, self._group))
            for seq, draft in enumerate(drafts, first)
        ]
        place.seq += len(drafts)
        lost = await self._write(pairs)
        if not lost:
            return drafts
        self._metrics.lost(len(lost))
        return [draft for at, draft in enumerate(drafts) if at not in lost]

    async def _write(self, pairs: Sequence[Pair], headers: Headers = NONE) -> frozenset[int]:
        lost = await self._outcomes.write(pairs, headers)
        self._store.place.outcomes = self._outcomes.next
        self._store.place.tail = self._outcomes.tail
        return lost

    async def _commit_when_due(self) -> None:
        now = time.monotonic()
        if not self._changed:
            self._status.committed(self.behind)
        elif (
            now - self._committed >= COMMIT_SECONDS
            or self._uncommitted >= COMMIT_RECORDS
            or now - self._came >= QUIET_SECONDS
        ):
            await self._commit()

    async def _commit(self) -> None:
        await self._in_thread(self._store.commit)
        self._committed = time.monotonic()
        self._uncommitted = 0
        self._stored = dict(self._store.place.positions)
        self._changed = False
        if self.claimed.is_set():
            self._status.committed(self.behind)

    async def _in_thread(self, work: Callable[..., Result], *given: Any) -> Result:
        return await in_thread(self._executor, work, *given)

    def _show_coverage(self) -> None:
        """Export the label coverage of models, seldom, since there may be many."""
        now = time.monotonic()
        if self._touched and now - self._shown >= COVERAGE_SECONDS:
            for model_id in self._metrics.first(self._touched):
                self._metrics.covers(
                    model_id, self._join.coverage(model_id), self._join.parts(model_id)
                )
            self._touched.clear()
            self._shown = now

    async def _look_behind(self, consumer: AIOKafkaConsumer) -> None:
        """Measure the lag, and whether earlier owners' outcomes may still be produced again."""
        place, empty = self._store.place, self._input.empty()
        behind, may_repeat = 0, False
        for log, home in self._homes.items():
            position, end = await consumer.position(home), readable_end(consumer, home)
            # The client's position also passes trailing offsets without records.
            joined = position if log in empty else place.positions[log]
            self._status.reached[log] = joined
            behind += 1 if end is None else max(0, end - joined)
            may_repeat = may_repeat or joined < (place.catching_up or {}).get(log, 0)
        self.behind = behind
        labels = self._homes[InputLog.LABELS]
        end, log_end = readable_end(consumer, labels), consumer.highwater(labels)
        if end is not None and log_end is not None:
            self.label_end = ReadableEnd(end, log_end)
        self._metrics.state(self._outcomes.partition, len(self._store), behind)
        if place.catching_up is not None and not may_repeat:
            self._store.caught_up()
            self._changed = True
