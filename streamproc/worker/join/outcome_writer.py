"""The outcomes of one partition, as their one writer: who may write, and what is written."""

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
from streamproc.performance.outcome_log import (
    COMMAND_HEADER,
    EPOCH_HEADER,
    GROUP_HEADER,
    WRITER_HEADER,
)
from streamproc.worker.publisher import HANG_SECONDS, RETRY_SECONDS, is_retriable
from streamproc.worker.record_timestamps import stamps_of

# Nothing of a log that is there comes for so long: somebody has to look at the cluster.
SILENT_SECONDS: Final = 60.0
_FETCH_BYTES: Final = 8 * 2**20

_log = logging.getLogger(__name__)


Headers = list[tuple[str, bytes]]
COMMAND: Final[Headers] = [(COMMAND_HEADER, b"1")]
NONE: Final[Headers] = []  # aiokafka takes lists alone, and leaves them as they are


class FencedError(Exception):
    """Another one has taken the partition over: what we write does not count any more.

    Attributes
    ----------
    of_group : bool
        Whether it is one of our group; else it is of a version that knows no groups, and may be
        of any.
    """

    def __init__(self, message: str, *, of_group: bool) -> None:
        super().__init__(message)
        self.of_group = of_group


Pair = tuple[bytes | None, bytes | None]
"""Key and value of a record."""


class OutcomeWriter:
    """Writes the outcomes of one partition, and reads what others wrote.

    Parameters
    ----------
    config
        Where the topic is.
    producer
        Its records are confirmed by all replicas.
    partition
        Which one.

    Attributes
    ----------
    next : int
        Offset after the last record that we know of.
    epoch : int
        Ours; -1 before `claim`.
    tail : bytes
        Fingerprint of our last record.
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
        """Begin an epoch; return the record of the mark, up to which everything is then known.

        Raises
        ------
        FencedError
            If another one has begun this epoch, or a later one, before us: take a later one.
        RecoveryError
            If the cluster does not show what it has taken.
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
        """Write records; when this returns, the cluster has all of them, and they count.

        Parameters
        ----------
        pairs
            Key and value of each.
        headers
            Of each: `COMMAND` or none.

        Returns
        -------
        frozenset of int
            Places of those that the topic did not take for their size: they are lost.

        Raises
        ------
        FencedError
            If another one has begun a later epoch: whether they count is not known.
        aiokafka.errors.KafkaError
            If the cluster refuses a record for good.
        """
        left, lost = pairs, set[int]()
        while left:
            count, offset = await self._deliver(left, headers)
            sent, left = left[:count], left[count:]
            if offset is None:
                lost.add(len(pairs) - len(left) - 1)
                continue
            if 0 <= offset < self.next:
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
        """Iterate over the records from one offset to before another.

        Raises
        ------
        RecoveryError
            If nothing comes any more before the end.
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

    async def bounds(self) -> tuple[int, int]:
        """Return the first offset that is still there, and the one after the last."""
        home = TopicPartition(self.topic, self.partition)
        async with open_consumer(self._config) as consumer:
            begins = await consumer.beginning_offsets([home])
            ends = await consumer.end_offsets([home])
        return begins[home], ends[home]

    async def _look_at_gap(self, stop: int) -> None:
        """Find out who wrote between what we knew and what we have written."""
        if stop < self.next:  # the cluster does not say where it is
            stop = (await self.bounds())[1]
        async for record in self.read(self.next, stop):
            found = self._mark(record)
            if found is not None and found[0] > self.epoch:
                raise FencedError(
                    f"another worker began epoch {found[0]} of {self.topic}-{self.partition}",
                    of_group=found[2],
                )
        self.next = stop

    def _mark(self, record: Any) -> tuple[int, str, bool] | None:
        """Return epoch and writer of a mark, and whether it names our group; None if no mark.

        Marks of other groups are none to us.
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
        """Write the first of some records; return how many, and where; None: it is too large."""
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
    """Return what tells a record from that of another topic at its offset."""
    text = repr((key, value, [tuple(header) for header in headers or ()]))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
