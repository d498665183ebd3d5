"""Start, watch and stop the process of a worker's online models."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from aiokafka import TopicPartition, errors
from faust.types import TP
from prometheus_client import CollectorRegistry

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import BrokerError, WorkerError
from streamproc.worker.online.messages import (
    TO_PARENT,
    Assign,
    Failed,
    LogLine,
    Report,
    StatusRequest,
    Stop,
    ToChild,
    line,
)
from streamproc.worker.online.metrics import LearnLag, Mirror
from streamproc.worker.subprocesses import command, environment
from streamproc.worker.watchdog import Progress

# The part of the 30 s after which orchestrators kill that is left for this.
STOP_SECONDS: Final = 8.0
# A model that is busy for longer still learns, but its process does not answer meanwhile.
ASK_SECONDS: Final = 1.0
# If the process is silent for longer, the worker measures its lag at the cluster.
SILENT_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 10.0
# The process compiles missing code before it first answers.
START_SECONDS: Final = 600.0
# A report holds all metrics in one line.
_LINE_BYTES: Final = 2**22

_log = logging.getLogger(__name__)


def learns(config: Config) -> bool:
    """Whether any model is configured to learn from the stream."""
    return any(model.online is not None for model in config.models)


class OnlineProcess:
    """The process in which a worker's online models learn.

    Parameters
    ----------
    config
        The whole configuration.
    registry
        Exports the metrics of the process.

    Attributes
    ----------
    failed
        Called with an error when the process exits unexpectedly.
    """

    failed: Callable[[Exception], None]

    def __init__(self, config: Config, registry: CollectorRegistry) -> None:
        self._config = config
        self._registry = registry
        self._topic = config.topics.full_name("predictions")
        self._outcomes = config.topics.full_name("outcomes")
        self._mirror = Mirror()
        self._lag = LearnLag(registry)
        self._owned: frozenset[int] = frozenset()
        self._last = Report(1, "")
        self._heard: float | None = None
        self._started = self._looked = time.monotonic()
        self._looking: asyncio.Task[None] | None = None
        self._progress = Progress()
        self._reports: asyncio.Queue[Report] = asyncio.Queue()
        self._reason = "it was killed, or ran out of memory"
        self._stopping = False
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process; it learns nothing until `own` is called."""
        self._process = await asyncio.create_subprocess_exec(
            *command("streamproc.worker.online.process"),
            env=environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            start_new_session=True,  # the worker handles Ctrl-C
        )
        self._started = time.monotonic()
        self._write(self._config.model_dump_json().encode() + b"\n")
        self._registry.register(self._mirror)
        self._listening = asyncio.create_task(self._listen(self._process))

    def own(self, partitions: Iterable[TP], generation: int) -> None:
        """Learn from the outcomes of these partitions only."""
        numbers = sorted(tp.partition for tp in partitions if tp.topic == self._topic)
        self._owned = frozenset(numbers)
        self._say(Assign(tuple(numbers), generation))

    async def behind(self) -> int:
        """Return the lag in outcomes; 1 while a model is too busy to report it."""
        while not self._reports.empty():
            self._reports.get_nowait()
        self._say(StatusRequest())
        with suppress(TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                return (await self._reports.get()).behind
        self._look_past()
        return 1

    def stalled(self) -> tuple[float, str]:
        """Return the seconds of lag without progress, and the reason to report."""
        now = time.monotonic()
        silent = now - (self._started if self._heard is None else self._heard)
        if self._heard is None:  # it is starting
            return max(
                0.0, silent - START_SECONDS
            ), "the process of the online models has not started"
        if silent > SILENT_SECONDS:
            return silent, f"the process of the online models has not answered for {silent:.0f} s"
        # While the cluster does not answer, the last lags stand, so that workers do not stop.
        behind = sum(self._last.lags.values()) if self._last.lags else self._last.behind
        still = self._progress.stalled(now, self._last.handled, behind)
        return still, f"{behind} outcomes wait for online models, none learned for {still:.0f} s"

    def _look_past(self) -> None:
        """Measure the lag at the cluster if the process does not answer."""
        now = time.monotonic()
        if self._heard is None or now - self._heard < SILENT_SECONDS:
            return
        if now - self._looked > LOOK_SECONDS and (self._looking is None or self._looking.done()):
            self._looked = now
            self._looking = asyncio.create_task(self._measure())

    async def _measure(self) -> None:
        homes = {number: TopicPartition(self._outcomes, number) for number in self._owned}
        with suppress(errors.KafkaError, BrokerError, TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS), open_consumer(self._config) as client:
                ends = await client.end_offsets(list(homes.values()))
                begins = await client.beginning_offsets(list(homes.values()))
            known = self._last.positions
            self._lag.set(
                {
                    number: max(0, ends[home] - known.get(number, begins[home]))
                    for number, home in homes.items()
                }
            )

    async def stop(self) -> None:
        """Stop the process after its final snapshots; kill it if that takes too long."""
        process, self._stopping = self._process, True
        if self._looking is not None:
            self._looking.cancel()
        if process is None or self._listening is None:
            return
        self._say(Stop())
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            _log.warning(
                "online models did not stop within %.0f s: killing their process; labels since"
                " their last snapshot are learned again",
                STOP_SECONDS,
            )
            process.kill()
            await process.wait()
        await self._listening
        self._registry.unregister(self._mirror)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101  it is a pipe
        async for message in process.stdout:
            match TO_PARENT.decode(message):
                case Report() as report:
                    self._mirror.text = report.metrics
                    self._last, self._heard = report, time.monotonic()
                    self._lag.set(report.lags)
                    self._reports.put_nowait(report)
                case LogLine(level, name, text):
                    logging.getLogger(name).log(level, "%s", text)
                case Failed(reason):
                    self._reason = reason
        code = await process.wait()
        if not self._stopping:
            reason = f"the process of the online models exited with code {code}: {self._reason}"
            self.failed(WorkerError(reason))

    def _say(self, message: ToChild) -> None:
        self._write(line(message))

    def _write(self, data: bytes) -> None:
        stdin = None if self._process is None else self._process.stdin
        if stdin is not None and not stdin.is_closing():  # it is closed once the process has exited
            stdin.write(data)
