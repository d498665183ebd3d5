"""Read topics once, from their beginning up to given offsets."""

import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition, errors

from streamproc.kafka.clients import REQUEST_SECONDS, open_admin, open_consumer
from streamproc.kafka.errors import BrokerUnreachableError, TopicError
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.kafka.topics import has_topic

if TYPE_CHECKING:  # slow to load: clients do so only when they need a configuration
    from streamproc.config.config import Config

Partition = tuple[str, int]

# How soon a broker that stopped answering is noticed; records are returned at once.
_POLL_MS: Final = 500


class BoundedLogReader:
    """Iterate over the records that some topics held when it was opened, in partition order.

    Parameters
    ----------
    config
        Brokers and credentials.
    topics
        Names of existing topics.
    until
        Offset to stop before, by partition; partitions that are not named are not read. None:
        read all to the end.
    last
        Maximum number of offsets to read of each partition, the last ones. None: all.

    Attributes
    ----------
    begins, ends
        First offset of each partition, and the offset to stop before.
    log_ends
        Offset after the last record of each partition.
    done
        Number of offsets read.

    Raises
    ------
    BrokerUnreachableError, BrokerAuthError
        On entry when the cluster does not answer or refuses us; later when it stops answering.
    TopicError
        On entry, when a topic does not exist.
    """

    def __init__(
        self,
        config: "Config",
        topics: Collection[str],
        until: Mapping[Partition, int] | None = None,
        *,
        last: int | None = None,
    ) -> None:
        self._config = config
        self._topics = tuple(topics)
        self._until = until
        self._last = last
        self._stack = AsyncExitStack()
        self._consumer: AIOKafkaConsumer
        self.begins: dict[Partition, int] = {}
        self.ends: dict[Partition, int] = {}
        self.log_ends: dict[Partition, int] = {}
        self.done = 0

    @property
    def total(self) -> int:
        """Number of offsets between `begins` and `ends`."""
        return sum(self.ends.values()) - sum(self.begins.values())

    async def __aenter__(self) -> Self:
        for name in self._topics:
            if not await has_topic(self._config, name):
                raise TopicError(
                    f"{self._config.broker} has no topic {name!r}: no worker has run on it yet"
                )
        try:
            self._consumer = await self._stack.enter_async_context(
                open_consumer(self._config, *self._topics)
            )
            assigned = self._consumer.assignment()
            begins = await self._consumer.beginning_offsets(assigned)
            ends = await self._consumer.end_offsets(assigned)
        except errors.KafkaError as error:
            await self._stack.aclose()
            raise BrokerUnreachableError(
                f"{self._config.broker} did not return the end offsets of"
                f" {', '.join(self._topics)}: {error!r}"
            ) from error
        for tp in sorted(assigned):
            begin, end = begins[tp], ends[tp]
            until = end if self._until is None else min(end, self._until.get(tuple(tp), 0))
            self.begins[tuple(tp)], self.log_ends[tuple(tp)] = begin, end
            self.ends[tuple(tp)] = max(begin, until)
            if self._last is not None and until - self._last > begin:
                self.begins[tuple(tp)] = until - self._last
                self._consumer.seek(tp, until - self._last)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def __aiter__(self) -> AsyncIterator[tuple[Partition, list[ConsumerRecord]]]:
        progress = time.monotonic()
        while left := await self._left():
            with quiet_client():  # the client retries by itself, and logs that many times a second
                batches = await self._consumer.getmany(*left, timeout_ms=_POLL_MS)
            before = self.done
            for tp, records in batches.items():
                end = self.ends[tuple(tp)]
                wanted = [record for record in records if record.offset < end]
                if wanted:
                    yield tuple(tp), wanted
            await self._left()
            if self.done > before:
                progress = time.monotonic()
            elif time.monotonic() - progress > REQUEST_SECONDS:
                raise BrokerUnreachableError(
                    f"{self._config.broker} stopped answering {self.total - self.done} records"
                    f" before the end of {', '.join(self._topics)}: check that the cluster is up"
                )

    async def remaining(self) -> dict[Partition, int]:
        """Count the offsets from the first record behind `ends` to the log's end, by partition.

        Markers of transactions and aborted records are not records: a partition that has nothing
        else there is not in it. Call it after the iteration; it moves the positions.

        Raises
        ------
        BrokerUnreachableError
            When the cluster stops answering.
        """
        places = [place for place, end in self.ends.items() if end < self.log_ends[place]]
        for place in places:
            self._consumer.seek(TopicPartition(*place), self.ends[place])
        found: dict[Partition, int] = {}
        before, progress = -1, time.monotonic()
        while True:
            at = {place: await self._consumer.position(TopicPartition(*place)) for place in places}
            open_places = [
                TopicPartition(*place)
                for place in places
                if place not in found and at[place] < self.log_ends[place]
            ]
            if not open_places:
                return found
            if sum(at.values()) > before:
                before, progress = sum(at.values()), time.monotonic()
            elif time.monotonic() - progress > REQUEST_SECONDS:
                raise BrokerUnreachableError(
                    f"{self._config.broker} stopped answering while {open_places[0]} was read"
                )
            with quiet_client():
                batches = await self._consumer.getmany(*open_places, timeout_ms=_POLL_MS)
            for tp, records in batches.items():
                count = self.log_ends[tuple(tp)] - records[0].offset
                if count > 0:  # else it came after the topics' ends were asked for
                    found[tuple(tp)] = count

    async def _left(self) -> list[TopicPartition]:
        """Update `done`; return the partitions that are not at their end."""
        # The position also passes offsets without records, left by compaction or transactions.
        positions = {
            partition: min(end, await self._consumer.position(TopicPartition(*partition)))
            for partition, end in self.ends.items()
            if end > self.begins[partition]
        }
        self.done = sum(at - self.begins[partition] for partition, at in positions.items())
        return [
            TopicPartition(*partition)
            for partition, at in positions.items()
            if at < self.ends[partition]
        ]


async def handled(config: "Config", topics: Collection[str]) -> dict[Partition, int]:
    """Return the committed offsets of the config's group, by partition.

    Raises
    ------
    BrokerUnreachableError, BrokerAuthError
        When the cluster cannot be asked.
    """
    async with open_admin(config) as admin:
        try:
            found = await admin.list_consumer_group_offsets(config.group)
        except (errors.KafkaError, TimeoutError) as error:
            raise BrokerUnreachableError(
                f"{config.broker} did not return the committed offsets of group"
                f" {config.group}: {error!r}"
            ) from error
    return {tuple(tp): at.offset for tp, at in found.items() if tp.topic in topics}
