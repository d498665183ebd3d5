"""Publish an alert when a sink begins to drop alerts, and when it takes them again."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiokafka import TopicPartition

from streamproc.alerting.operational_alerts import NOT_DELIVERED, alerts_not_delivered
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.delivery import Taken

PublishAlert = Callable[[AlertEvent], Awaitable[None]]


class DropReporter:
    """Report the drops of one sink, one alert for each partition until it delivers again.

    Alerts about drops are not counted themselves: a sink that drops them, too, would otherwise
    cause new ones without end.

    Parameters
    ----------
    sink
        Name of the sink.
    publish
        Publishes an alert.
    """

    def __init__(self, sink: str, publish: PublishAlert) -> None:
        self._sink = sink
        self._publish = publish
        self._failing: set[TopicPartition] = set()

    async def report(self, home: TopicPartition, offset: int, taken: Taken | None) -> None:
        """Take note of what became of the alert at an offset; publish if that is a change."""
        if taken is None or taken.alert.detector == NOT_DELIVERED:
            return
        now = datetime.now(UTC)
        place = home.topic, home.partition, offset
        if taken.dropped is not None and home not in self._failing:
            await self._publish(
                alerts_not_delivered(self._sink, place, taken.dropped, "firing", now)
            )
            self._failing.add(home)
        elif taken.dropped is None and home in self._failing:
            await self._publish(alerts_not_delivered(self._sink, place, "", "resolved", now))
            self._failing.discard(home)
