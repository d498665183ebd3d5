"""Run online models over outcomes: predict, learn and publish, in order."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors

from streamproc.config.config import Config
from streamproc.driver.slices import BatchSizer, SliceLimits
from streamproc.kafka.errors import BrokerUnreachableError
from streamproc.kafka.log_watch import Doubt, LogWatch
from streamproc.online.event_builder import Obeyed
from streamproc.online.partition_models import Learned, PartitionModels
from streamproc.schemas.model_updates import ModelUpdate
from streamproc.schemas.records import Record
from streamproc.worker.batch_writer import Batches
from streamproc.worker.log_marks import LogChecker, mark_of
from streamproc.worker.offsets import readable_end
from streamproc.worker.online.metrics import OnlineMetrics
from streamproc.worker.publisher import RETRY_SECONDS, AlertPublisher, is_retriable
from streamproc.worker.snapshots.snapshots import Snapshots, SnapshotState

# How soon a rebalance is noticed; records are processed at once.
POLL_MS: Final = 200
# Brokers accept 1 MB a record by default: larger parameters are omitted.
MAX_UPDATE_BYTES: Final = 900_000
# A cluster that does not answer must not make this process seem to hang.
LOOK_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Owned(NamedTuple):
    """The partitions to learn from, and the generation of the group."""

    partitions: frozenset[int]
    generation: int


@dataclass(slots=True)
class PartitionState:
    """The online models of a partition, and the offset after their last record.

    Attributes
    ----------
    since
        Time of the last records, in seconds of the monotonic clock.
    served
        Seconds without records at the last check for unpublished updates.
    """

    learners: PartitionModels
    next: int
    keeper: SnapshotState
    since: float
    served: float = -1.0


class OnlineRunner:
    """Process the outcomes of the assigned partitions with their online models.

    Parameters
    ----------
    config
        The whole configuration.
    consumer
        A consumer without a group; the runner assigns its partitions.
    producer
        Writes predictions and updates.
    outbox
        Publishes alerts.
    snapshots
        Stores the models.
    metrics
        Metrics of online models.
    clock
        Seconds since 1970.
    monotonic
        Seconds of a monotonic clock.

    Attributes
    ----------
    handled : int
        Counter that grows with any progress.
    lags : dict
        Lag in records by partition, as last measured.
    """

    def __init__(
        self,
        config: Config,
        consumer: AIOKafkaConsumer,
        producer: AIOKafkaProducer,
        outbox: AlertPublisher,
        snapshots: Snapshots[PartitionModels],
        metrics: OnlineMetrics,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        topics = config.topics
        self._topic = topics.full_name("outcomes")
        self._answers = topics.full_name("online_predictions")
        self._updates = topics.full_name("model_updates")
        self._consumer = consumer
        self._producer = producer
        self._outbox = outbox
        self._snapshots = snapshots
        self._watch = LogWatch(consumer)
        self._logs = LogChecker(config)
        self._rewound: dict[tuple[str, int], int] = {}
        self._metrics = metrics
        self._clock = clock
        self._monotonic = monotonic
        self._intervals = {
            model.online.interval.total_seconds() for model in config.models if model.online
        }
        limits = config.limits
        self._pace = BatchSizer(
            SliceLimits(limits.slice_records, limits.slice_bytes, limits.slice_seconds)
        )
        self.handled = 0
        self.lags: dict[int, int] = {}
        self._held: dict[int, PartitionState] = {}
        self._owned = self._settled = Owned(frozenset(), 0)
        self._news = asyncio.Event()
        self._stopping = False

    def own(self, owned: Owned) -> None:
        """Learn from these partitions only, from the next step on."""
        self._owned = owned
        self._news.set()

    def stop(self) -> None:
        """Stop after the current step."""
        self._stopping = True
        self._news.set()

    async def run(self) -> None:
        """Learn until stopped, then write snapshots.

        Raises
        ------
        RecoveryError, SnapshotWriteError
            If models cannot be recovered, or their first snapshot cannot be written.
        aiokafka.errors.KafkaError
            If the cluster rejects a record with an error that cannot be retried.
        """
        while not self._stopping:
            if self._news.is_set():
                self._news.clear()
                await self._settle_or_retry()
            elif not self._held:
                await self._news.wait()
            else:
                await self._step()
        await self._save()

    @property
    def positions(self) -> dict[int, int]:
        """By partition, the offset after the last learned record."""
        return {number: held.next for number, held in self._held.items()}

    async def behind(self) -> int:
        """Return the lag in records, measured now if the cluster answers."""
        if self._settled != self._owned:
            return 1  # not measured yet
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                homes = [self._at(number) for number in self._held]
                ends = await self._consumer.end_offsets(homes)
        except (errors.KafkaError, TimeoutError):  # the last measurement still holds
            return max(1, sum(self.lags.values()))
        self.lags = {
            number: max(0, ends[self._at(number)] - held.next)
            for number, held in self._held.items()
            if self._at(number) in ends
        }
        return sum(self.lags.values())

    async def _settle_or_retry(self) -> None:
        """Recover the models of newly assigned partitions; retry if no broker answers."""
        try:
            await self._settle(self._owned)
        except (BrokerUnreachableError, errors.KafkaError, TimeoutError) as error:
            if not isinstance(error, BrokerUnreachableError) and not is_retriable(error):
                raise
            _log.warning(
                "cannot recover the online models of %s: retrying in %.0f s (%s)",
                *(self._topic, RETRY_SECONDS, error),
            )
            await asyncio.sleep(RETRY_SECONDS)
            self._news.set()

    async def _settle(self, owned: Owned) -> None:
        for number in self._held.keys() - owned.partitions:
            del self._held[number]
        for held in self._held.values():
            self._snapshots.promote(held.keeper, owned.generation)
        missing = {(self._topic, n): None for n in owned.partitions - self._held.keys()}
        resumed = await self._snapshots.resume(missing, owned.generation, rewound=self._rewound)
        self._rewound.clear()
        for (_, number), found in resumed.items():
            if found.gap is not None:
                await self._outbox.publish([found.gap], [])
            self._held[number] = PartitionState(
                found.state, found.next or 0, found.keeper, self._monotonic()
            )
        self._consumer.assign([self._at(number) for number in self._held])
        for number, held in self._held.items():
            self._watch.moving((self._topic, number))
            self._consumer.seek(self._at(number), held.next)
        self._settled = owned
        self.handled += 1

    async def _step(self) -> None:
        batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=self._pace.records)
        doubts = [self._watch.doubt((at.topic, at.partition)) for at in batches]
        # While the output of one partition awaits confirmation, another one learns.
        await asyncio.gather(
            *(
                self._take(at.partition, records, doubt)
                for (at, records), doubt in zip(batches.items(), doubts, strict=True)
            )
        )
        for number in self._held.keys() - {at.partition for at in batches}:
            await self._publish_idle(number)

    async def _take(self, number: int, records: Sequence[Record], doubt: Doubt) -> None:
        """Learn from records, publish, and write a snapshot when it is due.

        The cluster confirms the output before the snapshot is written. A crash in between repeats
        it, with the same ids, and loses none.
        """
        held = self._held[number]
        if not await self._follows(number, held, records[0].offset, doubt):
            return
        held.since, held.served = self._monotonic(), -1.0
        # 1. Predict, learn, evaluate.
        began = time.thread_time()
        learned = held.learners.process(records, datetime.fromtimestamp(self._clock(), UTC))
        spent = time.thread_time() - began
        self._pace.learn(len(records), spent)
        # 2. Publish, and wait for confirmation.
        published = await self._publish(number, learned)
        held.next = records[-1].offset + 1
        self.handled += 1
        held.keeper.mark = mark_of(records[-1])
        self._metrics.took(len(records), len(published.answers), published.updates, spent)
        self._note(learned.commands)
        # 3. Write a snapshot when it is due.
        if self._snapshots.due(held.keeper, sum(len(record.value or b"") for record in records)):
            await self._snapshots.save(held.keeper, held.learners, held.next)

    def _note(self, commands: Sequence[Obeyed]) -> None:
        """Count the commands of operators, and log those without effect."""
        for each in commands:
            self._metrics.command(each.verb, "done" if each.ignored is None else "ignored")
            if each.ignored is not None:
                _log.warning(
                    "%s of model %s (%s) changed nothing: %s",
                    *(each.verb, each.model_id, each.id, each.ignored),
                )

    async def _follows(
        self, number: int, held: PartitionState, first_offset: int, doubt: Doubt
    ) -> bool:
        """Whether records are of the log that the models learned from; if not, recover them.

        Records that were deleted before they were read are reported.
        """
        partition, mark = (self._topic, number), held.keeper.mark
        if doubt.suspect and mark is not None and not await self._logs.same(partition, mark):
            _log.warning(
                "%s-%d no longer has the last record learned, offset %d: looking for a snapshot"
                " that matches the log",
                *(*partition, mark.offset),
            )
            self._rewound[partition] = held.next
            del self._held[number]
            self._settled = Owned(frozenset(), -1)
            self._news.set()
            return False
        self._watch.settle(partition, doubt)
        if doubt.out_of_range is not None and first_offset > held.next:
            text = (
                f"records {held.next} to {first_offset - 1} were deleted before they were learned"
            )
            gap = self._snapshots.gap(partition, (held.next, first_offset), text)
            await self._outbox.publish([gap], [])
        return True

    async def _publish_idle(self, number: int) -> None:
        """Publish pending updates once no record has come for an interval.

        The models do not change. After a crash the updates may be repeated, with the same ids.
        """
        held = self._held[number]
        quiet = self._monotonic() - held.since
        if not any(held.served < interval <= quiet for interval in self._intervals):
            return
        end = readable_end(self._consumer, self._at(number))
        if end is None or end > held.next:  # there is lag: other partitions are busy
            return
        updates = held.learners.unreported_updates(held.served, quiet)
        held.served = quiet
        if updates:
            published = await self._publish(number, Learned(updates=updates))
            self._metrics.took(0, 0, published.updates, 0.0)

    async def _save(self) -> None:
        for held in self._held.values():
            if held.keeper.saved != held.next and held.next:
                await self._snapshots.save(held.keeper, held.learners, held.next)

    async def _publish(self, number: int, learned: Learned) -> Learned:
        """Publish predictions, updates and alerts; return those published unchanged."""
        answers = Batches(self._producer, self._answers, number)
        updates = Batches(self._producer, self._updates, number)
        _, _, alerts = await asyncio.gather(
            answers.write((each.model_id.encode(), each.to_json()) for each in learned.answers),
            updates.write((each.model_id.encode(), _small(each)) for each in learned.updates),
            self._outbox.publish(learned.alerts, []),
        )
        short = Batches(self._producer, self._updates, number)
        await short.write(
            (each.model_id.encode(), _without_parameters(each).to_json())
            for each in (learned.updates[at] for at in updates.lost)
        )
        for what, count in (
            ("answers", len(answers.lost)),
            ("updates", len(updates.lost)),
            ("alerts", len(alerts)),
        ):
            self._metrics.lost(what, count)
        return Learned(
            _without(learned.answers, answers.lost), _without(learned.updates, updates.lost)
        )

    def _at(self, number: int) -> TopicPartition:
        return TopicPartition(self._topic, number)


def _without(given: list[T], places: Collection[int]) -> list[T]:
    return [each for at, each in enumerate(given) if at not in places] if places else given


def _small(update: ModelUpdate) -> bytes:
    value = update.to_json()
    if len(value) <= MAX_UPDATE_BYTES:
        return value
    _log.warning(
        "publishing the update of model %s, version %d, without its parameters: %d bytes exceed"
        " the limit of %d",
        *(update.model_id, update.version, len(value), MAX_UPDATE_BYTES),
    )
    return _without_parameters(update).to_json()


def _without_parameters(update: ModelUpdate) -> ModelUpdate:
    return update.model_copy(update={"parameters": None})
