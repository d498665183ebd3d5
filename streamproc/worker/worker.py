"""Run a worker: join the group, process slices, and stop cleanly."""

import asyncio
import gc
import logging
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Final, cast

from aiokafka import TopicPartition, errors
from faust.types import TP

from streamproc.config.config import Config
from streamproc.driver.consumer import SliceConsumer
from streamproc.driver.slices import Slice
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import (
    BrokerError,
    BrokerUnreachableError,
    SnapshotWriteError,
    WorkerError,
)
from streamproc.kafka.open_transactions import HeldBack, OpenTransactions, ReadableEnd
from streamproc.worker.app import Acknowledge, App, make_bare_app
from streamproc.worker.incidents.owner import IncidentOwner
from streamproc.worker.join.join_manager import JoinManager
from streamproc.worker.metrics import Metrics
from streamproc.worker.offsets import PartitionOffsets, partition_offsets
from streamproc.worker.online.online_process import OnlineProcess
from streamproc.worker.partition_executor import PartitionExecutor
from streamproc.worker.partition_share import PartitionShare
from streamproc.worker.pipeline import Partition, Pipeline
from streamproc.worker.watchdog import Progress, Stalls, Watchdog

# With the producer's 5 s together less than the 30 s that orchestrators wait before they kill.
FINISH_SECONDS: Final = 10.0
SAVE_SECONDS: Final = 5.0
STOP_SECONDS: Final = 8.0
# Joining waits until every member has committed: at most 60 s, Faust's rebalance timeout, and
# twice that when the membership changes meanwhile.
JOIN_SECONDS: Final = 150.0
SLOW_JOIN_SECONDS: Final = 10.0
HOUSEKEEPING_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 10.0

_log = logging.getLogger(__name__)


