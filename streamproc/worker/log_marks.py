"""Detect a replaced log by comparing the last processed record.

Offsets are not enough: after a restore from a backup, an unclean leader election, or when a topic
is deleted and recreated, new records have offsets that were processed before.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import xxhash
from aiokafka import TopicPartition, errors

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import BrokerUnreachableError
from streamproc.schemas.records import Record
from streamproc.worker.publisher import RETRY_SECONDS, is_retriable

__all__ = ["LogChecker", "RecordMark", "contradicted", "mark_of"]

Partition = tuple[str, int]

# Brokers return at least one batch of each partition; more would only cost time.
_FETCH_BYTES: Final = 2**14
# The caller retries when a broker is unreachable.
CHECK_SECONDS: Final = 30.0
# A broker learns within a second or two that another one leads its partitions.
CONFIRM_SECONDS: Final = 5.0
_TOGETHER_SECONDS: Final = 0.01

_log = logging.getLogger(__name__)


class RecordMark(msgspec.Struct, frozen=True):
    """Offset and digest that identify a record.

    Attributes
    ----------
    offset
        Offset of the record.
    digest
        Digest of its timestamp, key and value, in hexadecimal. Headers are left out: client
        versions decode headers that are not UTF-8 differently.
    """

    offset: int
    digest: str


def mark_of(record: Record) -> RecordMark:
    """Return the mark that identifies a record.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> one = SimpleNamespace(offset=7, timestamp=1, key=b"fraud", value=b"{}")
    >>> other = SimpleNamespace(offset=7, timestamp=2, key=b"fraud", value=b"{}")
    >>> mark_of(one) == mark_of(one), mark_of(one) == mark_of(other)
    (True, False)
    """
    digest = xxhash.xxh3_128()
    for part in (b"%d" % record.timestamp, record.key, record.value):
        digest.update(b"-" if part is None else b"%d:" % len(part) + part)
    return RecordMark(record.offset, digest.hexdigest())


async def contradicted(config: Config, marks: Mapping[Partition, RecordMark]) -> set[Partition]:
    """Return the partitions whose log ends before a mark, or has another record at its offset.

    A mark whose record was deleted by retention or compaction does not contradict its log. A log
    that ends before its mark is asked for again for `CONFIRM_SECONDS`: a broker that was frozen or
    cut off gives an end of the past until it learns that another one leads the partition.

    Raises
    ------
    TimeoutError, BrokerError, aiokafka.errors.KafkaError
        If the cluster does not return the records; retrying may help.
    """
    deadline = time.monotonic() + CONFIRM_SECONDS
    found: set[Partition] = set()
    left = dict(marks)
    while left:
        replaced, short = await _look(config, left)
        found |= replaced
        if time.monotonic() >= deadline:
            return found | short
        left = {partition: marks[partition] for partition in short}
        if left:
            await asyncio.sleep(RETRY_SECONDS)
    return found


async def _look(
    config: Config, marks: Mapping[Partition, RecordMark]
) -> tuple[set[Partition], set[Partition]]:
    """Return the logs with another record at the offset of a mark, and those that end before it."""
    homes = {TopicPartition(*partition): mark for partition, mark in marks.items()}
    async with (
        asyncio.timeout(CHECK_SECONDS),
        open_consumer(
            config,
            max_partition_fetch_bytes=_FETCH_BYTES,
            fetch_max_wait_ms=50,
            # Where the log ends, not where the first open transaction begins.
            isolation_level="read_uncommitted",
        ) as consumer,
    ):
        consumer.assign(list(homes))
        begins = await consumer.beginning_offsets(list(homes))
        ends = await consumer.end_offsets(list(homes))
        short = {home for home, mark in homes.items() if mark.offset >= ends[home]}
        left = {home for home in homes.keys() - short if homes[home].offset >= begins[home]}
        replaced: set[TopicPartition] = set()
        for home in left:
            consumer.seek(home, homes[home].offset)
        while left:
            for home, records in (await consumer.getmany(*left, timeout_ms=200)).items():
                if records[0].offset < homes[home].offset:
                    short.add(home)  # the broker had no such offset: the client went to the start
                elif _differs(records[0], homes[home]):
                    replaced.add(home)
                left.discard(home)
            # After the mark there may be only transaction markers.
            left = {home for home in left if await consumer.position(home) < ends[home]}
    return set(map(_place, replaced)), set(map(_place, short))


def _place(home: TopicPartition) -> Partition:
    return home.topic, home.partition


def _differs(record: Any, mark: RecordMark) -> bool:
    return record.offset == mark.offset and mark_of(record) != mark


class LogChecker:
    """Check the logs of several partitions with one request to the cluster.

    Parameters
    ----------
    config
        Where the cluster is.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._waiting: dict[Partition, RecordMark] = {}
        self._look: asyncio.Task[set[Partition]] | None = None

    async def same(self, partition: Partition, mark: RecordMark) -> bool:
        """Whether a partition still has the record of a mark; retries without limit.

        Raises
        ------
        aiokafka.errors.KafkaError
            If the cluster rejects the request with an error that cannot be retried.
        """
        self._waiting[partition] = mark
        if self._look is None:
            self._look = asyncio.create_task(self._check())
        return partition not in await asyncio.shield(self._look)

    async def _check(self) -> set[Partition]:
        # After a broker restart, all of its partitions are checked at the same moment.
        await asyncio.sleep(_TOGETHER_SECONDS)
        marks, self._waiting, self._look = self._waiting, {}, None
        while True:
            try:
                return await contradicted(self._config, marks)
            except (errors.KafkaError, BrokerUnreachableError, TimeoutError) as error:
                if isinstance(error, errors.KafkaError) and not is_retriable(error):
                    raise
                names = ", ".join(f"{topic}-{number}" for topic, number in sorted(marks))
                _log.warning("cannot check the logs of %s yet: retrying (%r)", names, error)
                await asyncio.sleep(RETRY_SECONDS)
