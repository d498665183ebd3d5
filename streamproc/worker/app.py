"""Build the Faust application: an agent for each topic passes slices to the pipeline."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import faust
from faust.tables import TableManager
from faust.types import TP
from mode.utils.times import Seconds
from yarl import URL

from streamproc.config.config import Config
from streamproc.driver import Slice, SliceLimits, slice_topic
from streamproc.kafka.clients import METADATA_MS
from streamproc.kafka.fetched_records import unpacked_limit
from streamproc.kafka.security import faust_credentials

Acknowledge = Callable[[], Awaitable[Any]]
Handler = Callable[[Slice, Acknowledge], Awaitable[None]]
AnyApp = TypeVar("AnyApp", bound="App")

# Kafka's default for the smallest session timeout: partitions of a worker that died are
# reassigned as soon as brokers permit, and joining a group of the embedded broker is fast.
SESSION_SECONDS = 6.0
HEARTBEAT_SECONDS = 1.0


class NoTables(TableManager):
    """Manager of Faust's tables that does not wait for any to be declared: there are none."""

    async def sleep(self, n: Seconds) -> None:
        """Return at once: Faust's only wait here is the second for tables, at the start."""


class App(faust.App):
    """Faust application whose agents hand slices to the handler that is bound to it."""

    _handle: Handler
    _assigned: Callable[[set[TP]], None]

    def bind(self, handle: Handler, assigned: Callable[[set[TP]], None]) -> None:
        """Set what processes slices and what hears of rebalances; before the start.

        Parameters
        ----------
        handle
            Processes one slice and acknowledges it. It must not raise: Faust would continue with
            the next slice.
        assigned
            Called with the partitions of the agents' topics after each rebalance.
        """
        self._handle, self._assigned = handle, assigned

    def watch(self, topics: tuple[str, ...], limits: SliceLimits) -> None:
        """Declare an agent for each topic, which reads it in slices."""
        for topic in topics:
            self.agent(slice_topic(self, topic, limits=limits), name=f"streamproc.{topic}")(
                self._watch
            )

        @self.on_partitions_assigned.connect(weak=False)
        async def on_assigned(_: Any, assigned_now: set[TP], **_kwargs: Any) -> None:
            self._assigned({tp for tp in assigned_now if tp.topic in topics})

    async def _watch(self, stream: Any) -> None:
        """Pass slices of a topic to the worker."""
        manual = stream.noack()
        async for event in manual.events():
            await self._handle(event.value, partial(manual.ack, event))


class BareApp(App):
    """Application without tables and without anything on the disk."""

    def _create_directories(self) -> None:
        """Create nothing: Faust's folders are for tables, which are not used."""


def make_app(
    config: Config, topics: tuple[str, ...], kind: type[AnyApp], **settings: Any
) -> AnyApp:
    """Build the Faust application.

    Parameters
    ----------
    config
        The whole configuration.
    topics
        Names of the topics to read.
    kind
        Class of the application.
    **settings
        Settings of Faust, in addition to those of the configuration or in place of them.

    Notes
    -----
    Faust's web server and leader election are not used; snapshots hold the state.
    """
    limits = config.limits
    app = kind(
        config.group,
        **{
            "broker": [URL(f"slices://{address}") for address in config.bootstrap_servers],
            "broker_credentials": faust_credentials(config.security),
            "broker_session_timeout": SESSION_SECONDS,
            "broker_heartbeat_interval": HEARTBEAT_SECONDS,
            "broker_commit_interval": 1.0,
            "consumer_metadata_max_age_ms": METADATA_MS,
            "consumer_auto_offset_reset": "earliest",
            "consumer_max_fetch_size": limits.slice_bytes,
            "stream_wait_empty": False,  # a revocation would wait for slices never finished
            "topic_disable_leader": True,
            "topic_allow_declare": False,  # topics are created as configured, before this starts
            "web_enabled": False,
            "store": "memory://",
            "autodiscover": False,
            **settings,
        },
    )
    app.watch(
        topics,
        SliceLimits(
            *(limits.slice_records, limits.slice_bytes, limits.slice_seconds),
            batch_bytes=unpacked_limit(limits),
            linger=limits.linger.total_seconds(),
        ),
    )
    return app


def make_bare_app(config: Config, topics: tuple[str, ...]) -> BareApp:
    """Build the application of a worker that runs nothing else."""
    return make_app(config, topics, BareApp, TableManager=NoTables)
