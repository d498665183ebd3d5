"""Measure the progress of a worker's joins, and report those that stall."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition

from streamproc.alerting.operational_alerts import labels_not_joined
from streamproc.config.config import Config
from streamproc.join.entry import InputLog
from streamproc.schemas.alerts import AlertEvent
from streamproc.worker.join.metrics import JoinMetrics
from streamproc.worker.join.status import JoinStatus
from streamproc.worker.publisher import AlertPublisher

# Lag is measured by a separate client: one that hangs reports none.
MEASURE_SECONDS: Final = 5.0
# Shorter failures, such as a broker restart, only show in readiness and metrics.
ALERT_SECONDS: Final = 20.0


class JoinWatch:
    """Measure the lag of joins, and publish an alert about those that fail.

    Parameters
    ----------
    config
        The whole configuration.
    outbox
        Publishes the alerts.
    metrics
        Exports lag and failures.
    online
        Whether features are joined, too.

    Attributes
    ----------
    status : dict
        Status by partition, while its join runs.
    uneven : str or None
        Why no partition can be joined.
    reports : set
        Tasks that publish alerts.
    partitions : int
        Partitions of each joined topic; 0 while unknown.
    """

    def __init__(
        self, config: Config, outbox: AlertPublisher, metrics: JoinMetrics, *, online: bool
    ) -> None:
        self.status: dict[int, JoinStatus] = {}
        self.uneven: str | None = None
        self.partitions = 0
        self.reports: set[asyncio.Task[None]] = set()
        topics = config.topics
        self._topics = {
            InputLog.PREDICTIONS: topics.full_name("predictions"),
            InputLog.LABELS: topics.full_name("labels"),
        }
        if online:
            self._topics[InputLog.FEATURES] = topics.full_name("features")
        self._outbox = outbox
        self._metrics = metrics
        self._measured = -MEASURE_SECONDS
        self._open: dict[int, tuple[str, int, int]] = {}

    def begin(self, partition: int) -> None:
        """Start to watch the join of a partition."""
        self.status[partition] = JoinStatus()

    def end(self, partition: int) -> None:
        """Stop watching a partition."""
        self.status.pop(partition, None)
        self._open.pop(partition, None)  # its next owner reports it

    def trouble(self) -> str | None:
        """Return why labels are not joined; None if they are."""
        if self.uneven is not None:
            return f"labels are not joined: {self.uneven}"
        for number, status in sorted(self.status.items()):
            if status.failure is not None:
                return f"labels of partition {number} are not joined: {status.failure}"
        return None

    def stalled(self) -> tuple[float, str]:
        """Return the longest time of lag without progress in seconds, and its reason.

        A join that pauses after a failure does not count: `trouble` returns its reason, and a
        restart of the worker would not help.
        """
        found = [
            (status.stalled, number, status.waiting)
            for number, status in self.status.items()
            if status.failure is None
        ]
        seconds, number, waiting = max(found, default=(0.0, 0, 0))
        return seconds, (
            f"labels of partition {number}: {waiting} records wait, none was joined for"
            f" {seconds:.0f} s"
        )

    async def look(self, consumer: AIOKafkaConsumer) -> None:
        """Measure the lag at the cluster, if it is due.

        Raises
        ------
        aiokafka.errors.KafkaError
            If the cluster does not answer.
        """
        now = time.monotonic()
        if now - self._measured < MEASURE_SECONDS or not self.status:
            return
        self._measured = now
        watched = dict(self.status)
        homes = {
            (number, log): TopicPartition(topic, number)
            for number in watched
            for log, topic in self._topics.items()
        }
        ends = await consumer.end_offsets(list(homes.values()))
        unknown = [home for (n, log), home in homes.items() if log not in watched[n].reached]
        begins = await consumer.beginning_offsets(unknown) if unknown else {}
        for number, status in watched.items():
            waiting = sum(
                max(0, ends[home] - status.reached.get(log, begins.get(home, 0)))
                for (of, log), home in homes.items()
                if of == number
            )
            status.measure(now, waiting)
            if number in self.status:
                self._metrics.behind(number, waiting)
        self._metrics.failing(sum(s.failure is not None for s in self.status.values()))
        for reason, place, step in self._news(now):
            self._report(reason, place, step)

    def _news(
        self, now: float
    ) -> Iterator[tuple[str, tuple[str, int, int], Literal["firing", "resolved"]]]:
        """Yield what to report: partitions that failed, and those that recovered."""
        for number, status in self.status.items():
            place = self._open.get(number)
            if place is not None and status.failure is None:
                del self._open[number]
                yield "", place, "resolved"
            elif place is None and status.failure and now - status.failing_since > ALERT_SECONDS:
                stands = status.reached.get(InputLog.LABELS, 0)
                place = self._open[number] = self._topics[InputLog.LABELS], number, stands
                yield status.failure, place, "firing"

    def _report(
        self, reason: str, place: tuple[str, int, int], step: Literal["firing", "resolved"]
    ) -> None:
        alert = labels_not_joined(place, reason, step, datetime.now(UTC))
        # It may wait for the brokers, and must not delay the joins of other partitions.
        task = asyncio.create_task(self._publish(alert))
        self.reports.add(task)
        task.add_done_callback(self.reports.discard)

    async def _publish(self, alert: AlertEvent) -> None:
        await self._outbox.publish([alert], [])
        self._metrics.alerted(alert.detector)
