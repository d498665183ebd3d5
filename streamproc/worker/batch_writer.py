"""Write many small records in batches: thirty times less work than one by one."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from aiokafka import AIOKafkaProducer, errors

from streamproc.worker.publisher import HANG_SECONDS, RETRY_SECONDS, is_retriable
from streamproc.worker.record_timestamps import stamps_of

V = TypeVar("V", bytes, bytes | None)
Pair = tuple[bytes, bytes]
"""Key and value of a record."""

# Below the producer's batch limit; the framing of a record takes up to thirty bytes.
_BATCH_BYTES: Final = 2**18 - 2**10
_RECORD_BYTES: Final = 30
_log: Final = logging.getLogger(__name__)


class Batches:
    """Write records to one partition of a topic, in order, and wait for all replicas.

    Retriable errors are retried without limit.

    Parameters
    ----------
    producer
        Waits for all replicas (``acks=all``).
    topic
        Name of the topic.
    number
        Partition of the source records; the target is this number modulo the topic's partitions.

    Attributes
    ----------
    lost : list of int
        Indices of the records that the topic rejected because of their size.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str, number: int) -> None:
        self._producer = producer
        self._topic = topic
        self._number = number
        self.lost: list[int] = []

    async def write(self, pairs: Iterable[Pair]) -> None:
        """Write records; return when all are confirmed.

        Raises
        ------
        aiokafka.errors.KafkaError
            If the cluster rejects a record with an error that cannot be retried.
        """
        count = len(await self._producer.partitions_for(self._topic))
        # One at a time: a retried batch must not be overtaken by a later one.
        place = 0
        for batch in cut(pairs):
            await self._write(batch, self._number % count, place)
            place += len(batch)

    async def _write(self, batch: list[Pair], partition: int, place: int) -> None:
        try:
            while not await self._confirmed(batch, partition):
                _log.warning(
                    "%d records for %s-%d are not confirmed yet: retrying",
                    *(len(batch), self._topic, partition),
                )
                await asyncio.sleep(RETRY_SECONDS)
        except errors.MessageSizeTooLargeError:
            if len(batch) == 1:
                size = len(batch[0][1])
                _log.error(
                    "topic %s rejected a record of %d bytes, which is lost: raise the topic's"
                    " max.message.bytes",
                    *(self._topic, size),
                )
                self.lost.append(place)
                return
            for at, pair in enumerate(batch, place):  # brokers reject a whole batch
                await self._write([pair], partition, at)

    async def _confirmed(self, batch: list[Pair], partition: int) -> bool:
        stamps = stamps_of(self._producer)
        builder, stamp = self._producer.create_batch(), stamps.of(self._topic)
        for key, value in batch:
            builder.append(key=key, value=value, timestamp=stamp)
        try:
            async with asyncio.timeout(HANG_SECONDS):
                await (await self._producer.send_batch(builder, self._topic, partition=partition))
        except errors.InvalidTimestampError:
            if stamps.refused(self._topic, stamp):
                return await self._confirmed(batch, partition)
            raise
        except (errors.KafkaError, TimeoutError) as error:
            if is_retriable(error):
                return False
            raise
        return True


def cut(pairs: Iterable[tuple[bytes, V]]) -> Iterator[list[tuple[bytes, V]]]:
    """Divide records into batches that fit the producer; a larger record gets its own batch."""
    batch, size = list[tuple[bytes, V]](), 0
    for pair in pairs:
        needed = len(pair[0]) + len(pair[1] or b"") + _RECORD_BYTES
        if batch and size + needed > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(pair)
        size += needed
    if batch:
        yield batch