class Worker:
    """Process the slices of the assigned partitions until stopped or failed.

    Parameters
    ----------
    config
        The whole configuration.
    line
        The pipeline that processes each slice.
    metrics
        The worker's metrics.
    joins
        Joins labels with events; None: labels are not joined.
    learning
        The process of the online models; None: no model is online.
    incidents
        Derives incidents from the alerts; None: nobody does.
    app
        The Faust application to run in, which may have further agents; None: a new one.

    Attributes
    ----------
    stopped : asyncio.Event
        Set when no further slice will be processed.
    """

    def __init__(
        self,
        config: Config,
        line: Pipeline,
        metrics: Metrics,
        joins: JoinManager | None = None,
        learning: OnlineProcess | None = None,
        incidents: IncidentOwner | None = None,
        app: App | None = None,
    ) -> None:
        self._incidents = incidents
        self._line = line
        self._metrics = metrics
        self._joins = joins
        self._learning = learning
        if learning is not None:
            learning.failed = self._fail
        self._config = config
        line.on_reread = lambda partition: self._consumer.reread(TP(*partition))
        self._app = make_bare_app(config, line.topics) if app is None else app
        self._app.bind(self._handle, self._assigned)
        stall = config.limits.stall.total_seconds()
        self._watchdog = Watchdog(stall, self._look)
        self._slices, self._stalls = Progress(), Stalls(stall, metrics.stalled)
        self._transactions = OpenTransactions(stall, lambda held: _log.warning("%s", held))
        self._held_back: list[HeldBack] = []
        self._lanes = PartitionExecutor()
        self._failure: BaseException | None = None
        self._ready = False
        self._behind = 1  # not measured yet
        self._missing: list[str] = []
        self._share = PartitionShare(config, metrics.partitions_ratio)
        self._active = self._looked = self._joined = self._learned = time.monotonic()
        self._housekeeping: asyncio.Task[None] | None = None
        self.stopped = asyncio.Event()

    @property
    def failure(self) -> BaseException | None:
        """The error that ended this worker; None while it works."""
        return self._failure

    def unhealthy(self) -> str | None:
        """Return the reason to restart this worker; None if there is none."""
        return None if self._failure is None else f"failed: {self._failure}"

    def unready(self) -> str | None:
        """Return the reason why this worker is not ready; None if it is ready."""
        if self._failure is not None or self.stopped.is_set():
            return self.unhealthy() or "stopping"
        if not self._ready:
            return "waiting for the group to assign partitions"
        if self._missing:
            return f"the cluster has no topic {', '.join(self._missing)}"
        trouble = None if self._joins is None else self._joins.watch.trouble()
        held_back = str(self._held_back[0]) if self._held_back else None
        return trouble or self._stalls.unready() or held_back

    def idle_seconds(self) -> float:
        """Return the seconds without work; 0 while waiting for partitions or behind."""
        if not self._ready or self._behind or self._lanes.busy:
            return 0.0
        if self._learning is not None and self._looked < self._active:
            return 0.0  # the online models may not have read the last outcomes yet
        return time.monotonic() - max(self._active, self._joined, self._learned)

    async def start(self) -> None:
        """Join the consumer group and start processing.

        Raises
        ------
        BrokerUnreachableError
            If the cluster stops answering, or the group cannot be joined within `JOIN_SECONDS`.
        """
        slow = asyncio.get_running_loop().call_later(SLOW_JOIN_SECONDS, self._warn_slow_join)
        try:
            self._consumer.continue_at = self._continue_at
            self._consumer.start_slice = self._start_slice
            async with asyncio.timeout(JOIN_SECONDS):
                await self._app.start()
        except (errors.KafkaError, OSError) as error:  # TimeoutError is an OSError
            raise BrokerUnreachableError(
                f"could not join consumer group {self._config.group} at {self._config.broker}"
                f" ({str(error) or type(error).__name__}): check that all of its brokers are up;"
                " restart the embedded broker if one of its workers was killed"
            ) from error
        finally:
            slow.cancel()
        # These objects live as long as the process: collecting them would block for 30 to 100 ms.
        gc.collect()
        gc.freeze()
        self._housekeeping = asyncio.create_task(self._run_housekeeping())
        self._housekeeping.add_done_callback(self._housekeeping_ended)

    async def stop(self) -> None:
        """Finish slices in progress, commit and leave the group, within 25 s even if parts hang."""
        self.stopped.set()
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        # The online models write their snapshots while the slices in progress finish.
        forgetting = None if self._learning is None else asyncio.create_task(self._learning.stop())
        try:
            async with asyncio.timeout(FINISH_SECONDS), self._lanes.quiesce():
                pass
        except TimeoutError:  # unfinished slices are not acknowledged, so they are read again
            _log.warning(
                "slices in progress did not finish within %.0f s: their next owner processes them"
                " again",
                FINISH_SECONDS,
            )
        else:
            await self._save()
        if forgetting is not None:
            await forgetting
        # Faust swallows cancellation, so a client that does not stop is abandoned.
        leaving = asyncio.create_task(self._leave())
        done, _ = await asyncio.wait({leaving}, timeout=STOP_SECONDS)
        if not done:
            _log.warning(
                "the Kafka client did not stop within %.0f s: exiting without it", STOP_SECONDS
            )
            return
        leaving.result()

    async def _save(self) -> None:
        """Write final snapshots, so that the next owner need not process records again."""
        if self._failure is not None:
            return
        try:
            async with asyncio.timeout(SAVE_SECONDS):
                await self._line.save()
        except (TimeoutError, SnapshotWriteError) as error:
            reason = str(error) or f"it was not written within {SAVE_SECONDS:.0f} s"
            _log.warning("no final snapshot, recovery will use the previous one: %s", reason)

    async def save(self, *_: object) -> None:
        """Write snapshots of all partitions now, between two slices.

        Raises
        ------
        SnapshotWriteError
            If a partition has no earlier snapshot to recover from, and none can be written.
        """
        async with self._lanes.quiesce():
            await self._line.save()

    def fail(self, error: BaseException) -> None:
        """Stop this worker because of an error outside of slice processing."""
        _log.error("stopping the worker: %s", error, exc_info=error)
        self._fail(error)

    def _warn_slow_join(self) -> None:
        _log.warning(
            "still waiting to join consumer group %s at %s: check that its brokers are up",
            *(self._config.group, self._config.broker),
        )

    async def _leave(self) -> None:
        if not self._app.crashed and self._ready:
            await self._consumer.commit_acknowledged()
        await self._app.stop()

    async def _handle(self, part: Slice, acknowledge: Acknowledge) -> None:
        """Start processing a slice once the previous one of its partition is done."""
        partition = part.topic, part.partition
        await self._lanes.submit(partition, lambda: self._take(part, acknowledge))
        if self.stopped.is_set():
            await asyncio.Event().wait()  # Faust must not hand over the next slice

    def _start_slice(self, part: Slice, acknowledge: Acknowledge) -> bool:
        """Start processing a slice if that needs no wait; return whether it has started."""
        partition = part.topic, part.partition
        return not self.stopped.is_set() and self._lanes.start(
            partition, lambda: self._take(part, acknowledge)
        )

    async def _take(self, part: Slice, acknowledge: Acknowledge) -> None:
        """Process and acknowledge a slice; after a failure or a stop, do neither."""
        if self.stopped.is_set():
            return
        try:
            self._active = time.monotonic()
            await self._line.handle(part, self._mark_of(part))
            self._consumer.settle(part)
            await acknowledge()
            self._active = time.monotonic()
        except Exception as error:  # noqa: BLE001  # any error stops this worker
            _log.exception("slice %r failed: stopping the worker; a restart repeats it", part)
            self._fail(error)

    async def _continue_at(
        self, committed: Mapping[TP, int | None], unsigned: Collection[TP]
    ) -> Mapping[TP, int]:
        """Recover the state of the assigned partitions, once earlier slices are finished."""
        generation = self._app.consumer_generation_id
        found: dict[Partition, int] = {}
        try:
            async with self._lanes.quiesce():
                if not self.stopped.is_set():
                    of_ours = {
                        (tp.topic, tp.partition): committed[tp] for tp in self._ours(committed)
                    }
                    of_others = {(tp.topic, tp.partition) for tp in self._ours(unsigned)}
                    found = await self._line.resume(of_ours, generation, of_others)
                    self._consumer.distrust(TP(*each) for each in self._line.distrusted)
                if self._app.consumer_generation_id != generation:  # another rebalance came
                    self._line.retain(self._ours(self._consumer.assignment()))
                    found = {}
        except Exception as error:
            _log.exception(
                "cannot recover the state of %s: stopping the worker",
                ", ".join(f"{tp.topic}-{tp.partition}" for tp in sorted(committed)),
            )
            self._fail(error)
            raise
        return {TP(*partition): offset for partition, offset in found.items()}

    def _ours(self, partitions: Iterable[TP]) -> list[TP]:
        """Return those that are not read by agents that somebody else has added."""
        return [tp for tp in partitions if tp.topic in self._line.topics]

    def _fail(self, error: BaseException | None) -> None:
        self._failure = self._failure or error or WorkerError("the Kafka client crashed")
        self.stopped.set()

    def _assigned(self, partitions: set[TP]) -> None:
        if self._joins is not None:
            predictions = self._config.topics.full_name("predictions")
            ours = {tp.partition for tp in partitions if tp.topic == predictions}
            self._joins.keep(ours, self._app.consumer_generation_id)
        self._line.retain((tp.topic, tp.partition) for tp in partitions)
        if self._learning is not None:
            self._learning.own(partitions, self._app.consumer_generation_id)
        self._active = time.monotonic()
        self._behind = 1
        self._ready = True

    async def _run_housekeeping(self) -> None:
        while not self.stopped.is_set():
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            looked = time.monotonic()
            self._missing = self._consumer.unknown(self._line.topics)
            self._share.check(self._consumer.counts(self._line.topics))
            behind = self._line.gauge(self._mark) + len(self._missing)
            joining = self._behind_in_joins()
            self._behind = behind + joining + await self._behind_in_learning()
            self._behind += 0 if self._incidents is None else self._incidents.behind()
            self._looked = looked
            self._look_at_transactions()
            if self._app.crashed:
                self._fail(self._app.crash_reason)
            if not self._lanes.busy:
                why = await self._watchdog.check(time.monotonic(), self._active, behind)
                if why is not None:
                    self._fail(WorkerError(why))
            self._check_progress(behind)

    def _check_progress(self, behind: int) -> None:
        """Stop the worker when one of its parts has made no progress for too long."""
        still = self._slices.stalled(time.monotonic(), self._active, behind)
        self._stalls.note("slices", still, f"{behind} records wait, none came for {still:.0f} s")
        if self._joins is not None:
            self._stalls.note("labels", *self._joins.watch.stalled())
        if self._learning is not None:
            self._stalls.note("learner", *self._learning.stalled())
        why = self._stalls.fatal("labels", "learner")  # the watchdog checks the slices
        if why is not None:
            self._fail(WorkerError(why))

    async def _look(self) -> int:
        """Return the lag in records by the cluster's end offsets, not by the client's."""
        held = [TopicPartition(*tp) for tp in self._ours(self._consumer.assignment())]
        try:
            async with asyncio.timeout(LOOK_SECONDS), open_consumer(self._config) as client:
                ends = await client.end_offsets(held)
        except (errors.KafkaError, BrokerError, TimeoutError):
            return 0
        fetched = {tp: self._mark((tp.topic, tp.partition)).fetched for tp in held}
        return sum(max(0, ends[tp] - (fetched[tp] or 0)) for tp in held)

    def _look_at_transactions(self) -> None:
        """Record partitions held back by transactions; this is not lag, a restart cannot help."""
        ends: dict[Partition, ReadableEnd] = {}
        for tp in self._ours(self._consumer.assignment()):
            found = self._mark((tp.topic, tp.partition))
            if found.end is not None and found.log_end is not None:
                ends[tp.topic, tp.partition] = ReadableEnd(found.end, found.log_end)
        if self._joins is not None:
            ends |= self._joins.label_ends()
        self._held_back = self._transactions.observe(ends, time.monotonic())
        self._metrics.held_back(self._held_back)

    def _behind_in_joins(self) -> int:
        if self._joins is None:
            return 0
        if self._joins.failure is not None:
            self._fail(self._joins.failure)
        behind = self._joins.behind()
        if behind:  # the outcomes that it publishes are processed after it
            self._joined = time.monotonic()
        return behind

    async def _behind_in_learning(self) -> int:
        if self._learning is None:
            return 0
        behind = await self._learning.behind()
        if behind:
            self._learned = time.monotonic()
        return behind

    def _housekeeping_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            self._fail(task.exception())

    @property
    def _consumer(self) -> SliceConsumer:
        return cast("SliceConsumer", self._app.consumer)

    def _mark_of(self, part: Slice) -> PartitionOffsets:
        """Return the offsets of a slice's partition, and whether its log may have changed."""
        home = part.topic, part.partition
        mark = partition_offsets(self._app.consumer, *home, in_flight=True)
        return mark._replace(**part.doubt._asdict()) if part.doubt.suspect else mark

    def _mark(self, partition: Partition) -> PartitionOffsets:
        return partition_offsets(self._app.consumer, *partition)
