"""Runs a worker in this process: logs, signals, event loop, HTTP."""

import asyncio
import contextlib
import logging
import multiprocessing
import signal
import sys
from typing import Final

import structlog
import uvloop
from prometheus_client import CollectorRegistry

from streamproc.cli.output import note
from streamproc.contract.config import Config
from streamproc.transport.metrics import Metrics
from streamproc.transport.worker import Worker, working
from streamproc.web.server import application, serve

IDLE_CHECK_SECONDS: Final = 0.2


def run(config: Config, exit_when_idle: float | None = None) -> None:
    """Run a worker until SIGTERM, SIGINT, or nothing to do for `exit_when_idle` seconds.

    Raises
    ------
    StreamprocError
        If it cannot start, or something unexpected ended it.
    """
    log_to_stderr()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(config, exit_when_idle))


def log_to_stderr() -> None:
    """Write logs as lines that people read on a terminal, and machines elsewhere."""
    terminal = sys.stderr.isatty()
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    last = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                last,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("streamproc").setLevel(logging.INFO)


async def _serve(config: Config, exit_when_idle: float | None) -> None:
    registry = CollectorRegistry()
    async with working(config, Metrics(registry)) as worker:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, worker.stopped.set)
        parent = multiprocessing.parent_process()
        if parent is not None:  # a worker whose supervisor was killed must not live on unseen
            loop.add_reader(parent.sentinel, worker.stopped.set)
        app = application(registry, worker.unhealthy, worker.unready)
        async with serve(app, config.http) as port:
            where = f"; metrics on http://{config.http.host}:{port}" if config.http else ""
            note(f"watching {config.broker}{where}")
            if exit_when_idle is None:
                await worker.stopped.wait()
            else:
                await _until_idle(worker, exit_when_idle)


async def _until_idle(worker: Worker, seconds: float) -> None:
    while worker.idle_seconds() < seconds:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(worker.stopped.wait(), IDLE_CHECK_SECONDS)
            return
