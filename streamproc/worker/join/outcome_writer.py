"""Write the outcomes of one partition as its only writer, fenced by epochs."""

import asyncio
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors

from streamproc.config.config import Config
from streamproc.kafka.clients import know_partition, open_consumer
from streamproc.kafka.errors import LogRewoundError, RecoveryError
from streamproc.schemas.outcomes import (
    COMMAND_HEADER,
    EPOCH_HEADER,
    GROUP_HEADER,
    WRITER_HEADER,
)
from streamproc.worker.log_marks import CONFIRM_SECONDS
from streamproc.worker.publisher import HANG_SECONDS, RETRY_SECONDS, is_retriable
from streamproc.worker.record_timestamps import stamps_of

# A readable log that returns nothing for this long needs the operator's attention.
SILENT_SECONDS: Final = 60.0
_FETCH_BYTES: Final = 8 * 2**20

_log = logging.getLogger(__name__)


Headers = list[tuple[str, bytes]]
COMMAND: Final[Headers] = [(COMMAND_HEADER, b"1")]
NONE: Final[Headers] = []  # aiokafka requires lists, and does not change them


class FencedError(Exception):
    """Another worker has taken over the partition: readers ignore what this one writes.

    Attributes
    ----------
    of_group : bool
        Whether it is a member of this group; otherwise its version writes no group, and it may be
        a member of any.
    """

    def __init__(self, message: str, *, of_group: bool) -> None:
        super().__init__(message)
        self.of_group = of_group


Pair = tuple[bytes | None, bytes | None]
"""Key and value of a record."""


