"""Run a worker in this process: logs, signals, event loop, HTTP."""

import asyncio
import contextlib
import logging
import multiprocessing
import signal
from collections.abc import Callable
from typing import Final

import uvloop
from prometheus_client import CollectorRegistry

from streamproc.config.config import Config
from streamproc.terminal import note
from streamproc.worker.heartbeat import keep_beating
from streamproc.worker.http import application, metrics_address, serve
from streamproc.worker.logs import log_to_stderr
from streamproc.worker.metrics import Metrics
from streamproc.worker.parts import Only, Parts, running
from streamproc.worker.process_exit import clings, end_without
from streamproc.worker.run_summary import run_summary

IDLE_CHECK_SECONDS: Final = 0.2

_log = logging.getLogger(__name__)


def run(
    config: Config,
    exit_when_idle: float | None = None,
    at_work: Callable[[], object] = lambda: None,
    only: Only | None = None,
    beat: Callable[[], object] = lambda: None,
) -> None:
    """Run a worker until SIGTERM, SIGINT, or `exit_when_idle` seconds without work.

    `at_work` is called once the worker has started; `only` names the part to run alone; `beat` is
    called every second while the event loop runs.

    Raises
    ------
    StreamprocError
        If the worker cannot start, or an error ended it.
    """
    log_to_stderr()
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        runner.run(_beating(_Run(config, exit_when_idle, at_work, only), beat))
    finally:
        if clings():
            end_without()
        else:
            runner.close()


async def _beating(run: "_Run", beat: Callable[[], object]) -> None:
    """Serve, and show until the end that the event loop runs."""
    beats = asyncio.create_task(keep_beating(beat))
    try:
        await run.serve()
    finally:
        beats.cancel()


class _Run:
    """One run of a worker, which HTTP, signals and the supervisor's exit act on."""

    def __init__(
        self,
        config: Config,
        exit_when_idle: float | None,
        at_work: Callable[[], object],
        only: Only | None,
    ) -> None:
        self._config = config
        self._idle = exit_when_idle
        self._at_work = at_work
        self._only = only
        self._worker: Parts | None = None
        self._starting: asyncio.Task[None] | None = None

    async def serve(self) -> None:
        """Open the HTTP port first, so that a port in use fails early; then run the worker."""
        registry = CollectorRegistry()
        http = self._config.http
        token = None if http is None else http.token()
        app = application(registry, self._unhealthy, self._unready, token)
        async with serve(app, http) as port:
            self._starting = asyncio.create_task(self._work(Metrics(registry), port))
            self._handle_signals()
            with contextlib.suppress(asyncio.CancelledError):  # stopped while starting
                await self._starting

    async def _work(self, metrics: Metrics, port: int | None) -> None:
        async with running(self._config, metrics, self._only) as worker:
            self._worker = worker
            doing = "watching" if self._only is None else "reading intake from"
            note(f"{doing} {self._config.broker}{metrics_address(self._config.http, port)}")
            self._at_work()
            if self._idle is None:
                await worker.wait_stopped()
            else:
                await _until_idle(worker, self._idle)
                note(run_summary(metrics.registry))

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._stop)
        parent = multiprocessing.parent_process()
        if parent is not None:  # the supervisor handles it, and may share the terminal
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        elif signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # not under nohup
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        if parent is not None:  # stop if the supervisor was killed
            loop.add_reader(parent.sentinel, self._orphaned, parent.sentinel)

    def _orphaned(self, sentinel: int) -> None:
        asyncio.get_running_loop().remove_reader(sentinel)  # it stays readable for ever
        self._stop()

    def _hang_up(self) -> None:
        _log.info("SIGHUP: stopping; only a supervisor (--processes) reloads its configuration")
        self._stop()

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()
        elif self._starting is not None and not self._starting.cancelling():
            self._starting.cancel()  # nothing was taken yet

    def _unhealthy(self) -> str | None:
        return None if self._worker is None else self._worker.unhealthy()

    def _unready(self) -> str | None:
        return "starting" if self._worker is None else self._worker.unready()


async def _until_idle(worker: Parts, seconds: float) -> None:
    while worker.idle_seconds() < seconds:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(worker.wait_stopped(), IDLE_CHECK_SECONDS)
            return
