"""Run the worker of the demo in this process, and track its progress."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from prometheus_client import CollectorRegistry

from streamproc.config.config import Config
from streamproc.errors import StreamprocError
from streamproc.worker.http import application, serve
from streamproc.worker.metrics import Metrics
from streamproc.worker.wiring import working
from streamproc.worker.worker import Worker

LOOK_SECONDS: Final = 0.05
# A slice takes half a second at most; joining the group again, a few seconds; kernels
# of models that are compiled for the first time on a crowded machine, a minute and more.
STALLED_SECONDS: Final = 180.0
_EVENTS: Final = ("streamproc_events_total", "streamproc_dead_letters_total")
_OUTCOMES: Final = "streamproc_outcomes_total"


class Counts(Protocol):
    """What a worker has counted so far."""

    def watched(self) -> int:
        """Count the events that went through it."""

    def asked(self) -> int:
        """Count the events that the model which learns was asked about."""

    def labelled(self) -> int:
        """Count the labels that were joined with their events."""


@dataclass(frozen=True)
class DemoWorker:
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
        topics = {self.config.topics.full_name(kind) for kind in ("predictions", "features")}
        return sum(self._count(name, topic=topic) for name in _EVENTS for topic in topics)

    def asked(self) -> int:
        """Count the events that the model which learns was asked about."""
        return self._count(_OUTCOMES, status="asked")

    def labelled(self) -> int:
        """Count the labels that were joined with their events."""
        return self._count(_OUTCOMES, status="labelled")

    async def until_done(self, events: int, labels: int) -> None:
        """Wait until the worker has processed this many records and is idle.

        Raises
        ------
        DemoError
            If it stops for some minutes, or for good.
        """
        last, still = self._progress(), 0.0
        while self.watched() < events or self.labelled() < labels or not self._idle():
            if self.worker.stopped.is_set() or still > STALLED_SECONDS:
                raise DemoError(
                    f"the worker stopped after {self.watched()} of {events} events and"
                    f" {self.labelled()} of {labels} labels"
                )
            await asyncio.sleep(LOOK_SECONDS)
            now = self._progress()
            still = 0.0 if now > last else still + LOOK_SECONDS
            last = now

    def _idle(self) -> bool:
        return self.worker.idle_seconds() > 0

    def _progress(self) -> int:
        return self.watched() + self.labelled()

    def _count(self, name: str, **labels: str) -> int:
        """Add up a counter; what is costly to compute is not asked for."""
        return int(
            sum(
                sample.value
                for metric in self.registry.restricted_registry([name]).collect()
                for sample in metric.samples
                if sample.name == name and labels.items() <= sample.labels.items()
            )
        )


@asynccontextmanager
async def staged(config: Config) -> AsyncIterator[DemoWorker]:
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
            yield DemoWorker(config, worker, registry, port)


class DemoError(StreamprocError):
    """The story did not come to its end; the message says how far it came.

    Run it again on a machine with less to do; when it stops at the same event, that is a fault
    of this program.
    """
