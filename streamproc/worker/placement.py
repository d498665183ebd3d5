"""Report models with events and labels on different partitions."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from aiokafka.partitioner import murmur2
from prometheus_client import CollectorRegistry, Gauge

from streamproc.alerting.operational_alerts import PLACEMENT, misplaced
from streamproc.config.config import Config
from streamproc.join.meetings import Meeting
from streamproc.join.placement import Finding, Topics, apart, reused, scattered, suspicious
from streamproc.worker.join.join_manager import JoinManager
from streamproc.worker.metrics import Metrics
from streamproc.worker.pipeline import Pipeline
from streamproc.worker.publisher import AlertPublisher

# Two checks must agree before labels are reported, all within a minute.
LOOK_SECONDS: Final = 10.0
# A producer without keys scatters all of its models: the first alerts are enough.
MAX_ALERTS: Final = 20

_log = logging.getLogger(__name__)

PROBLEMS: Final = ("events_scattered", "labels_scattered", "labels_apart", "ids_reused")


def misplaced_gauge(registry: CollectorRegistry) -> Gauge:
    """Register the gauge of placement problems, each starting at 0."""
    gauge = Gauge(
        "streamproc_models_misplaced",
        "Models whose events or labels are where they do not meet, or share ids.",
        ("problem",),
        registry=registry,
    )
    for problem in PROBLEMS:
        gauge.labels(problem)
    return gauge


class Placement:
    """Compare the partitions of a worker, and publish one alert for each problem.

    Parameters
    ----------
    config
        The whole configuration.
    line
        Returns the models of each partition.
    joins
        Return which labels have found their event.
    outbox
        Publishes the alerts.
    metrics
        Counts the problems.
    """

    def __init__(
        self,
        config: Config,
        line: Pipeline,
        joins: JoinManager,
        outbox: AlertPublisher,
        metrics: Metrics,
    ) -> None:
        names = config.topics
        self._config = config
        self._line = line
        self._joins = joins
        self._outbox = outbox
        self._predictions = names.full_name("predictions")
        self._features = names.full_name("features")
        self._labels = names.full_name("labels")
        self._reported: set[tuple[str, str, str]] = set()
        self._suspected: set[tuple[str, str, str]] = set()
        self._gauge = misplaced_gauge(metrics.registry)
        self._alerted = metrics.operational

    async def run(self) -> None:
        """Check periodically until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Publish problems that were not reported before."""
        found = self._find()
        for problem in PROBLEMS:
            models = {each.model_id for each in found if each.problem == problem}
            self._gauge.labels(problem).set(len(models))
        for finding in found:
            key = finding.problem, finding.model_id, finding.topic
            if key not in self._reported and len(self._reported) < MAX_ALERTS:
                self._reported.add(key)
                _log.warning("%s", finding.message)
                owner = self._config.model(finding.model_id).owner
                await self._outbox.publish([misplaced(finding, owner, datetime.now(UTC))], [])
                self._alerted(PLACEMENT)

    def _find(self) -> list[Finding]:
        events = self._line.models(self._predictions)
        meetings = {number: one.meetings for number, one in self._joins.joiners.items()}
        labels = {
            number: [name for name, meeting in of.items() if meeting.labels]
            for number, of in meetings.items()
        }
        found = [
            *scattered("events_scattered", self._predictions, events, "events"),
            *scattered(
                "events_scattered", self._features, self._line.models(self._features), "events"
            ),
            *scattered("labels_scattered", self._labels, labels, "labels"),
            *reused(self._predictions, meetings),
        ]
        topics = Topics(self._predictions, self._labels)
        lonely = apart(topics, events, meetings, self._homes(meetings))
        keys: set[tuple[str, str, str]] = {(e.problem, e.model_id, e.topic) for e in lonely}
        # Labels that arrived just before their events are not reported.
        found += [e for e in lonely if (e.problem, e.model_id, e.topic) in self._suspected]
        self._suspected = keys
        return found

    def _homes(self, meetings: Mapping[int, Mapping[str, Meeting]]) -> dict[str, int]:
        """Return the murmur2 partition of each model with too many unmatched labels."""
        count = self._joins.watch.partitions
        if not count:
            return {}
        return {
            name: (murmur2(name.encode()) & 0x7FFFFFFF) % count
            for of in meetings.values()
            for name, meeting in of.items()
            if suspicious(meeting)
        }


@asynccontextmanager
async def placing(
    placement: Placement, failed: Callable[[BaseException], None]
) -> AsyncIterator[None]:
    """Check until the block ends; call `failed` with an error that ends it early."""
    task = asyncio.create_task(placement.run())

    def ended(done: "asyncio.Task[None]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            failed(error)

    task.add_done_callback(ended)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
