"""Read alerts from Kafka."""

import logging
import time
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack
from datetime import datetime
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition, errors
from pydantic import ValidationError

from streamproc.client.seen import Seen
from streamproc.client.settings import Source, settle
from streamproc.contract.alerts import AlertEvent, Kind
from streamproc.transport.clients import REQUEST_SECONDS, open_consumer
from streamproc.transport.errors import BrokerUnreachableError, TopicError
from streamproc.transport.quiet import quiet_client
from streamproc.transport.topics import ensure_topics, has_topic

_POLL_MS: Final = 500  # how soon an end is noticed; a record that comes is given at once

_log = logging.getLogger(__name__)


class Alerts:
    """Iterates over the alerts on the topic, each alert once, oldest first within a model.

    It belongs to no consumer group: every reader sees every alert, from the start of the topic
    unless `since` says otherwise, and leaves nothing behind on the broker. A record that is no
    alert is skipped with a logged warning that names its offset.

    Parameters
    ----------
    broker
        ``kafka://host:port``, with further hosts after commas; None means what `config` says.
    config
        Path of a config file, a dict, or a Config: for a topic of another name, TLS and SASL.
    follow
        Whether to wait for more at the end of the topic; else the iteration ends with the alerts
        that were there when it began.
    model
        Only alerts of models whose id matches this glob (``*``, ``?``, ``[…]``).
    kinds
        Only alerts of these kinds; none means all.
    since
        Only alerts published at this time or later; it must know its time zone.

    Raises
    ------
    ConfigError
        When the broker or the config cannot be used.
    BrokerUnreachableError, BrokerAuthError
        On entry, when the cluster does not answer within 10 s, or refuses us; without `follow`
        also when it stops answering.
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
        self._config = settle(broker, config)
        self._follow = follow
        self._model = model
        self._kinds = frozenset(kinds)
        self._since = since
        self._seen = Seen()
        self._stack = AsyncExitStack()
        self._consumer: AIOKafkaConsumer
        self._alerts: AsyncIterator[AlertEvent]

    async def __aenter__(self) -> Self:
        topic = self._config.topics.full_name("alerts")
        if self._follow:
            await ensure_topics(self._config, only={"alerts"})
        elif not await has_topic(self._config, topic):
            raise TopicError(
                f"{self._config.broker} has no topic {topic!r}: no worker has run on it yet"
            )
        self._consumer = await self._stack.enter_async_context(open_consumer(self._config, topic))
        if self._since is not None:
            await self._seek(self._since)
        self._alerts = self._endless() if self._follow else self._to_the_end()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def __aiter__(self) -> AsyncIterator[AlertEvent]:
        return self._alerts

    async def _endless(self) -> AsyncIterator[AlertEvent]:
        while True:
            for alert in await self._poll():
                yield alert

    async def _to_the_end(self) -> AsyncIterator[AlertEvent]:
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        progress, position = time.monotonic(), -1
        while (reached := await self._reached(ends)) is not None:
            if reached > position:
                progress, position = time.monotonic(), reached
            elif time.monotonic() - progress > REQUEST_SECONDS:
                raise BrokerUnreachableError(
                    f"{self._config.broker} stopped answering before the end of the alerts"
                )
            for alert in await self._poll(ends):
                yield alert

    async def _reached(self, ends: dict[TopicPartition, int]) -> int | None:
        """Return the sum of all positions, or None once each is at its end."""
        positions: dict[TopicPartition, int] = {
            partition: await self._consumer.position(partition) for partition in ends
        }
        if all(positions[partition] >= end for partition, end in ends.items()):
            return None
        return sum(positions.values())

    async def _poll(self, ends: dict[TopicPartition, int] | None = None) -> list[AlertEvent]:
        with quiet_client():  # it retries by itself, and says so many times a second
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS)
        return [
            alert
            for partition, records in batches.items()
            for record in records
            if (ends is None or record.offset < ends[partition])
            and (alert := self._wanted(record)) is not None
        ]

    def _wanted(self, record: ConsumerRecord) -> AlertEvent | None:
        try:
            alert = AlertEvent.from_json(record.value or b"")
        except ValidationError as error:
            place = f"{record.topic}[{record.partition}]@{record.offset}"
            _log.warning("skipped %s: not an alert (%s)", place, _first(error))
            return None
        matches = fnmatchcase(alert.model_id, self._model)
        if not matches or (self._kinds and alert.kind not in self._kinds):
            return None
        return None if self._seen.before(alert.alert_id) else alert

    async def _seek(self, since: datetime) -> None:
        partitions = self._consumer.assignment()
        stamp = int(since.timestamp() * 1000)
        try:
            offsets = await self._consumer.offsets_for_times(dict.fromkeys(partitions, stamp))
        except errors.KafkaError as error:
            raise BrokerUnreachableError(
                f"{self._config.broker} did not say where {since.isoformat()} is: {error!r}"
            ) from error
        for partition in partitions:
            found = offsets.get(partition)
            if found is None:
                await self._consumer.seek_to_end(partition)
            else:
                self._consumer.seek(partition, found.offset)


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    return ": ".join([*map(str, detail["loc"]), detail["msg"]])
