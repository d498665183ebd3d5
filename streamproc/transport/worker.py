"""A worker from its start to its clean stop."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from faust.types import TP

from streamproc.contract.config import Config
from streamproc.transport.app import Acknowledge, make_app
from streamproc.transport.clients import open_producer
from streamproc.transport.errors import WorkerError
from streamproc.transport.metrics import Metrics
from streamproc.transport.outbox import Outbox
from streamproc.transport.pipeline import Partition, Pipeline
from streamproc.transport.slices import Slice
from streamproc.transport.topics import ensure_topics

# Together less than the 30 s that orchestrators wait before they kill.
FINISH_SECONDS: Final = 15.0
STOP_SECONDS: Final = 10.0
HOUSEKEEPING_SECONDS: Final = 1.0
# What a record needs beside its value: key, headers, framing.
ENVELOPE_BYTES: Final = 2**16

_log = logging.getLogger(__name__)


class Worker:
    """Takes its partitions' slices through the pipeline until it is stopped or fails.

    Parameters
    ----------
    config
        The whole configuration.
    line
        What happens to a slice.

    Attributes
    ----------
    stopped : asyncio.Event
        Set when no further slice will be taken.
    """

    def __init__(self, config: Config, line: Pipeline) -> None:
        self._line = line
        self._app = make_app(config, line.topics, self._handle, self._assigned)
        self._busy = asyncio.Lock()
        self._failure: BaseException | None = None
        self._ready = False
        self._behind = 0
        self._active = time.monotonic()
        self._housekeeping: asyncio.Task[None] | None = None
        self.stopped = asyncio.Event()

    @property
    def failure(self) -> BaseException | None:
        """What ended this worker; None while all is well."""
        return self._failure

    def unhealthy(self) -> str | None:
        """Why this worker should be restarted; None when it need not be."""
        return None if self._failure is None else f"failed: {self._failure}"

    def unready(self) -> str | None:
        """Why this worker does not work yet; None when it does."""
        if self._failure is None and self._ready:
            return None
        return self.unhealthy() or "waiting for the group to assign partitions"

    def idle_seconds(self) -> float:
        """How long there was nothing to do; 0 while it waits for partitions or is behind."""
        if not self._ready or self._behind or self._busy.locked():
            return 0.0
        return time.monotonic() - self._active

    async def start(self) -> None:
        """Join the group and begin."""
        await self._app.start()
        self._housekeeping = asyncio.create_task(self._keep_house())

    async def stop(self) -> None:
        """Finish the slice at hand, commit, leave the group."""
        self.stopped.set()
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        with contextlib.suppress(TimeoutError):  # then it is not acknowledged, and comes again
            await asyncio.wait_for(self._busy.acquire(), FINISH_SECONDS)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                if not self._app.crashed:
                    await self._app.consumer.commit()
                await self._app.stop()
        except TimeoutError:
            _log.warning("the Kafka client did not stop within %.0f s; it was left", STOP_SECONDS)

    async def _handle(self, part: Slice, acknowledge: Acknowledge) -> None:
        """Take one slice; after a failure or a stop none is taken, so none acknowledged."""
        try:
            async with self._busy:
                if not self.stopped.is_set():
                    self._active = time.monotonic()
                    await self._line.handle(part)
                    await acknowledge()
                    self._active = time.monotonic()
                    return
        except Exception as error:  # noqa: BLE001  # whatever it is ends this worker
            _log.exception("slice %r failed", part)
            self._fail(error)
        await asyncio.Event().wait()  # Faust must not hand over the next slice

    def _fail(self, error: BaseException | None) -> None:
        self._failure = self._failure or error or WorkerError("the Kafka client crashed")
        self.stopped.set()

    def _assigned(self, partitions: set[TP]) -> None:
        self._line.keep((tp.topic, tp.partition) for tp in partitions)
        self._active = time.monotonic()
        self._ready = True

    async def _keep_house(self) -> None:
        while not self.stopped.is_set():
            await asyncio.sleep(HOUSEKEEPING_SECONDS)
            self._behind = self._line.gauge(self._end)
            if self._app.crashed:
                self._fail(self._app.crash_reason)

    def _end(self, partition: Partition) -> int:
        return int(self._app.consumer.highwater(TP(*partition)) or 0)


@asynccontextmanager
async def working(config: Config, metrics: Metrics) -> AsyncIterator[Worker]:
    """Run a worker until the block ends, then stop it cleanly.

    Raises
    ------
    WorkerError
        At the end, if something unexpected stopped it. Nothing past the last finished slice
        was acknowledged: a restart goes on there.
    BrokerError
        At the start, if the cluster cannot be used.
    """
    created = await ensure_topics(config)
    if created:
        _log.info("created topics: %s", ", ".join(created))
    largest = config.limits.record_bytes + ENVELOPE_BYTES
    async with open_producer(config, linger_ms=0, max_request_size=largest) as producer:
        worker = Worker(config, Pipeline(config, Outbox(config, producer), metrics))
        await worker.start()
        try:
            yield worker
        finally:
            await worker.stop()
    if worker.failure is not None:
        raise WorkerError(
            f"{type(worker.failure).__name__}: {worker.failure}; a restart goes on with the"
            " first slice that was not finished"
        ) from worker.failure
