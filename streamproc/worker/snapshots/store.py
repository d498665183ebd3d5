"""Write snapshots to their topic and read them back, each with a timeout."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

import xxhash
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition, errors

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import RecoveryError, SnapshotWriteError
from streamproc.schemas.records import UnreadableRecord
from streamproc.state.snapshot_format import Section
from streamproc.worker.batch_writer import cut
from streamproc.worker.log_marks import RecordMark, contradicted
from streamproc.worker.record_timestamps import stamps_of
from streamproc.worker.snapshots.records import MANIFEST, Key, SnapshotSet, key_of, records

Partition = tuple[str, int]

# Recovery of 200,000 series takes 10 s. Faust gives a rebalance 90.
READ_SECONDS: Final = 60.0
# How long a cluster may be unreachable before its workers stop.
WRITE_SECONDS: Final = 120.0
RETRY_SECONDS: Final = 1.0
# Two megabytes in flight: enough to keep a broker busy, and small enough for any memory.
AT_ONCE: Final = 8
_FETCH_BYTES: Final = 8 * 2**20

_log = logging.getLogger(__name__)


class Bounds(NamedTuple):
    """First offset of a partition, and the offset after its last."""

    begin: int
    end: int


class Written(NamedTuple):
    """The keys of a snapshot, and how much of it had to be written.

    Attributes
    ----------
    held
        All of its keys with 64-bit hashes of their values; None for the manifest.
    records, bytes
        Number and size of the records written.
    """

    held: dict[Key, int | None]
    records: int
    bytes: int


class SnapshotStore:
    """Reads and writes the snapshots topic.

    All snapshots of a partition are in one partition of the topic, in the order of writing.

    Parameters
    ----------
    config
        Names the cluster and the topic.
    producer
        Waits for all replicas (``acks=all``).
    """

    def __init__(self, config: Config, producer: AIOKafkaProducer) -> None:
        self._config = config
        self._topic = config.topics.full_name("snapshots")
        self._producer = producer

    async def write(
        self,
        key: Key,
        sections: Sequence[Section],
        following: int,
        held: Mapping[Key, int | None],
        mark: RecordMark | None = None,
    ) -> Written:
        """Write a snapshot; return when the cluster has confirmed all of it.

        Parameters
        ----------
        key
            Key of the snapshot.
        sections
            The encoded state.
        following
            Offset after the last record in the state.
        held
            Hashes known to be stored under its keys, as `Written.held`: unchanged chunks are not
            written again.
        mark
            Mark of the last record in the state; None: unknown.

        Raises
        ------
        SnapshotWriteError
            If the cluster rejects it; the previous snapshot stays complete.
        """
        changes = _Changes(records(key, sections, following, mark), held)
        await self._send(changes.chunks())
        await self._send(changes.manifest)
        return Written(changes.hashes, changes.records, changes.bytes)

    async def contradicted(self, marks: Mapping[Partition, RecordMark]) -> set[Partition]:
        """Return the partitions whose logs no longer have these records.

        Raises
        ------
        RecoveryError
            If the cluster does not return the records in time.
        """
        try:
            return await contradicted(self._config, marks)
        except (TimeoutError, errors.KafkaError) as error:
            names = ", ".join(sorted({topic for topic, _ in marks}))
            raise RecoveryError(
                f"the logs of {names} could not be compared with the snapshots"
                f" ({str(error) or type(error).__name__}): check that all of their partitions have"
                " a leader, and that the user of security: may READ them"
            ) from error

    async def remove(self, keys: Collection[Key]) -> None:
        """Write tombstones for the snapshots of earlier owners.

        Raises
        ------
        SnapshotWriteError
            If the cluster rejects them.
        """
        await self._send([(key, None) for key in keys])

    async def read(
        self, partitions: Collection[Partition], kind: str = ""
    ) -> tuple[dict[Partition, SnapshotSet], dict[Partition, Bounds]]:
        """Read the snapshots of some partitions, up to the current end of the topic.

        Parameters
        ----------
        partitions
            Partitions of the source topics.
        kind
            Suffix of the topic's name in keys, as `Codec.kind`.

        Returns
        -------
        tuple
            Their snapshots, and the bounds of their logs.

        Raises
        ------
        RecoveryError
            If reading takes longer than `READ_SECONDS`.
        """
        try:
            async with (
                asyncio.timeout(READ_SECONDS),
                open_consumer(
                    self._config, max_partition_fetch_bytes=_FETCH_BYTES, fetch_max_wait_ms=50
                ) as consumer,
            ):
                bounds = await self._bounds(partitions)
                count = await self._count()
                homes = {self._home(count, number) for _, number in partitions}
                consumer.assign(homes)
                ends = await consumer.end_offsets(homes)
                keys = {(topic + kind, number): (topic, number) for topic, number in partitions}
                return await self._collect(consumer, keys, ends), bounds
        except (TimeoutError, errors.KafkaError) as error:
            raise RecoveryError(
                f"topic {self._topic!r} could not be read within {READ_SECONDS:.0f} s"
                f" ({str(error) or type(error).__name__}): check that all of its partitions have"
                " a leader, and that the user of security: may READ it"
            ) from error

    async def _bounds(self, partitions: Collection[Partition]) -> dict[Partition, Bounds]:
        """Return the first and end offsets of some partitions.

        The end is the high watermark, not the last stable offset: earlier versions read
        uncommitted records, so their snapshots may be past a transaction that is open now.
        """
        sources = {TopicPartition(*partition): partition for partition in partitions}
        async with open_consumer(self._config, isolation_level="read_uncommitted") as consumer:
            begins = await consumer.beginning_offsets(list(sources))
            ends = await consumer.end_offsets(list(sources))
        return {name: Bounds(begins[tp], ends[tp]) for tp, name in sources.items()}

    async def _collect(
        self,
        consumer: AIOKafkaConsumer,
        keys: Mapping[Partition, Partition],
        ends: Mapping[TopicPartition, int],
    ) -> dict[Partition, SnapshotSet]:
        found = {partition: SnapshotSet() for partition in keys.values()}
        await consumer.seek_to_beginning()
        left = set(consumer.assignment())
        while left:
            # The position also passes offsets without records, left by compaction or transactions.
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}
            if not left:
                break
            for batch in (await consumer.getmany(*left, timeout_ms=200)).values():
                for record in batch:
                    if isinstance(record, UnreadableRecord):
                        _log.warning("skipped %s", record)
                        continue
                    key = key_of(record.key)
                    if key is None or key.group != self._config.group:
                        continue
                    partition = keys.get((key.topic, key.partition))
                    if partition is not None:
                        found[partition].add(key, record.value)
        return found

    async def _send(self, some: Iterable[tuple[Key, bytes | None]]) -> None:
        """Send records, of which only those in flight are in memory."""
        pairs = iter(some)
        if (first := next(pairs, None)) is None:
            return
        key = first[0]
        batches = cut((name.pack(), value) for name, value in chain((first,), pairs))
        while group := list(islice(batches, AT_ONCE)):
            try:
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._write(group, key.partition)
            except (TimeoutError, errors.KafkaError) as error:
                raise SnapshotWriteError(
                    f"cannot write the snapshot of {key.topic}-{key.partition} to topic"
                    f" {self._topic!r} ({str(error) or type(error).__name__}): check that its"
                    " max.message.bytes is at least 1 MB, and that the user of security: may"
                    " WRITE it"
                ) from error

    async def _write(
        self, batches: Sequence[Sequence[tuple[bytes, bytes | None]]], number: int
    ) -> None:
        try:
            while not await self._confirmed(batches, number):  # noqa: ASYNC110  brokers send no event
                await asyncio.sleep(RETRY_SECONDS)
        except errors.MessageSizeTooLargeError:
            if all(len(batch) == 1 for batch in batches):
                raise
            # Brokers reject a whole batch.
            await self._write([[pair] for batch in batches for pair in batch], number)

    async def _confirmed(
        self, batches: Sequence[Sequence[tuple[bytes, bytes | None]]], number: int
    ) -> bool:
        """Send records; return False if sending again may succeed later."""
        home = self._home(await self._count(), number)
        sent, stamps = [], stamps_of(self._producer)
        stamp = stamps.of(self._topic)
        try:
            for batch in batches:
                builder = self._producer.create_batch()
                for key, value in batch:
                    builder.append(key=key, value=value, timestamp=stamp)
                sent.append(
                    await self._producer.send_batch(builder, home.topic, partition=home.partition)
                )
            await _all(sent)
        except errors.InvalidTimestampError:
            if stamps.refused(self._topic, stamp):
                return await self._confirmed(batches, number)
            raise
        except errors.KafkaError as error:
            if isinstance(error, errors.KafkaTimeoutError) or error.retriable:
                _log.warning(
                    "snapshot records for %s-%d are not confirmed yet: retrying (%s)",
                    *(home.topic, home.partition, error),
                )
                return False
            raise
        return True

    async def _count(self) -> int:
        return len(await self._producer.partitions_for(self._topic))

    def _home(self, count: int, number: int) -> TopicPartition:
        return TopicPartition(self._topic, number % count)


class _Changes:
    """The records of a snapshot that have to be written, counted while they are read once."""

    def __init__(self, found: Iterator[tuple[Key, bytes]], held: Mapping[Key, int | None]) -> None:
        self._found = found
        self._held = held
        self.hashes: dict[Key, int | None] = {}
        self.manifest: list[tuple[Key, bytes]] = []
        self.records = self.bytes = 0

    def chunks(self) -> Iterator[tuple[Key, bytes]]:
        """Yield those before the manifest with a value that is not held."""
        for name, value in self._found:
            last = name.part == MANIFEST
            self.hashes[name] = found = None if last else xxhash.xxh3_64_intdigest(value)
            if last:
                self.manifest.append((name, value))
            elif self._held.get(name) == found:
                continue
            self.records += 1
            self.bytes += len(value)
            if not last:
                yield name, value


async def _all(sent: Sequence[asyncio.Future[object]]) -> None:
    """Wait for all, then raise the error of the first that failed."""
    for result in await asyncio.gather(*sent, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
