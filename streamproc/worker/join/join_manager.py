"""Start and stop the joins of the assigned partitions."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streamproc.alerting.system_alerts import uneven_topics
from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import (
    BrokerUnreachableError,
    LogRewoundError,
    RecoveryError,
    TopicError,
)
from streamproc.kafka.open_transactions import ReadableEnd
from streamproc.worker.join.cancellation import in_thread
from streamproc.worker.join.liveness import JoinWatch
from streamproc.worker.join.metrics import JoinMetrics
from streamproc.worker.join.outcome_writer import FencedError
from streamproc.worker.join.partition_counts import equal_partitions
from streamproc.worker.join.pending_commands import PendingCommands
from streamproc.worker.join.status import (
    StoreError,
    StoreUnavailableError,
    damaged,
    probe,
    store_failure,
)
from streamproc.worker.join.store import Store, StoreBusyError, remove
from streamproc.worker.join.task import Joiner
from streamproc.worker.metrics import Metrics
from streamproc.worker.publisher import AlertPublisher, is_retriable
from streamproc.worker.starting_offsets import NONE

# How soon the first label of a partition is noticed.
LOOK_SECONDS: Final = 1.0
AGAIN_SECONDS: Final = 2.0
# A worker that has lost its partition learns of it within a session timeout, 6 s.
RECLAIM_SECONDS: Final = 20.0
# How soon the previous owner, in another process here, closes its file.
BUSY_SECONDS: Final = 10.0
# A disk that hangs blocks its thread forever; the worker exits without it.
STOP_SECONDS: Final = 5.0
STORE_THREADS: Final = "streamproc-store"
"""Prefix of the names of the threads that use the disk."""

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class JoinManager:
    """Run the joins of a worker's partitions.

    A partition without labels and without an online model only costs one request a second.

    Parameters
    ----------
    config
        The whole configuration.
    producer, outbox
        Write outcomes and dead letters.
    metrics
        The worker's metrics.
    asks
        Returns whether a model's events are published as outcomes when they come; None: those of
        models with `online:` are.
    starts
        Offsets before which nothing is read; partitions without one are read from their first
        record.

    Attributes
    ----------
    joiners : dict
        Running joins by partition.
    watch : JoinWatch
        Progress and failures of the joins.
    failure : BaseException or None
        Error that a retry cannot fix.
    commands : PendingCommands
        Commands for online models, which each join writes when it begins.
    """

    def __init__(
        self,
        config: Config,
        producer: AIOKafkaProducer,
        outbox: AlertPublisher,
        metrics: Metrics,
        asks: Callable[[str], bool] | None = None,
        starts: Mapping[tuple[str, int], int] = NONE,
    ) -> None:
        self._starts = starts
        self.joiners: dict[int, Joiner] = {}
        self.failure: BaseException | None = None
        self.commands = PendingCommands()
        self._config = config
        self._clients = producer, outbox
        self._metrics = JoinMetrics(metrics)
        self._asks = asks or self._learns
        self._online = any(self._asks(model.id) for model in config.models)
        self.watch = JoinWatch(config, outbox, self._metrics, online=self._online)
        self._owned: frozenset[int] = frozenset()
        self._generation = 0
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._looked = False
        self._news = asyncio.Event()
        self._spare = contextlib.ExitStack()
        self._spares: dict[int, Path] = {}
        self._threads = ThreadPoolExecutor(thread_name_prefix=STORE_THREADS)

    async def start(self) -> None:
        """Start to look for labels.

        Raises
        ------
        TopicError
            If a model is online, and the topics cannot be joined.
        """
        uneven = await self._compare_topics()
        if uneven and self._online:
            raise TopicError(uneven)
        self._looking = asyncio.create_task(self._look())
        self._looking.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Stop all joins; their stores hold the progress."""
        looking = [self._looking] if self._looking else []
        tasks = [*self._tasks.values(), *looking, *self.watch.reports]
        for task in tasks:
            task.cancel()
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            if left:
                _log.warning(
                    "the disk of labels.store does not respond: exiting without its threads"
                )
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._spare.close()

    def keep(self, partitions: Collection[int], generation: int) -> None:
        """Join these partitions, and stop all others.

        Parameters
        ----------
        partitions
            Numbers of the assigned partitions of `predictions`.
        generation
            Generation of the group; it rises with each rebalance.
        """
        self._owned, self._generation = frozenset(partitions), generation
        self._looked = False
        for partition in self._tasks.keys() - self._owned:
            self._tasks[partition].cancel()
        news, self._news = self._news, asyncio.Event()
        news.set()

    def behind(self) -> int:
        """Return the lag in records, at least 1 while it is unknown."""
        if self._looking is None or self._looking.done():
            return 0
        if not self._looked:
            return len(self._owned)
        return sum(
            self.joiners[partition].behind if partition in self.joiners else 1
            for partition in self._tasks
        )

    def label_ends(self) -> dict[tuple[str, int], ReadableEnd]:
        """Return the readable ends of the labels, for partitions where they are known."""
        topic = self._config.topics.full_name("labels")
        return {
            (topic, partition): joiner.label_end
            for partition, joiner in self.joiners.items()
            if joiner.label_end is not None
        }

    def _learns(self, model_id: str) -> bool:
        return getattr(self._config.model(model_id), "online", None) is not None

    async def _compare_topics(self) -> str | None:
        producer, _ = self._clients
        try:
            self.watch.partitions = await equal_partitions(self._config, producer)
        except TopicError as error:
            return str(error)
        return None

    async def _look(self) -> None:
        """Start the join of a partition as soon as it has labels."""
        while True:
            try:
                async with open_consumer(self._config) as consumer:
                    while True:
                        uneven = await self._compare_topics()
                        await self._report(uneven, consumer)
                        await self._begin(consumer, even=uneven is None)
                        await self.watch.look(consumer)
                        await self._wait()
            except Exception as error:
                if not _passes(error):
                    raise
                _log.warning(
                    "cannot look for labels on %s: retrying in %.0f s (%r)",
                    *(self._config.topics.full_name("labels"), AGAIN_SECONDS, error),
                )
                await asyncio.sleep(AGAIN_SECONDS)

    async def _report(self, uneven: str | None, consumer: AIOKafkaConsumer) -> None:
        """Report why labels are not joined, once there are any, and when they are again."""
        if uneven is not None and not self._online and not await self._filled(consumer):
            uneven = None
        before, self.watch.uneven = self.watch.uneven, uneven
        if before == uneven:
            return
        if uneven is None:
            _log.info("labels are joined again")
            return
        _log.error("labels are not joined: %s", uneven)
        _, outbox = self._clients
        topic = self._config.topics.full_name("predictions")
        await outbox.publish([uneven_topics(topic, uneven, datetime.now(UTC))], [])

    async def _begin(self, consumer: AIOKafkaConsumer, *, even: bool) -> None:
        """Start the joins of assigned partitions that have labels or online models."""
        news = self._news
        owned = self._owned - self._tasks.keys() if even else set()
        for number in owned if self._online else owned and owned & await self._filled(consumer):
            if number in self._owned:
                self.watch.begin(number)
                self._tasks[number] = asyncio.create_task(self._run(number))
                self._tasks[number].add_done_callback(self._ended)
        self._looked = self._looked or news is self._news

    async def _filled(self, consumer: AIOKafkaConsumer) -> set[int]:
        """Return the partitions that have ever held a label."""
        topic = self._config.topics.full_name("labels")
        producer, _ = self._clients
        homes = [TopicPartition(topic, n) for n in await producer.partitions_for(topic)]
        return {home.partition for home, end in (await consumer.end_offsets(homes)).items() if end}

    async def _wait(self) -> None:
        """Wait for a rebalance, or for `LOOK_SECONDS`."""
        news = self._news
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await news.wait()

    async def _run(self, partition: int) -> None:
        """Join a partition; retry after errors that may pass."""
        try:
            while partition in self._owned:
                generation = self._generation
                try:
                    await self._join(partition, generation)
                except FencedError as error:
                    _log.warning(
                        "partition %d: fenced by another worker, which joins its labels now: %s",
                        *(partition, error),
                    )
                    self._failed(partition, f"fenced by another worker: {error}")
                    await self._await_turn(generation, of_group=error.of_group)
                except (sqlite3.Error, StoreUnavailableError) as error:
                    await self._recover(partition, error)
                except Exception as error:
                    if not _passes(error):
                        raise
                    _log.warning("retrying the join of partition %d: %r", partition, error)
                    await asyncio.sleep(self._failed(partition, repr(error)))
        finally:
            del self._tasks[partition]
            self.watch.end(partition)
            self._metrics.forget(partition)

    def _failed(self, partition: int, reason: str) -> float:
        return self.watch.status[partition].fail(time.monotonic(), reason)

    async def _recover(self, partition: int, error: StoreError) -> None:
        """Pause until the disk of a store can be written; remove a damaged store.

        Nothing is read and no epoch begun meanwhile. The store resumes at its last commit.
        """
        path = self._spares.get(partition) or self._path(partition)
        if damaged(error):
            _log.warning(
                "partition %d: the store %s is damaged: rebuilding it from the topics (%s)",
                *(partition, path, error),
            )
            self._metrics.rebuilt("failed")
            self._failed(partition, f"the store {path} was damaged: {error}")
            await self._in_thread(remove, path)
            await asyncio.sleep(AGAIN_SECONDS)
            return
        failure: StoreError | OSError | None = error
        while failure is not None:
            reason = store_failure(path, failure)
            pause = self._failed(partition, reason)
            _log.error(
                "labels of partition %d are not joined: %s; retrying in %.0f s",
                *(partition, reason, pause),
            )
            await asyncio.sleep(pause)
            try:
                await self._in_thread(probe, path)
            except OSError as again:
                failure = again
            else:
                failure = None

    async def _in_thread(self, work: Callable[..., Result], *given: Any) -> Result:
        return await in_thread(self._threads, work, *given)

    async def _await_turn(self, generation: int, *, of_group: bool) -> None:
        """Wait for the next rebalance after a partition was fenced.

        A version without groups may have fenced it from another group, without any rebalance of
        this one: then the partition is acquired again after `RECLAIM_SECONDS`.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if of_group else RECLAIM_SECONDS):
                while self._generation == generation:
                    await self._news.wait()

    async def _join(self, partition: int, generation: int) -> None:
        store = await self._store(partition)
        try:
            joiner = Joiner(
                *(self._config, partition, store, self._clients, self._metrics, self._asks),
                status=self.watch.status[partition],
                executor=self._threads,
                starts=self._starts,
            )
            joiner.commands = self.commands
            self.joiners[partition] = joiner
            await joiner.run(generation)
        finally:
            self.joiners.pop(partition, None)
            await self._in_thread(store.close)

    async def _store(self, partition: int) -> Store:
        """Open the store of a partition; use a temporary one if it never opened in this run."""
        memory = self._config.labels.memory // max(1, len(self._owned))
        path = self._spares.get(partition) or self._path(partition)
        deadline = asyncio.get_running_loop().time() + BUSY_SECONDS
        while True:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                return await self._in_thread(Store, path, memory)
            except StoreBusyError as error:
                if asyncio.get_running_loop().time() < deadline:
                    await asyncio.sleep(0.1)
                    continue
                reason = str(error)
            except (sqlite3.Error, OSError) as error:
                if self.watch.status[partition].failure is not None:
                    # It was in use before: wait rather than lose its content.
                    raise StoreUnavailableError(f"{path}: {error}") from error
                reason = f"{path}: {error}"
            _log.warning(
                "partition %d: using a temporary store for this run, since labels.store cannot be"
                " used: %s",
                *(partition, reason),
            )
            self._metrics.rebuilt("unusable")
            spare = self._spare.enter_context(tempfile.TemporaryDirectory(prefix="streamproc-"))
            self._spares[partition] = path = Path(spare) / "labels.db"

    def _path(self, partition: int) -> Path:
        config = self._config
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = Path(config.labels.store) if config.labels.store else cache / "streamproc"
        return folder / f"{config.group}.{config.topics.full_name('outcomes')}.{partition}.db"

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            self.failure = self.failure or task.exception()


def _passes(error: Exception) -> bool:
    """Whether a retry may succeed."""
    again = BrokerUnreachableError, RecoveryError, LogRewoundError
    return is_retriable(error) or isinstance(error, again)
