"""Writes many small records, whole batches at a time: thirty times less work than one by one."""

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

# Less than the producer's own limit of a batch; a record may have thirty bytes around it.
_BATCH_BYTES: Final = 2**18 - 2**10
_RECORD_BYTES: Final = 30
_log: Final = logging.getLogger(__name__)


class Batches:
    """Writes records to one partition of a topic, in order, and waits for all replicas.

    While the cluster is in trouble it tries for as long as it takes.

    Parameters
    ----------
    producer
        Its records are confirmed by all replicas.
    topic
        Where to.
    number
        Partition of what the records come from: theirs has the same number, if there are as many.

    Attributes
    ----------
    lost : list of int
        Places of the records that the topic did not take for their size.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str, number: int) -> None:
        self._producer = producer
        self._topic = topic
        self._number = number
        self.lost: list[int] = []

    async def write(self, pairs: Iterable[Pair]) -> None:
        """Return when everything is confirmed.

        Raises
        ------
        aiokafka.errors.KafkaError
            If the cluster refuses a record for good.
        """
        count = len(await self._producer.partitions_for(self._topic))
        # One after the other: what was to come later must not be there before what is tried again.
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
            for at, pair in enumerate(batch, place):  # brokers refuse a batch as a whole
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
    """Divide records among batches that a producer takes; one that is too large is alone."""
    batch, size = list[tuple[bytes, V]](), 0
    for pair in pairs:
        room = len(pair[0]) + len(pair[1] or b"") + _RECORD_BYTES
        if batch and size + room > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(pair)
        size += room
    if batch:
        yield batch
