"""Write records to the one-partition topics of incidents, and wait for confirmation."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer, errors

from streamproc.config.config import Config
from streamproc.control.command import Command
from streamproc.incidents.entries import ALERT, COMMAND, TICK, TYPE_HEADER, encode_command
from streamproc.worker.publisher import HANG_SECONDS
from streamproc.worker.record_timestamps import stamps_of

PARTITION: Final = 0

_log = logging.getLogger(__name__)


class Outgoing(NamedTuple):
    """A record to write."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class OrderedTopic:
    """Write to partition 0 of a topic, in order, and wait for all replicas.

    Parameters
    ----------
    producer
        Waits for all replicas (``acks=all``).
    topic
        Name of the topic.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def write(self, records: Sequence[Outgoing]) -> None:
        """Write records; return when all are confirmed. One that is too large is lost, and logged.

        Raises
        ------
        aiokafka.errors.KafkaError, TimeoutError
            If the cluster does not confirm a record.
        """
        async with asyncio.timeout(HANG_SECONDS):
            sent = [await self._send(record) for record in records]
            results = await asyncio.gather(*sent, return_exceptions=True)
            for record, result in zip(records, results, strict=True):
                if isinstance(result, errors.MessageSizeTooLargeError):
                    await self._send_alone(record)  # brokers reject a whole batch
                elif isinstance(result, BaseException):
                    raise result

    async def _send(self, record: Outgoing) -> "asyncio.Future[object]":
        sent: asyncio.Future[object] = await self._producer.send(
            self._topic,
            record.value,
            key=record.key,
            partition=PARTITION,
            headers=list(record.headers),
            timestamp_ms=stamps_of(self._producer).of(self._topic),
        )
        return sent

    async def _send_alone(self, record: Outgoing) -> None:
        try:
            await (await self._send(record))
        except errors.MessageSizeTooLargeError:
            _log.error(
                "topic %s rejected record %.200r of %d bytes, which is lost: raise the topic's"
                " max.message.bytes",
                *(self._topic, record.key, len(record.value or b"")),
            )


class IncidentLog:
    """Append to the log from which incidents are derived.

    Parameters
    ----------
    config
        Name of the topic.
    producer
        Waits for all replicas (``acks=all``).
    """

    def __init__(self, config: Config, producer: AIOKafkaProducer) -> None:
        self._topic = OrderedTopic(producer, config.topics.full_name("incident_log"))

    async def alerts(self, records: Sequence[tuple[bytes | None, bytes | None]]) -> None:
        """Append alerts, given as key and value of their records."""
        headers = [(TYPE_HEADER, ALERT)]
        await self._topic.write([Outgoing(key, value, headers) for key, value in records])

    async def command(self, command: Command) -> None:
        """Append a verified command.

        Every worker does, since each might be the only one that runs: the incidents skip a
        command that they know by its id.
        """
        value = encode_command(command)
        headers = [(TYPE_HEADER, COMMAND)]
        await self._topic.write([Outgoing(command.id.encode(), value, headers)])

    async def tick(self) -> None:
        """Append a record whose only content is its time."""
        await self._topic.write([Outgoing(None, b"", [(TYPE_HEADER, TICK)])])