class OutcomeWriter:
    """Write the outcomes of one partition, and read those of earlier owners.

    Parameters
    ----------
    config
        Names the cluster, the topic and the group.
    producer
        Waits for all replicas (``acks=all``).
    partition
        Number of the partition.

    Attributes
    ----------
    next : int
        Offset after the last known record.
    epoch : int
        Epoch of this writer; -1 before `claim`.
    tail : bytes
        Fingerprint of the last record written.
    """

    def __init__(self, config: Config, producer: AIOKafkaProducer, partition: int) -> None:
        self._config = config
        self._producer = producer
        self.topic = config.topics.full_name("outcomes")
        self.partition = partition
        self.group = config.group
        self.next = 0
        self.epoch = -1
        self.tail = b""

    async def claim(self, epoch: int, writer: str) -> Any:
        """Begin an epoch; return the record of its mark.

        Raises
        ------
        FencedError
            If another writer has begun this or a later epoch before; retry with a later one.
        RecoveryError
            If the cluster does not return a record that it confirmed.
        """
        headers: Headers = [
            (EPOCH_HEADER, str(epoch).encode()),
            (WRITER_HEADER, writer.encode()),
            (GROUP_HEADER, self.group.encode()),
        ]
        await self._deliver([(None, None)], headers)
        async for record in self.read(self.next, (await self.bounds())[1]):
            found = self._mark(record)
            if found is not None and found[:2] == (epoch, writer):
                self.epoch, self.next = epoch, record.offset + 1
                self.tail = fingerprint(record.key, record.value, record.headers)
                return record
            if found is not None and found[0] >= epoch:
                raise FencedError(
                    f"another worker began epoch {found[0]} of {self.topic}-{self.partition}",
                    of_group=found[2],
                )
        raise RecoveryError(
            f"{self.topic}-{self.partition} confirmed a record that its log does not have: check"
            " the topic's retention, and that it is not compacted"
        )

    async def write(self, pairs: Sequence[Pair], headers: Headers = NONE) -> frozenset[int]:
        """Write records; when this returns, the cluster has confirmed all, and they are valid.

        Parameters
        ----------
        pairs
            Key and value of each.
        headers
            Headers of each record: `COMMAND` or none.

        Returns
        -------
        frozenset of int
            Indices of the records that the topic rejected because of their size; they are lost.

        Raises
        ------
        FencedError
            If another writer has begun a later epoch; the records may or may not be valid.
        LogRewoundError
            If the log ends before records that it has confirmed.
        RecoveryError
            If it is unknown where the records are.
        aiokafka.errors.KafkaError
            If the cluster rejects a record with an error that cannot be retried.
        """
        left, lost = pairs, set[int]()
        while left:
            count, offset = await self._deliver(left, headers)
            sent, left = left[:count], left[count:]
            if offset is None:
                lost.add(len(pairs) - len(left) - 1)
                continue
            if offset < 0:  # a repeated batch: the broker has forgotten where the first one is
                raise RecoveryError(
                    f"{self.topic}-{self.partition} confirmed outcomes without their offset: the"
                    " join begins again at its last commit"
                )
            if offset < self.next:
                raise LogRewoundError(
                    f"{self.topic}-{self.partition} wrote a record at offset {offset}, below its"
                    f" previous end {self.next}: it was restored, truncated or recreated"
                )
            if offset != self.next:
                await self._look_at_gap(offset)
            self.tail = fingerprint(*sent[-1], headers)
            self.next = max(self.next, offset + count)
        return frozenset(lost)

    async def read(self, start: int, stop: int) -> AsyncIterator[Any]:
        """Iterate over the records from `start` to before `stop`.

        Raises
        ------
        RecoveryError
            If no records come for `SILENT_SECONDS`.
        """
        if start >= stop:
            return
        home = TopicPartition(self.topic, self.partition)
        async with open_consumer(
            self._config, max_partition_fetch_bytes=_FETCH_BYTES, fetch_max_wait_ms=50
        ) as consumer:
            consumer.assign([home])
            consumer.seek(home, start)
            async for record in _records(consumer, home, stop):
                yield record

    async def bounds(self, known: int = 0) -> tuple[int, int]:
        """Return the first offset, and the one after the last.

        An end below `known` is asked for again for `CONFIRM_SECONDS`: it may be of a broker that
        has not learned yet that another one leads the partition.
        """
        home = TopicPartition(self.topic, self.partition)
        deadline = time.monotonic() + CONFIRM_SECONDS
        while True:
            async with open_consumer(self._config) as consumer:
                begins = await consumer.beginning_offsets([home])
                ends = await consumer.end_offsets([home])
            if ends[home] >= known or time.monotonic() >= deadline:
                return begins[home], ends[home]
            await asyncio.sleep(RETRY_SECONDS)

    async def _look_at_gap(self, stop: int) -> None:
        """Check for marks of other writers between the last known record and ours."""
        async for record in self.read(self.next, stop):
            found = self._mark(record)
            if found is not None and found[0] > self.epoch:
                raise FencedError(
                    f"another worker began epoch {found[0]} of {self.topic}-{self.partition}",
                    of_group=found[2],
                )
        self.next = stop

    def _mark(self, record: Any) -> tuple[int, str, bool] | None:
        """Return epoch and writer of a mark, and whether it names a group; None if it is not one.

        Marks of other groups are ignored.
        """
        headers = dict(record.headers or ())
        try:
            group = headers.get(GROUP_HEADER)
            if group is not None and group.decode() != self.group:
                return None
            return int(headers[EPOCH_HEADER]), headers[WRITER_HEADER].decode(), group is not None
        except (KeyError, ValueError):
            return None

    async def _deliver(self, records: Sequence[Pair], headers: Headers) -> tuple[int, int | None]:
        """Write as many records as fit one batch; return their number and first offset.

        The offset is None if the only record is too large.
        """
        most, stamps = len(records), stamps_of(self._producer)
        await know_partition(self._producer, self.topic, self.partition)
        while True:
            builder, stamp = self._producer.create_batch(), stamps.of(self.topic)
            count = _fill(builder, records[:most], headers, stamp)
            try:
                async with asyncio.timeout(HANG_SECONDS):
                    sent = await self._producer.send_batch(
                        builder, self.topic, partition=self.partition
                    )
                    return count, (await sent).offset
            except errors.MessageSizeTooLargeError:
                if count == 1:
                    size = len(records[0][1] or b"")
                    _log.error(
                        "topic %s rejected an outcome of %d bytes, which is lost: raise the topic's"
                        " max.message.bytes",
                        *(self.topic, size),
                    )
                    return 1, None
                most = count // 2
            except errors.InvalidTimestampError:
                if not stamps.refused(self.topic, stamp):
                    raise
            except (errors.KafkaError, TimeoutError) as error:
                if not is_retriable(error):
                    raise
                _log.warning(
                    "%d outcomes for %s-%d are not confirmed yet: retrying (%r)",
                    *(count, self.topic, self.partition, error),
                )
                await asyncio.sleep(RETRY_SECONDS)


async def _records(
    consumer: AIOKafkaConsumer, home: TopicPartition, stop: int
) -> AsyncIterator[Any]:
    heard = time.monotonic()
    # A position is past what transactions left out, too.
    while await consumer.position(home) < stop:
        for batch in (await consumer.getmany(home, timeout_ms=200)).values():
            heard = time.monotonic()
            for record in batch:
                if record.offset < stop:
                    yield record
        if time.monotonic() - heard > SILENT_SECONDS:
            raise RecoveryError(
                f"no record came from {home.topic}-{home.partition} for {SILENT_SECONDS:.0f} s:"
                " check that it has a leader, and that the user of security: may READ it"
            )


def _fill(builder: Any, records: Sequence[Pair], headers: Headers, stamp: int | None) -> int:
    append = builder.append
    for count, (key, value) in enumerate(records):
        if append(timestamp=stamp, key=key, value=value, headers=headers) is None:
            return count
    return len(records)


def fingerprint(key: bytes | None, value: bytes | None, headers: Any) -> bytes:
    """Return a 16-byte digest that identifies a record."""
    text = repr((key, value, [tuple(header) for header in headers or ()]))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
