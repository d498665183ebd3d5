"""Build a worker from its parts, run it, and stop it cleanly."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from streamproc.config.config import Config
from streamproc.control.handlers import CommandHandler, NoPayload
from streamproc.kafka.clients import open_producer
from streamproc.kafka.errors import WorkerError
from streamproc.kafka.topics import ensure_topics
from streamproc.sinks.targets import targets_of
from streamproc.tabular.reference import with_references
from streamproc.worker.app import App
from streamproc.worker.control import serving_commands
from streamproc.worker.incidents.runner import Incidents, serving_incidents
from streamproc.worker.join.join_manager import JoinManager
from streamproc.worker.metrics import Metrics
from streamproc.worker.model_commands import choices
from streamproc.worker.online.online_process import OnlineProcess, learns
from streamproc.worker.pipeline import Pipeline
from streamproc.worker.placement import Placement, placing
from streamproc.worker.publisher import AlertPublisher
from streamproc.worker.snapshots.monitor_codec import MonitorCodec
from streamproc.worker.snapshots.snapshots import Snapshots
from streamproc.worker.snapshots.store import SnapshotStore
from streamproc.worker.starting_offsets import starting_offsets
from streamproc.worker.warmup import warm_up
from streamproc.worker.webhooks.runner import serving_webhooks
from streamproc.worker.worker import Worker

# Bytes of a record besides its value: key, headers, framing.
ENVELOPE_BYTES: Final = 2**16

_log = logging.getLogger(__name__)


@asynccontextmanager
async def working(
    config: Config, metrics: Metrics, app: App | None = None
) -> AsyncIterator[Worker]:
    """Run a worker until the block ends, then stop it cleanly; in `app`, if one is given.

    Raises
    ------
    WorkerError
        On exit, if an error stopped it. Offsets after the last finished slice are not committed:
        a restart resumes there.
    BrokerError
        On entry, if the cluster cannot be used.
    ConfigError
        On entry, if a model's reference cannot be read, or a webhook's URL is not allowed.
    """
    targets = await asyncio.to_thread(targets_of, config)
    config = await asyncio.to_thread(with_references, config)
    await warm_up(config)
    created = await ensure_topics(config)
    if created:
        _log.info("created topics: %s", ", ".join(created))
    largest = config.limits.record_bytes + ENVELOPE_BYTES
    async with open_producer(config, linger_ms=0, max_request_size=largest) as producer:
        starts = await starting_offsets(config, producer)
        snapshots = Snapshots(
            *(config, SnapshotStore(config, producer), MonitorCodec(config), metrics),
            starts=starts,
        )
        incidents = Incidents.of(config, producer, metrics)
        outbox = AlertPublisher(config, producer, incidents.view.marks)
        line = Pipeline(config, outbox, metrics, snapshots=snapshots)
        joins = JoinManager(config, producer, outbox, metrics, starts=starts)
        learning = OnlineProcess(config, metrics.registry) if learns(config) else None
        worker = Worker(config, line, metrics, joins, learning, incidents.owner, app)
        verbs = (
            CommandHandler("save", NoPayload, worker.save),
            *choices(joins),
            *incidents.commands,
        )
        await joins.start()
        try:
            commands = serving_commands(config, metrics, worker.fail, *verbs)
            placement = Placement(config, line, joins, outbox, metrics)
            async with (
                commands,
                serving_incidents(incidents),
                serving_webhooks(config, targets, metrics, outbox, incidents.view.standing),
                placing(placement, worker.fail),
            ):
                if learning is not None:
                    await learning.start()
                await worker.start()
                yield worker
        finally:
            joining = asyncio.create_task(joins.stop())
            try:
                await worker.stop()
            finally:
                await joining
    if worker.failure is not None:
        raise WorkerError(
            f"{type(worker.failure).__name__}: {worker.failure}; restart the worker: it resumes"
            " with the first unfinished slice"
        ) from worker.failure
