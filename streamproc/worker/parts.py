"""Run the parts of a worker process together: the worker, and the intake if it is configured."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal, Protocol

from streamproc.config.config import Config
from streamproc.errors import ConfigError
from streamproc.registry.store import schema_store
from streamproc.worker.app import App
from streamproc.worker.intake.http_events import accepting
from streamproc.worker.intake.reader import reading
from streamproc.worker.metrics import Metrics
from streamproc.worker.wiring import working

Only = Literal["intake"]
"""The part to run alone."""


class Part(Protocol):
    """A part of the process that runs until it is stopped or fails."""

    stopped: asyncio.Event

    def unhealthy(self) -> str | None:
        """Return the reason to restart it; None if there is none."""

    def unready(self) -> str | None:
        """Return the reason why it is not ready; None if it is ready."""

    def idle_seconds(self) -> float:
        """Return the seconds without work."""


class Parts:
    """Several parts as one: all are needed, and the end of one is the end of all."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts

    def unhealthy(self) -> str | None:
        """Return the first reason to restart; None if there is none."""
        return next((why for part in self._parts if (why := part.unhealthy())), None)

    def unready(self) -> str | None:
        """Return the first reason why the process is not ready; None if it is ready."""
        return next((why for part in self._parts if (why := part.unready())), None)

    def idle_seconds(self) -> float:
        """Return the seconds in which no part had work."""
        return min(part.idle_seconds() for part in self._parts)

    def stop(self) -> None:
        """Have all parts take no further work."""
        for part in self._parts:
            part.stopped.set()

    async def wait_stopped(self) -> None:
        """Wait until a part is stopped."""
        waiting = [asyncio.create_task(part.stopped.wait()) for part in self._parts]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()


@asynccontextmanager
async def running(
    config: Config, metrics: Metrics, only: Only | None = None, app: App | None = None
) -> AsyncIterator[Parts]:
    """Run the parts until the block ends, then stop them cleanly.

    The worker runs in the Faust application `app`, if one is given.

    Raises
    ------
    WorkerError
        On exit, if an error stopped a part.
    ConfigError
        If `only` names a part that is not configured, or a secret of the registry is missing.
    MissingExtraError
        If a registry is configured, and the packages that read its schemas are not installed.
    """
    entries = [entry for entry in config.intake if not entry.source.http]
    if only == "intake" and not entries and config.http_intake is None:
        raise ConfigError("intake: no entry is configured, so `--only intake` has nothing to read")
    if entries:
        async with schema_store(config):
            pass  # refused before any part has begun
    async with AsyncExitStack() as stack:
        parts: list[Part] = []
        if only is None:
            parts.append(await stack.enter_async_context(working(config, metrics, app)))
        if entries:
            parts.append(await stack.enter_async_context(reading(config, metrics)))
        if config.http_intake is not None:
            server = accepting(config, config.http_intake, metrics.registry)
            parts.append(await stack.enter_async_context(server))
        yield Parts(parts)
