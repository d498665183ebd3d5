"""Run the process of online models: ``python -m streamproc.worker.online.process``.

It is separate from the worker so that a slow model does not delay alerts. It reads the
configuration and then messages from its standard input, and exits when its worker closes that.
"""

import asyncio
import ctypes
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from io import FileIO
from typing import BinaryIO, Final, TypeVar

import uvloop
from aiokafka import errors
from prometheus_client import CollectorRegistry, generate_latest

from streamproc.config.config import Config
from streamproc.errors import StreamprocError
from streamproc.kafka.clients import open_consumer, open_producer
from streamproc.kafka.errors import BrokerUnreachableError
from streamproc.kafka.fetch_pacing import pace_fetches
from streamproc.worker.incidents.view import IncidentView
from streamproc.worker.online.messages import (
    TO_CHILD,
    Assign,
    Failed,
    LogLine,
    Report,
    StatusRequest,
    Stop,
    ToChild,
    ToParent,
    line,
)
from streamproc.worker.online.metrics import OnlineMetrics
from streamproc.worker.online.runner import OnlineRunner, Owned
from streamproc.worker.online.state import PartitionModelsCodec
from streamproc.worker.publisher import RETRY_SECONDS, AlertPublisher
from streamproc.worker.snapshots.snapshots import Snapshots
from streamproc.worker.snapshots.store import SnapshotStore
from streamproc.worker.warmup import warm_up_learning

ORPHANED: Final = 3
# 8,000 outcomes of ten features. Models learn a slice in batches, one for each: the fewer slices a
# backlog takes, the less each outcome costs.
_FETCH_BYTES: Final = 4 * 2**20
# Outcomes come when a join has waited for `limits.linger`: collect those of all partitions.
_COALESCE_SECONDS: Final = 0.010
PR_SET_PDEATHSIG: Final = 1
T = TypeVar("T")

# Not __name__, which is "__main__" in this process: a worker's log names and filters by module.
_log = logging.getLogger("streamproc.worker.online.process")


class _ToWorker(logging.Handler):
    """Send log lines to the worker, which writes them to its log."""

    def __init__(self, say: Callable[[ToParent], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(LogLine(record.levelno, record.name, self.format(record)))


class _Writer:
    """Write complete messages from any thread; exit at once when the worker has gone away."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._lock = threading.Lock()

    def say(self, message: ToParent) -> None:
        try:
            with self._lock:
                self._output.write(line(message))
                self._output.flush()
        except BrokenPipeError:
            os._exit(ORPHANED)


def main() -> None:
    """Learn until the worker sends `Stop`."""
    _end_with_worker()
    writer = _Writer(sys.stdout.buffer)
    logging.basicConfig(
        handlers=[_ToWorker(writer.say)], level=logging.WARNING, format="%(message)s"
    )
    logging.getLogger("streamproc").setLevel(logging.INFO)
    # Unbuffered: a thread blocked in a buffered read would hold its lock at exit.
    reader = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115  no path
    config = Config.model_validate_json(reader.readline())
    try:
        uvloop.run(_learn(config, reader, writer.say))
    except (StreamprocError, errors.KafkaError) as error:
        writer.say(Failed(str(error) or type(error).__name__))
        sys.exit(1)


def _end_with_worker() -> None:
    """Have the kernel kill this process when its worker exits.

    A stopped process would not notice that its standard input is closed.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


async def _learn(config: Config, reader: FileIO, say: Callable[[ToParent], None]) -> None:
    await warm_up_learning()
    metrics = OnlineMetrics(CollectorRegistry())
    outcomes = {config.topics.full_name("outcomes")}
    async with AsyncExitStack() as stack:
        producer = await _opened(stack, lambda: open_producer(config, linger_ms=5))
        consumer = await _opened(
            stack,
            lambda: open_consumer(
                config,
                as_parsed=outcomes,
                fetch_max_wait_ms=100,
                max_partition_fetch_bytes=_FETCH_BYTES,
            ),
        )
        pace_fetches(consumer, lambda: _COALESCE_SECONDS)
        store = SnapshotStore(config, producer)
        snapshots = Snapshots(config, store, PartitionModelsCodec(config), metrics)
        view = IncidentView(config)
        outbox = AlertPublisher(config, producer, view.marks)
        learning = OnlineRunner(config, consumer, producer, outbox, snapshots, metrics)

        async def report() -> None:
            behind = await learning.behind()
            text = generate_latest(metrics.registry).decode()
            say(Report(behind, text, learning.handled, learning.positions, learning.lags))

        # These objects live as long as the process: exclude them from collections.
        gc.collect()
        gc.freeze()
        listening = asyncio.create_task(_handle_messages(learning, reader, report))
        running = asyncio.create_task(learning.run())
        following = asyncio.create_task(view.run())
        done, _ = await asyncio.wait({listening, running}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        await running
        listening.cancel()
        following.cancel()


async def _opened(stack: AsyncExitStack, client: Callable[[], AbstractAsyncContextManager[T]]) -> T:
    """Open a client; retry while no broker answers: the worker has reached one before."""
    while True:
        try:
            return await stack.enter_async_context(client())
        except BrokerUnreachableError as error:
            _log.warning("online models: retrying in %.0f s (%s)", RETRY_SECONDS, error)
            await asyncio.sleep(RETRY_SECONDS)


async def _handle_messages(
    learning: OnlineRunner, reader: FileIO, report: Callable[[], Awaitable[None]]
) -> None:
    """Handle the messages of the worker."""
    messages: asyncio.Queue[ToChild] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    reading = threading.Thread(
        target=_read,
        args=(reader, lambda message: loop.call_soon_threadsafe(messages.put_nowait, message)),
        daemon=True,
    )
    reading.start()
    while True:
        match await messages.get():
            case Assign(partitions, generation):
                learning.own(Owned(frozenset(partitions), generation))
            case StatusRequest():
                await report()
            case Stop():
                learning.stop()
                return


def _read(reader: FileIO, give: Callable[[ToChild], object]) -> None:
    """Read messages; exit at once when the worker has gone away, even if a model is busy."""
    while text := reader.readline():
        give(TO_CHILD.decode(text))
    os._exit(ORPHANED)


if __name__ == "__main__":
    main()
