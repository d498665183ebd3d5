"""Run several workers on one machine and restart those that exit with an error, or hang.

On SIGHUP it reloads the configuration. If it is valid, the workers are replaced one by one and
recover from their snapshots; if not, the running workers are left alone.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.synchronize import Event
from types import FrameType
from typing import Final

from streamproc.config.config import Config
from streamproc.errors import StreamprocError
from streamproc.kafka.topics import ensure_topics
from streamproc.terminal import note
from streamproc.worker.heartbeat import Heartbeat, Silence
from streamproc.worker.logs import log_to_stderr
from streamproc.worker.parts import Only
from streamproc.worker.process import run

# A worker that exits at once would otherwise be restarted in a busy loop.
FIRST_PAUSE: Final = 1.0
MAX_PAUSE: Final = 30.0
# A worker that ran this long did not fail because of its start.
LONG_ENOUGH: Final = 120.0
# A worker stops within 25 s; orchestrators kill after 30.
STOP_SECONDS: Final = 28.0
# A worker whose event loop does not run for `limits.stall`, or this long, is killed: only that ends
# a stopped process. A slice, which runs in a thread, takes far less.
SILENT_SECONDS: Final = 30.0
# While it starts it imports and compiles, which blocks the loop for minutes on a slow machine.
START_SECONDS: Final = 600.0

_log = logging.getLogger("streamproc.supervisor")


@dataclass(slots=True)
class WorkerSlot:
    """One of the workers: its configuration, its process, and when to restart it.

    The process sets `at_work` when it has started, and raises `heartbeat` for as long as its event
    loop runs; `outdated` means that it must be replaced.
    """

    number: int
    config: Config
    at_work: Event
    heartbeat: Heartbeat
    silence: Silence = field(default_factory=Silence)
    process: SpawnProcess | None = None
    outdated: bool = False
    pause: float = FIRST_PAUSE
    due: float = 0.0
    started: float = 0.0
    done: bool = False

    def silent(self, now: float) -> float | None:
        """Return for how long the process has given no sign of life, if that is too long."""
        stall = self.config.limits.stall.total_seconds()
        limit = max(stall, SILENT_SECONDS if self.at_work.is_set() else START_SECONDS)
        seconds = self.silence.seconds(now, self.heartbeat.count)
        return seconds if seconds > limit else None


class Supervisor:
    """Keep workers running until SIGTERM or SIGINT, or until all have ended with success.

    Parameters
    ----------
    read
        Returns the configuration of the workers; worker n serves HTTP on `http.port` + n, and
        accepts events on `http_intake.port` + n.
    processes
        Number of workers.
    exit_when_idle
        Seconds without work after which a worker ends.

    Raises
    ------
    ConfigError
        If the configuration is invalid.
    """

    def __init__(
        self,
        read: Callable[[], Config],
        processes: int,
        exit_when_idle: float | None,
        only: Only | None = None,
    ) -> None:
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self._read = read
        self._config = read()
        self._idle = exit_when_idle
        self._only = only
        self._places = [
            WorkerSlot(
                number,
                _at(self._config, number),
                self._context.Event(),
                Heartbeat(self._context),
            )
            for number in range(processes)
        ]
        self._stopping = False
        self._reread = False
        self._at_terminal = os.isatty(0)

    def run(self) -> None:
        """Start the workers; return when all of them have ended.

        Raises
        ------
        BrokerError
            At the start, if the cluster cannot be used: workers could not use it either.
        """
        log_to_stderr()
        created = asyncio.run(ensure_topics(self._config))
        if created:
            _log.info("created topics: %s", ", ".join(created))
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._stop)
        signal.signal(signal.SIGHUP, self._hang_up)
        note(f"running {len(self._places)} workers")
        while not self._stopping and not all(place.done for place in self._places):
            for place in self._places:
                self._tend(place)
            self._renew()
            alive = [place.process.sentinel for place in self._places if place.process]
            wait(alive, timeout=0.5)
        self._end()

    def _tend(self, place: WorkerSlot) -> None:
        process = place.process
        if process is None:
            if not place.done and time.monotonic() >= place.due:
                place.started = time.monotonic()
                place.process = self._spawn(place)
            return
        if process.is_alive():
            self._kill_if_silent(place, process)
            return
        place.process = None
        if process.exitcode == 0:
            place.done = not place.outdated
            return
        if time.monotonic() - place.started > LONG_ENOUGH:
            place.pause = FIRST_PAUSE
        _log.warning(
            "worker %d exited with code %s: restarting it in %.0f s",
            place.number,
            process.exitcode,
            place.pause,
        )
        place.due = time.monotonic() + place.pause
        place.pause = min(2 * place.pause, MAX_PAUSE)

    def _kill_if_silent(self, place: WorkerSlot, process: SpawnProcess) -> None:
        seconds = place.silent(time.monotonic())
        if seconds is not None:
            _log.error(
                "killing worker %d (pid %s): no sign of life for %.0f s; it was stopped, or hangs",
                *(place.number, process.pid, seconds),
            )
            process.kill()
            process.join(1.0)

    def _renew(self) -> None:
        """Reload the configuration after SIGHUP, and replace the next outdated worker."""
        if self._reread:
            self._reread = False
            try:
                config = self._read()
            except StreamprocError as error:
                for line in str(error).splitlines():
                    _log.error("%s", line)
                _log.error("keeping the current configuration: correct it and send SIGHUP again")
                return
            for place in self._places:
                place.config = _at(config, place.number)
                place.outdated = place.process is not None
            _log.info("reloaded the configuration: replacing the workers one by one")
        if not all(place.done or place.at_work.is_set() for place in self._places):
            return  # another worker is starting or has exited
        for place in self._places:
            if place.outdated and place.process is not None:
                place.at_work.clear()
                place.process.terminate()
                return

    def _spawn(self, place: WorkerSlot) -> SpawnProcess:
        place.at_work.clear()
        place.heartbeat.clear()
        place.silence = Silence()
        place.outdated = False
        arguments = place.config, self._idle, place.at_work, place.heartbeat, self._only
        process = self._context.Process(target=_work, args=arguments, daemon=True)
        # Ctrl-C reaches every process of a terminal. The supervisor forwards it; a child that is
        # still importing would only print a traceback.
        resource_tracker.ensure_running()  # it would unblock the signal when it starts
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return process

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _hang_up(self, _number: int, _frame: FrameType | None) -> None:
        if self._at_terminal and not os.isatty(0):  # the terminal was closed
            self._stopping = True
        self._reread = True

    def _end(self) -> None:
        running = [place.process for place in self._places if place.process]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                _log.warning(
                    "killing the worker with pid %s: it did not stop within %.0f s",
                    *(process.pid, STOP_SECONDS),
                )
                process.kill()


def _at(config: Config, number: int) -> Config:
    moved = {
        name: section.model_copy(update={"port": section.port + number})
        for name, section in (("http", config.http), ("http_intake", config.http_intake))
        if section is not None and section.port != 0
    }
    return config.model_copy(update=moved) if moved else config


def _work(
    config: Config,
    exit_when_idle: float | None,
    at_work: Event,
    heartbeat: Heartbeat,
    only: Only | None,
) -> None:
    try:
        run(config, exit_when_idle, at_work.set, only, heartbeat.beat)
    except StreamprocError as error:
        for line in str(error).splitlines():
            note(f"error: {line}")
        sys.exit(1)
