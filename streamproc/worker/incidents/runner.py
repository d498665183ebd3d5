"""Run what concerns incidents alongside a worker."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from streamproc.config.config import Config
from streamproc.control.command import Command
from streamproc.control.handlers import CommandHandler
from streamproc.schemas.incident_commands import PAYLOADS
from streamproc.worker.incidents.metrics import IncidentMetrics
from streamproc.worker.incidents.owner import IncidentOwner
from streamproc.worker.incidents.view import IncidentView
from streamproc.worker.incidents.writing import IncidentLog, OrderedTopic
from streamproc.worker.metrics import Metrics

# The worker needs most of the 30 s after which orchestrators kill it.
STOP_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Incidents:
    """What a worker has to do with incidents.

    Attributes
    ----------
    owner
        Orders alerts, and derives incidents where this worker owns them.
    view
        Returns where an alert stands, for sinks and for the marks of published alerts.
    commands
        Handlers of the commands of people.
    """

    owner: IncidentOwner
    view: IncidentView
    commands: tuple[CommandHandler, ...]

    @classmethod
    def of(cls, config: Config, producer: AIOKafkaProducer, metrics: Metrics) -> "Incidents":
        """Build them from the configuration."""
        log = IncidentLog(config, producer)
        topic = OrderedTopic(producer, config.topics.full_name("incidents"))
        owner = IncidentOwner(config, log, topic, IncidentMetrics(metrics.registry))
        return cls(owner, IncidentView(config), incident_commands(log))


@asynccontextmanager
async def serving_incidents(incidents: Incidents) -> AsyncIterator[None]:
    """Keep and follow the incidents until the block ends."""
    tasks = [asyncio.create_task(each.run()) for each in (incidents.owner, incidents.view)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        _, left = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        if left:
            _log.info(
                "%d readers of incidents did not stop within %.0f s: exiting without them",
                *(len(left), STOP_SECONDS),
            )


def incident_commands(log: IncidentLog) -> tuple[CommandHandler, ...]:
    """Return the handlers of all commands about incidents and silences."""

    async def append(command: Command, _payload: Any) -> None:
        await log.command(command)

    return tuple(
        # The owner of the incidents applies it, in the order of the log.
        CommandHandler(verb, payload, append, outcome="forwarded")
        for verb, payload in PAYLOADS.items()
    )
