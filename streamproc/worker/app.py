"""Build the Faust application: one agent that passes slices to the pipeline."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

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

# Kafka's default for the smallest session timeout: partitions of a worker that died are
# reassigned as soon as brokers permit, and joining a group of the embedded broker is fast.
SESSION_SECONDS = 6.0
HEARTBEAT_SECONDS = 1.0


class NoTables(TableManager):
    """Manager of Faust's tables that does not wait for any to be declared: there are none."""

    async def sleep(self, n: Seconds) -> None:
        """Return at once: Faust's only wait here is the second for tables, at the start."""


class App(faust.App):
    """Faust application that writes nothing to the disk."""

    def _create_directories(self) -> None:
        """Create nothing: Faust's folders are for tables, which are not used."""


def make_app(
    config: Config,
    topics: tuple[str, ...],
    handle: Handler,
    assigned: Callable[[set[TP]], None],
) -> App:
    """Build the Faust application.

    Parameters
    ----------
    config
        The whole configuration.
    topics
        Names of the topics to read.
    handle
        Processes one slice and acknowledges it. It must not raise: Faust would continue with the
        next slice.
    assigned
        Called with all partitions of this worker after each rebalance.

    Notes
    -----
    Faust's tables, web server and leader election are not used; snapshots hold the state.
    """
    limits = config.limits
    app = App(
        config.group,
        broker=[URL(f"slices://{address}") for address in config.bootstrap_servers],
        broker_credentials=faust_credentials(config.security),
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_commit_interval=1.0,
        consumer_metadata_max_age_ms=METADATA_MS,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=limits.slice_bytes,
        stream_wait_empty=False,  # a revocation would wait for slices that are never finished
        topic_disable_leader=True,
        topic_allow_declare=False,  # topics are created as configured, before this starts
        web_enabled=False,
        store="memory://",
        TableManager=NoTables,
        autodiscover=False,
    )
    source = slice_topic(
        app,
        *topics,
        limits=SliceLimits(
            *(limits.slice_records, limits.slice_bytes, limits.slice_seconds),
            batch_bytes=unpacked_limit(limits),
        ),
    )

    @app.agent(source, name="streamproc")
    async def watch(stream: Any) -> None:
        manual = stream.noack()
        async for event in manual.events():
            await handle(event.value, partial(manual.ack, event))

    @app.on_partitions_assigned.connect(weak=False)
    async def on_assigned(_: Any, assigned_now: set[TP], **_kwargs: Any) -> None:
        assigned(assigned_now)

    return app
