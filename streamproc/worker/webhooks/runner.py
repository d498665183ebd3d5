"""Run the webhook consumers alongside a worker."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from streamproc.config.config import Config
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.delivery import StandingOf
from streamproc.sinks.metrics import WebhookMetrics
from streamproc.sinks.targets import Target
from streamproc.worker.metrics import Metrics
from streamproc.worker.publisher import AlertPublisher
from streamproc.worker.webhooks.consumer import AlertConsumer
from streamproc.worker.webhooks.offsets import begin

# The worker needs most of the 30 s after which orchestrators kill it.
STOP_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def serving_webhooks(
    config: Config,
    targets: Sequence[Target],
    metrics: Metrics,
    publisher: AlertPublisher,
    standing: StandingOf,
) -> AsyncIterator[None]:
    """Send alerts to webhooks until the block ends.

    Each webhook has a separate consumer and group, so that a failing one delays no other.

    Parameters
    ----------
    config
        The whole configuration.
    targets
        Targets of the webhooks; empty: nothing is consumed.
    metrics
        The worker's metrics, which export those of the webhooks.
    publisher
        Publishes alerts about webhooks that drop alerts.
    standing
        Returns whether an alert is silenced.

    Raises
    ------
    BrokerError
        If the cluster does not return the end of the alerts.
    """
    if not targets:
        yield
        return
    await begin(config, targets)
    counted = WebhookMetrics(metrics.registry)

    async def publish(alert: AlertEvent) -> None:
        await publisher.publish([alert], [])
        metrics.operational(alert.detector)

    readers = [
        AlertConsumer(config, target, counted.of(target.settings.name), publish, standing)
        for target in targets
    ]
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        _, left = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        if left:
            _log.info(
                "%d webhooks did not stop within %.0f s: exiting without them",
                *(len(left), STOP_SECONDS),
            )
