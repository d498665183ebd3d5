"""The Faust application of a worker, for the ``faust`` command and for custom agents.

``faust -A streamproc.app worker`` runs what ``streamproc worker`` runs, with the config file that
the environment variable STREAMPROC_CONFIG names and the broker in STREAMPROC_BROKER. A module that
adds agents to `create_app` is started in the same way.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from streamproc.client.settings import Source, resolve_config
from streamproc.config.config import Config
from streamproc.decode.event_schema import Topic
from streamproc.terminal import note
from streamproc.worker.app import App, make_app
from streamproc.worker.http import application, metrics_address, serve
from streamproc.worker.metrics import Metrics
from streamproc.worker.parts import Parts, running

__all__ = ["ServiceApp", "create_app"]


class ServiceApp(App):
    """Faust application that starts and stops a whole worker with itself.

    It is made by `create_app`. Its agents named ``streamproc.…`` read the event topics in slices.
    Labels, online models, commands, incidents and sinks start before the first slice and stop
    after the last, as in ``streamproc worker``; so do the HTTP endpoints, if they are configured.
    """

    config: Config
    _running: AsyncExitStack | None = None
    _ending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the worker, which starts the agents once its state can be recovered."""
        if self.client_only or self.producer_only or self._running is not None:
            await super().start()
            return
        self._running = AsyncExitStack()
        try:
            parts = await self._running.enter_async_context(_serving(self, self.config))
        except BaseException:
            self._running = None
            raise
        self._ending = asyncio.create_task(self._crash_with(parts))

    async def stop(self) -> None:
        """Finish the slices in progress, write snapshots, commit and leave the group."""
        stack, self._running = self._running, None
        if stack is None:
            await super().stop()
            return
        if self._ending is not None:
            self._ending.cancel()
        await stack.aclose()

    async def _crash_with(self, parts: Parts) -> None:
        """End this application, with an error, once a part has failed."""
        await parts.wait_stopped()
        reason = parts.unhealthy()
        if reason is not None:
            await self.crash(RuntimeError(reason))


def create_app(config: Source = None, broker: str | None = None, **settings: Any) -> ServiceApp:
    """Make the Faust application of a worker.

    Parameters
    ----------
    config
        Path of a config file, a dict, a Config, or None for the defaults.
    broker
        ``kafka://host:port``, with further hosts after commas; None keeps the config's.
    **settings
        Settings of Faust, for instance ``datadir`` or ``web_enabled``.

    Returns
    -------
    ServiceApp
        An application to which further agents, tables and timers may be added. They share its
        consumer group, event loop and client: an agent that blocks the loop delays the detection.
        A topic is read in slices (`streamproc.driver.slice_topic`) by all of its agents, or
        message by message by all of them.

    Raises
    ------
    ConfigError
        When the config is wrong; the message names file, line and field.

    Examples
    --------
    >>> app = create_app({"group": "fraud"}, broker="kafka://localhost:9092")
    >>> alerts = app.topic(app.config.topics.full_name("alerts"), value_type=bytes)
    >>> @app.agent(alerts, name="on_alert")
    ... async def on_alert(stream):
    ...     async for alert in stream:
    ...         print(alert)
    >>> sorted(app.agents)
    ['on_alert', 'streamproc.features', 'streamproc.outcomes', 'streamproc.predictions']
    """
    settled = resolve_config(broker, config)
    topics = tuple(settled.topics.full_name(kind.value) for kind in Topic)
    app = make_app(settled, topics, ServiceApp, topic_allow_declare=True, **settings)
    app.config = settled
    return app


@asynccontextmanager
async def _serving(app: App, config: Config) -> AsyncIterator[Parts]:
    """Run the HTTP endpoints and the worker until the block ends."""
    registry, http = CollectorRegistry(), config.http
    started: list[Parts] = []

    def unready() -> str | None:
        return started[0].unready() if started else "starting"

    def unhealthy() -> str | None:
        return started[0].unhealthy() if started else None

    token = None if http is None else http.token()
    async with (
        serve(application(registry, unhealthy, unready, token), http) as port,
        running(config, Metrics(registry), app=app) as parts,
    ):
        started.append(parts)
        note(f"watching {config.broker}{metrics_address(http, port)}")
        yield parts


def __getattr__(name: str) -> ServiceApp:
    """Make ``app`` when it is asked for, so that an import reads no config."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = create_app(
        os.environ.get("STREAMPROC_CONFIG"), os.environ.get("STREAMPROC_BROKER")
    )
    return found
