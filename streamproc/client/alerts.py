"""Read alerts from Kafka."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Final, Self

from streamproc.client.reading import TopicReader, TopicSpec
from streamproc.client.settings import Source, settle_client
from streamproc.schemas.alert_marks import marks_of
from streamproc.schemas.alerts import AlertEvent, Kind
from streamproc.schemas.records import Headers


def _marked(alert: AlertEvent, headers: Headers) -> AlertEvent:
    return alert.marked(marks) if any(marks := marks_of(headers)) else alert


_ALERTS: Final = TopicSpec[AlertEvent](
    "alerts", "an alert", "alerts", AlertEvent.from_json, lambda alert: alert.alert_id, _marked
)


class Alerts:
    """Iterates over the alerts on the topic, each alert once, oldest first within a model.

    It uses no consumer group: every reader sees every alert, from the start of the topic or from
    `since`, and stores nothing on the broker. A record that is not an alert is skipped with a
    warning in the log that names its offset. `AlertEvent.silenced_by` and `inhibited_by` have what
    kept an alert from paging when it was published.

    Parameters
    ----------
    broker
        ``kafka://host:port``, with further hosts after commas; None means what `config` says.
    config
        Path of a config file, a dict, or a Config: for a topic of another name, TLS and SASL.
    follow
        Whether to wait for more at the end of the topic; otherwise it ends with the alerts
        that existed when it began.
    model
        Only alerts of models whose id matches this glob (``*``, ``?``, ``[…]``).
    kinds
        Only alerts of these kinds; none means all.
    since
        Only alerts published at this time or later; it must have a time zone.

    Raises
    ------
    ConfigError
        When the broker or the config cannot be used.
    BrokerUnreachableError, BrokerAuthError
        On entry, if the cluster does not answer within 10 s, or rejects the login; without
        `follow` also if it stops answering.
    TopicError
        On entry, when the topic does not exist; with `follow` it is created.

    Examples
    --------
    >>> async def main() -> None:
    ...     async with Alerts("kafka://localhost:9092", model="fraud*") as alerts:
    ...         async for alert in alerts:
    ...             print(alert.message)
    """

    def __init__(
        self,
        broker: str | None = None,
        *,
        config: Source = None,
        follow: bool = True,
        model: str = "*",
        kinds: Collection[Kind] = (),
        since: datetime | None = None,
    ) -> None:
        self._reader = TopicReader(settle_client(broker, config), _ALERTS, since)
        self._follow = follow
        self._model = model
        self._kinds = frozenset(kinds)
        self._alerts: AsyncIterator[AlertEvent]

    async def __aenter__(self) -> Self:
        await self._reader.open(create=self._follow)
        source = self._reader.endless() if self._follow else self._reader.to_the_end()
        self._alerts = (alert async for alert in source if self._wanted(alert))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._reader.close()

    def __aiter__(self) -> AsyncIterator[AlertEvent]:
        return self._alerts

    def _wanted(self, alert: AlertEvent) -> bool:
        if self._kinds and alert.kind not in self._kinds:
            return False
        return fnmatchcase(alert.model_id, self._model)
