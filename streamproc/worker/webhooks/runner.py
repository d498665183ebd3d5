"""Webhooks beside a worker's own work, which knows nothing of them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from streamproc.config.config import Config
from streamproc.sinks.metrics import WebhookMetrics
from streamproc.sinks.webhook import Target
from streamproc.worker.metrics import Metrics
from streamproc.worker.webhooks.consumer import AlertConsumer
from streamproc.worker.webhooks.offsets import begin

# Of the 30 s after which orchestrators kill, the worker itself takes most.
STOP_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


@asynccontextmanager
async def serving_webhooks(
    config: Config, targets: Sequence[Target], metrics: Metrics
) -> AsyncIterator[None]:
    """Send alerts to webhooks until the block ends.

    Each webhook has a consumer of its own, in a group of its own: one that fails holds up no other.

    Parameters
    ----------
    config
        The whole configuration.
    targets
        Where to; none: nothing is sent, or read.
    metrics
        Of the worker; what is counted is shown with its own.

    Raises
    ------
    BrokerError
        If the cluster cannot be asked where the alerts end.
    """
    if not targets:
        yield
        return
    await begin(config, targets)
    counted = WebhookMetrics(metrics.registry)
    readers = [AlertConsumer(config, target, counted.of(target.hook.name)) for target in targets]
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
