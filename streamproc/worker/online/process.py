"""The process in which online models learn: ``python -m streamproc.worker.online.process``.

It is a process of its own so that a model which takes its time delays no alert of another. It
reads the configuration and then messages from its standard input, and ends with its worker,
whose end closes that.
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
from io import FileIO
from typing import BinaryIO, Final

import uvloop
from aiokafka import errors
from prometheus_client import CollectorRegistry, generate_latest

from streamproc.config.config import Config
from streamproc.errors import StreamprocError
from streamproc.kafka.clients import open_consumer, open_producer
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
from streamproc.worker.publisher import AlertPublisher
from streamproc.worker.snapshots.snapshots import Snapshots
from streamproc.worker.snapshots.store import SnapshotStore
from streamproc.worker.warmup import warm_up_learning

ORPHANED: Final = 3
PR_SET_PDEATHSIG: Final = 1
_log = logging.getLogger(__name__)


class _ToWorker(logging.Handler):
    """Gives log lines to the worker, which writes them among its own."""

    def __init__(self, say: Callable[[ToParent], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(LogLine(record.levelno, record.name, self.format(record)))


class _Writer:
    """Writes messages from any thread, each whole."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._lock = threading.Lock()

    def say(self, message: ToParent) -> None:
        with self._lock:
            self._output.write(line(message))
            self._output.flush()


def main() -> None:
    """Learn until told to stop."""
    _end_with_worker()
    mouth = _Writer(sys.stdout.buffer)
    logging.basicConfig(
        handlers=[_ToWorker(mouth.say)], level=logging.WARNING, format="%(message)s"
    )
    logging.getLogger("streamproc").setLevel(logging.INFO)
    # Not buffered: a thread that waits in the buffer would hold its lock when the process ends.
    ear = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115  no path
    config = Config.model_validate_json(ear.readline())
    try:
        uvloop.run(_learn(config, ear, mouth.say))
    except (StreamprocError, errors.KafkaError) as error:
        mouth.say(Failed(str(error) or type(error).__name__))
        sys.exit(1)


def _end_with_worker() -> None:
    """Have the kernel kill this process when its worker ends.

    Its standard input is closed then, too, but a process that is stopped does not read that.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


async def _learn(config: Config, ear: FileIO, say: Callable[[ToParent], None]) -> None:
    await warm_up_learning()
    metrics = OnlineMetrics(CollectorRegistry())
    async with (
        open_producer(config, linger_ms=5) as producer,
        open_consumer(
            config, as_parsed={config.topics.full_name("outcomes")}, fetch_max_wait_ms=100
        ) as consumer,
    ):
        store = SnapshotStore(config, producer)
        snapshots = Snapshots(config, store, PartitionModelsCodec(config), metrics)
        outbox = AlertPublisher(config, producer)
        learning = OnlineRunner(config, consumer, producer, outbox, snapshots, metrics)

        async def report() -> None:
            behind = await learning.behind()
            text = generate_latest(metrics.registry).decode()
            say(Report(behind, text, learning.handled, learning.positions, learning.lags))

        # What is there now stays; no collection has to look at it again.
        gc.collect()
        gc.freeze()
        hearing = asyncio.create_task(_hear(learning, ear, report))
        running = asyncio.create_task(learning.run())
        done, _ = await asyncio.wait({hearing, running}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        await running
        hearing.cancel()


async def _hear(learning: OnlineRunner, ear: FileIO, report: Callable[[], Awaitable[None]]) -> None:
    """Do what the worker says."""
    messages: asyncio.Queue[ToChild] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    reading = threading.Thread(
        target=_read,
        args=(ear, lambda message: loop.call_soon_threadsafe(messages.put_nowait, message)),
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


def _read(ear: FileIO, give: Callable[[ToChild], object]) -> None:
    """Read messages; without a worker, end at once, whatever a model is busy with."""
    while text := ear.readline():
        give(TO_CHILD.decode(text))
    os._exit(ORPHANED)


if __name__ == "__main__":
    main()
