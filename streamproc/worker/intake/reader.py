"""Read the foreign topics of `intake` with a Faust agent, in a consumer group."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, cast

from aiokafka import errors
from faust.types import TP

from streamproc.config.config import Config
from streamproc.driver.consumer import SliceConsumer
from streamproc.driver.slices import Slice
from streamproc.intake.frames import SchemaRef
from streamproc.kafka.clients import open_producer
from streamproc.kafka.errors import BrokerError, WorkerError
from streamproc.kafka.topics import ensure_topics, existing_topics
from streamproc.registry.store import SchemaStore, schema_store
from streamproc.worker.app import Acknowledge, App, make_bare_app
from streamproc.worker.intake.beginnings import Beginnings
from streamproc.worker.intake.merge import MergedRecord, TimeMerge
from streamproc.worker.intake.metrics import IntakeMetrics
from streamproc.worker.intake.republish import Republisher
from streamproc.worker.metrics import Metrics
from streamproc.worker.offsets import partition_offsets
from streamproc.worker.publisher import AlertPublisher

#: How soon topics that are created later are noticed.
DISCOVERY_SECONDS: Final = 10.0
HOUSEKEEPING_SECONDS: Final = 0.5
#: How often held records are looked at while a partition's next records are awaited.
RELEASE_SECONDS: Final = 0.02
#: How long a partition must stay read to its end for its log to count as read.
SETTLED_SECONDS: Final = 0.5
#: How long one partition may hold up the others of its topic.
PATIENCE_SECONDS: Final = 5.0
STOP_SECONDS: Final = 8.0

_log = logging.getLogger(__name__)


class HeldRecords(NamedTuple):
    """Records whose turn has come, and the schemas that they need."""

    records: list[MergedRecord]
    needed: frozenset[SchemaRef]


class IntakeReader:
    """Read the topics that entries of `intake` match, also those that are created later.

    Parameters
    ----------
    config
        The whole configuration.
    republisher
        Publishes the events of a slice.
    metrics
        What is counted.
    schemas
        Schemas of a registry; None if none is configured.

    Attributes
    ----------
    failure
        The error that ended it; None while it works.
    stopped
        Set when no further slice will be processed.
    """

    def __init__(
        self,
        config: Config,
        republisher: Republisher,
        metrics: IntakeMetrics,
        schemas: SchemaStore | None = None,
    ) -> None:
        # A separate group: a rebalance of the workers does not interrupt it.
        self._config = config.model_copy(update={"group": f"{config.group}.intake"})
        self._republisher = republisher
        self._metrics = metrics
        self._schemas = schemas
        self._held: dict[str, HeldRecords] = {}  # by topic: they wait for schemas
        self._beginnings = Beginnings(self._config)
        self._app: App | None = None
        self._topics: tuple[str, ...] = ()
        self._assigned: set[TP] | None = None
        self._following: dict[tuple[str, int], int] = {}
        self._active = time.monotonic()
        self._behind = 1  # not measured yet
        self._merges: dict[str, TimeMerge[Acknowledge]] = {}
        self._received: dict[TP, int] = {}  # offset after the last record that was delivered
        # Of partitions without held records: fetched, whether to the end, in flight; since when.
        self._seen: dict[TP, tuple[Any, ...]] = {}
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._pumping: asyncio.Task[None] | None = None
        self.failure: BaseException | None = None
        self.stopped = asyncio.Event()

    def unhealthy(self) -> str | None:
        """Return the reason to restart; None if there is none."""
        return None if self.failure is None else f"intake failed: {self.failure}"

    def unready(self) -> str | None:
        """Return the reason why it is not ready; None if it is ready."""
        if self.failure is not None:
            return self.unhealthy()
        if self._topics and self._assigned is None:
            return "intake: waiting for the group to assign partitions"
        if self._schemas is not None and self._held and self._schemas.trouble is not None:
            return f"intake of {', '.join(sorted(self._held))} is held: {self._schemas.trouble}"
        return None

    def idle_seconds(self) -> float:
        """Return the seconds without work; 0 while waiting for partitions or behind."""
        return 0.0 if self._behind else time.monotonic() - self._active

    async def start(self) -> None:
        """Start to read in the background."""
        self._task = asyncio.create_task(self._run())
        self._pumping = asyncio.create_task(self._pump())
        self._pumping.add_done_callback(self._pump_ended)

    async def stop(self) -> None:
        """Finish the slice in progress, commit and leave the group."""
        self.stopped.set()
        self._arrived.set()
        if self._pumping is not None:
            await asyncio.wait({self._pumping}, timeout=STOP_SECONDS)
            self._pumping.cancel()
        if self._task is not None:
            await self._task

    def _pump_ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("intake failed: stopping the worker", exc_info=error)
            self._fail(error)

    async def _run(self) -> None:
        try:
            while not self.stopped.is_set():
                await self._follow(await self._matching())
                await self._watch_lag()
        except (errors.KafkaError, BrokerError, OSError, RuntimeError) as error:
            self._fail(error)
        finally:
            await self._leave()

    async def _matching(self) -> tuple[str, ...]:
        """Return the existing topics that entries match, but none of streamproc's topics."""
        ours = {self._config.topics.full_name(kind) for kind in self._config.kinds}
        try:
            there = await existing_topics(self._config) - ours
        except BrokerError as error:
            if not self._topics:
                raise
            _log.warning("cannot look for new topics: %s", error)
            return self._topics
        sources = [entry.source for entry in self._config.intake]
        for source in sources:
            for name in source.topics:
                if name not in there and name not in self._topics:
                    _log.info("intake: the cluster has no topic %s yet", name)
        return tuple(sorted(t for t in there if any(each.matches(t) for each in sources)))

    async def _follow(self, topics: tuple[str, ...]) -> None:
        """Subscribe again if the topics have changed."""
        if topics == self._topics:
            return
        await self._leave()
        self._topics, self._assigned = topics, None
        await self._beginnings.look(topics)
        _log.info("intake: reading %s", ", ".join(topics))
        self._app = make_bare_app(self._config, topics)
        self._app.bind(self._handle, self._on_assigned)
        cast("SliceConsumer", self._app.consumer).continue_at = self._begin_at
        await self._app.start()

    async def _begin_at(
        self, committed: Mapping[TP, int | None], unsigned: Collection[TP]
    ) -> Mapping[TP, int]:
        try:
            return await self._beginnings.offsets(committed, unsigned)
        except BaseException as error:
            self._fail(error)
            raise

    async def _watch_lag(self) -> None:
        """Measure the lag until it is time to look for new topics, or to stop."""
        until = time.monotonic() + DISCOVERY_SECONDS
        while time.monotonic() < until and not self.stopped.is_set():
            self._measure()
            if self._app is not None and self._app.crashed:
                reason = self._app.crash_reason
                raise RuntimeError(f"the Kafka client crashed: {reason}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopped.wait(), HOUSEKEEPING_SECONDS)

    def _measure(self) -> None:
        if self._app is None:
            self._behind = 0  # no topic is there
            return
        if self._assigned is None:
            return
        lags = {
            (tp.topic, tp.partition): partition_offsets(
                self._app.consumer, tp.topic, tp.partition
            ).lag(self._following.get((tp.topic, tp.partition)))
            for tp in self._assigned
        }
        self._metrics.lag(lags)
        self._metrics.held({topic: len(each.records) for topic, each in self._held.items()})
        self._behind = sum(lags.values())

    async def _handle(self, part: Slice, acknowledge: Acknowledge) -> None:
        """Hold a slice until its records' turn comes; its partition is not fetched meanwhile."""
        if self.stopped.is_set():
            await asyncio.Event().wait()  # Faust must not hand over the next slice
        self._active = time.monotonic()
        self._merges.setdefault(part.topic, TimeMerge()).add(part, acknowledge)
        tp = TP(part.topic, part.partition)
        self._received[tp] = part.last_offset + 1
        self._seen.pop(tp, None)
        self._pause(tp, paused=True)
        self._arrived.set()

    def _pause(self, tp: TP, *, paused: bool) -> None:
        if self._app is not None:
            consumer = self._app.consumer
            (consumer.on_buffer_full if paused else consumer.on_buffer_drop)(tp)

    async def _pump(self) -> None:
        """Publish held records as soon as no earlier one can come, and acknowledge their slices."""
        while not self.stopped.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), RELEASE_SECONDS)
            self._arrived.clear()
            for topic, merge in list(self._merges.items()):
                while merge and not self.stopped.is_set():
                    if not await self._release(topic, merge):
                        break

    async def _release(self, topic: str, merge: TimeMerge[Acknowledge]) -> bool:
        """Publish what may be published; return whether it was anything."""
        partitions = [tp.partition for tp in self._assigned or () if tp.topic == topic]
        if not partitions:
            return False
        held = self._held.pop(topic, None)
        if held is None:
            records = merge.release(partitions, lambda n: self._is_complete(topic, n, merge))
            if not records:
                return False
            held = HeldRecords(records, self._republisher.schemas_of(topic, records))
        schemas = None if self._schemas is None else self._schemas.get(held.needed)
        if schemas is None and self._schemas is not None:
            self._held[topic] = held
            return False
        records = held.records
        await self._republisher.publish(topic, records, schemas)
        if self._merges.get(topic) is not merge:
            return False  # a rebalance: the next owner publishes them again
        for partition, acknowledge in merge.finished():
            await acknowledge()
            if not merge.slices(partition):
                self._pause(TP(topic, partition), paused=False)
        for partition, record in records:
            self._following[topic, partition] = record.offset + 1
        self._active = time.monotonic()
        return True

    def _is_complete(self, topic: str, number: int, merge: TimeMerge[Acknowledge]) -> bool:
        """Whether the log of a partition ends with the records that are held.

        A partition that brings nothing for `PATIENCE_SECONDS`, because it has no leader for
        instance, does not hold up the others.
        """
        if self._app is None:
            return False
        tp, now = TP(topic, number), time.monotonic()
        mark = partition_offsets(self._app.consumer, topic, number)
        if mark.end is not None and self._received.get(tp, -1) >= mark.end:
            return True
        if merge.slices(number):
            return False
        # Nothing is held. The client may have fetched a slice that Faust has not delivered yet,
        # and the last offsets of a log may hold no records: look for some time.
        is_read = mark.end is not None and mark.fetched is not None and mark.fetched >= mark.end
        if (mark.fetched, is_read, mark.in_flight) != self._seen.get(tp, (None,))[:-1]:
            self._seen[tp] = mark.fetched, is_read, mark.in_flight, now
        still: float = now - self._seen[tp][-1]
        return still > (SETTLED_SECONDS if is_read and not mark.in_flight else PATIENCE_SECONDS)

    def _on_assigned(self, partitions: set[TP]) -> None:
        self._assigned = set(partitions)
        # Slices that were delivered before are void: they are delivered again.
        self._merges.clear()
        self._held.clear()
        self._received.clear()
        self._seen.clear()
        self._following.clear()
        self._behind = 1
        self._active = time.monotonic()

    def _fail(self, error: BaseException) -> None:
        self.failure = self.failure or error
        self.stopped.set()

    async def _leave(self) -> None:
        """Commit and stop the application. Faust swallows cancellation, so it gets its time."""
        app, self._app = self._app, None
        if app is None:
            return
        stopping = asyncio.create_task(self._stop_app(app))
        done, _ = await asyncio.wait({stopping}, timeout=STOP_SECONDS)
        if not done:
            _log.warning("the Kafka client of intake did not stop within %.0f s", STOP_SECONDS)

    async def _stop_app(self, app: App) -> None:
        if not app.crashed and self._assigned is not None:
            await cast("SliceConsumer", app.consumer).commit_acknowledged()
        await app.stop()


@asynccontextmanager
async def reading(config: Config, metrics: Metrics) -> AsyncIterator[IntakeReader]:
    """Read foreign topics until the block ends.

    Raises
    ------
    WorkerError
        On exit, if an error stopped it. A restart resumes after the last committed slice.
    """
    await ensure_topics(config, ("predictions", "features", "labels", "alerts", "dead_letters"))
    async with open_producer(config) as producer, schema_store(config) as schemas:
        publisher, counted = AlertPublisher(config, producer), IntakeMetrics(metrics.registry)
        republisher = Republisher(config, producer, publisher, counted, metrics.operational)
        reader = IntakeReader(config, republisher, republisher.metrics, schemas)
        await reader.start()
        try:
            yield reader
        finally:
            await reader.stop()
    if reader.failure is not None:
        raise WorkerError(
            f"intake: {type(reader.failure).__name__}: {reader.failure}; restart the worker: it"
            " resumes with the first unfinished slice"
        ) from reader.failure
