"""The Faust application: one agent, which hands slices to the pipeline."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import faust
from faust.types import TP
from yarl import URL

from streamproc.config.config import Config
from streamproc.driver import Slice, SliceLimits, slice_topic
from streamproc.kafka.clients import METADATA_MS
from streamproc.kafka.fetched_records import unpacked_limit
from streamproc.kafka.security import faust_credentials

Acknowledge = Callable[[], Awaitable[Any]]
Handler = Callable[[Slice, Acknowledge], Awaitable[None]]

# Kafka's smallest allowed session by default: the partitions of a worker that died are with
# another one as soon as brokers permit, and joining a group of the embedded broker is fast.
SESSION_SECONDS = 6.0
HEARTBEAT_SECONDS = 1.0


class App(faust.App):
    """A Faust application that writes nothing to the disk."""

    def _create_directories(self) -> None:
        """Faust's folders are for tables, of which there are none."""


def make_app(
    config: Config,
    topics: tuple[str, ...],
    handle: Handler,
    assigned: Callable[[set[TP]], None],
) -> App:
    """Make the application.

    Parameters
    ----------
    config
        The whole configuration.
    topics
        What to read.
    handle
        Takes one slice, and acknowledges it when it is done. It must not raise: Faust would
        go on with the next slice.
    assigned
        Called with all partitions of this worker after each rebalance.

    Notes
    -----
    Nothing of Faust's tables, web server or leader election is used; state is our own.
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
        stream_wait_empty=False,  # a revoke would wait for slices that nobody finishes
        topic_disable_leader=True,
        topic_allow_declare=False,  # topics are created as configured, before this starts
        web_enabled=False,
        store="memory://",
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
