"""The worker that watches the story, in this process, and what it has seen so far."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry

from streamproc.contract.config import Config
from streamproc.demo.errors import DemoError
from streamproc.transport.metrics import Metrics
from streamproc.transport.worker import Worker, working
from streamproc.web.server import application, serve

LOOK_SECONDS: Final = 0.05
# A slice takes half a second at most; a group that has to be joined anew, a few seconds.
STALLED_SECONDS: Final = 60.0
_COUNTED: Final = ("streamproc_events_total", "streamproc_dead_letters_total")


@dataclass(frozen=True)
class Stage:
    """A worker at work.

    Parameters
    ----------
    config
        What it was started with.
    worker
        The same as that of ``streamproc worker``.
    registry
        Its metrics.
    metrics_port
        Where they are served on loopback; None: nowhere.
    """

    config: Config
    worker: Worker
    registry: CollectorRegistry
    metrics_port: int | None

    def watched(self) -> int:
        """Count the events that went through the worker, alerts confirmed, and dead letters."""
        return int(
            sum(
                sample.value
                for metric in self.registry.collect()
                for sample in metric.samples
                if sample.name in _COUNTED
            )
        )

    async def until_watched(self, events: int) -> None:
        """Wait until so many events went through the worker.

        Raises
        ------
        DemoError
            If it stops for a minute, or for good.
        """
        last, still = self.watched(), 0.0
        while last < events:
            if self.worker.stopped.is_set() or still > STALLED_SECONDS:
                raise DemoError(f"the worker stopped after {last} of {events} events")
            await asyncio.sleep(LOOK_SECONDS)
            now = self.watched()
            still = 0.0 if now > last else still + LOOK_SECONDS
            last = now


@asynccontextmanager
async def staged(config: Config) -> AsyncIterator[Stage]:
    """Run a worker until the block ends, and serve its metrics where `config` says.

    Raises
    ------
    StreamprocError
        If it cannot start; at the end, if something unexpected stopped it.
    """
    registry = CollectorRegistry()
    async with working(config, Metrics(registry)) as worker:
        app = application(registry, worker.unhealthy, worker.unready)
        async with serve(app, config.http) as port:
            yield Stage(config, worker, registry, port)
