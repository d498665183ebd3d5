"""Read the foreign topics of `intake` with a Faust agent, in a consumer group."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import errors
from faust.types import TP

from streamproc.config.config import Config
from streamproc.driver.slices import Slice
from streamproc.kafka.clients import open_producer
from streamproc.kafka.errors import BrokerError, WorkerError
from streamproc.kafka.topics import ensure_topics, existing_topics
from streamproc.worker.app import Acknowledge, App, make_app
from streamproc.worker.intake.metrics import IntakeMetrics
from streamproc.worker.intake.republish import Republisher
from streamproc.worker.metrics import Metrics
from streamproc.worker.offsets import partition_offsets
from streamproc.worker.publisher import AlertPublisher

#: How soon topics that are created later are noticed.
DISCOVERY_SECONDS: Final = 10.0
HOUSEKEEPING_SECONDS: Final = 0.5
STOP_SECONDS: Final = 8.0

_log = logging.getLogger(__name__)


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

    Attributes
    ----------
    failure
        The error that ended it; None while it works.
    stopped
        Set when no further slice will be processed.
    """

    def __init__(self, config: Config, republisher: Republisher, metrics: IntakeMetrics) -> None:
        # A separate group: a rebalance of the workers does not interrupt it.
        self._config = config.model_copy(update={"group": f"{config.group}.intake"})
        self._republisher = republisher
        self._metrics = metrics
        self._app: App | None = None
        self._topics: tuple[str, ...] = ()
        self._assigned: set[TP] | None = None
        self._following: dict[tuple[str, int], int] = {}
        self._active = time.monotonic()
        self._behind = 1  # not measured yet
        self._task: asyncio.Task[None] | None = None
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
        return None

    def idle_seconds(self) -> float:
        """Return the seconds without work; 0 while waiting for partitions or behind."""
        return 0.0 if self._behind else time.monotonic() - self._active

    async def start(self) -> None:
        """Start to read in the background."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish the slice in progress, commit and leave the group."""
        self.stopped.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

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
        _log.info("intake: reading %s", ", ".join(topics))
        self._app = make_app(self._config, topics, self._handle, self._on_assigned)
        await self._app.start()

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
        self._behind = sum(lags.values())

    async def _handle(self, part: Slice, acknowledge: Acknowledge) -> None:
        """Publish the events of a slice and acknowledge it; after a failure, do neither."""
        if not self.stopped.is_set():
            try:
                self._active = time.monotonic()
                await self._republisher.handle(part)
                await acknowledge()
                self._following[part.topic, part.partition] = part.last_offset + 1
                self._active = time.monotonic()
            except Exception as error:  # noqa: BLE001  any error stops it: a restart repeats it
                _log.exception("intake of %r failed: stopping the worker", part)
                self._fail(error)
            else:
                return
        await asyncio.Event().wait()  # Faust must not hand over the next slice

    def _on_assigned(self, partitions: set[TP]) -> None:
        self._assigned = set(partitions)
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
        if not app.crashed and self._assigned is not None and not await app.consumer.commit():
            await app.consumer.commit()  # the first may only have waited for one in progress
        await app.stop()


@asynccontextmanager
async def reading(config: Config, metrics: Metrics) -> AsyncIterator[IntakeReader]:
    """Read foreign topics until the block ends.

    Raises
    ------
    WorkerError
        On exit, if an error stopped it. A restart resumes after the last committed slice.
    """
    await ensure_topics(config, ("predictions", "features", "labels", "dead_letters"))
    async with open_producer(config) as producer:
        republisher = Republisher(
            config, producer, AlertPublisher(config, producer), IntakeMetrics(metrics.registry)
        )
        reader = IntakeReader(config, republisher, republisher.metrics)
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
