"""Read the records of a topic without a consumer group, each once."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition, errors
from pydantic import ValidationError

from streamproc.kafka.clients import REQUEST_SECONDS, open_consumer
from streamproc.kafka.errors import BrokerUnreachableError, TopicError
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.kafka.topics import ensure_topics, has_topic
from streamproc.schemas.records import Headers, UnreadableRecord

if TYPE_CHECKING:  # slow to load: clients do so only when they need a configuration
    from streamproc.config.config import Config
    from streamproc.config.topics import TopicKind

POLL_MS: Final = 500  # how soon an end is noticed; records are returned at once
T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TopicSpec(Generic[T]):
    """How to read the records of a topic.

    Parameters
    ----------
    kind
        Kind of the topic.
    one, many
        Names of its records in messages, as in "not an alert" and "the end of the alerts".
    parse
        Parses a record's value; raises `ValidationError` if it is invalid.
    identity
        Returns the id by which duplicates are skipped.
    annotate
        Adds what the headers of its record say.
    """

    kind: "TopicKind"
    one: str
    many: str
    parse: Callable[[bytes], T]
    identity: Callable[[T], str]
    annotate: Callable[[T, Headers], T] = lambda found, _: found


class TopicReader(Generic[T]):
    """Read the records of a topic, without duplicates.

    Parameters
    ----------
    config
        Brokers, credentials, and the name of the topic.
    spec
        How to read its records.
    since
        Only records published at this time or later; None: all.
    """

    def __init__(self, config: "Config", spec: TopicSpec[T], since: datetime | None) -> None:
        self._config = config
        self._spec = spec
        self._since = since
        self._seen = Seen()
        self._stack = AsyncExitStack()
        self._consumer: AIOKafkaConsumer

    async def open(self, *, create: bool) -> None:
        """Start reading; create a missing topic, or raise.

        Raises
        ------
        BrokerUnreachableError, BrokerAuthError
            If the cluster does not answer within 10 s, or rejects the login.
        TopicError
            If the topic is missing and `create` is False.
        """
        topic = self._config.topics.full_name(self._spec.kind)
        if create:
            await ensure_topics(self._config, only={self._spec.kind})
        elif not await has_topic(self._config, topic):
            raise TopicError(
                f"{self._config.broker} has no topic {topic!r}: no worker has run on it yet"
            )
        self._consumer = await self._stack.enter_async_context(open_consumer(self._config, topic))
        if self._since is not None:
            await self._seek(self._since)

    async def close(self) -> None:
        """Stop reading."""
        await self._stack.aclose()

    async def endless(self) -> AsyncIterator[T]:
        """Yield existing records, and wait for more."""
        while True:
            for found in await self._poll():
                yield found

    async def to_the_end(self) -> AsyncIterator[T]:
        """Yield the records up to the current end of the topic.

        Raises
        ------
        BrokerUnreachableError
            If the cluster stops answering.
        """
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        progress, position = time.monotonic(), -1
        while (reached := await self._reached(ends)) is not None:
            if reached > position:
                progress, position = time.monotonic(), reached
            elif time.monotonic() - progress > REQUEST_SECONDS:
                raise BrokerUnreachableError(
                    f"{self._config.broker} stopped answering before the end of the"
                    f" {self._spec.many}: check that the cluster is up"
                )
            for found in await self._poll(ends):
                yield found

    async def _reached(self, ends: dict[TopicPartition, int]) -> int | None:
        """Return the sum of all positions, or None once each is at its end."""
        positions: dict[TopicPartition, int] = {
            partition: await self._consumer.position(partition) for partition in ends
        }
        if all(positions[partition] >= end for partition, end in ends.items()):
            return None
        return sum(positions.values())

    async def _poll(self, ends: dict[TopicPartition, int] | None = None) -> list[T]:
        with quiet_client():  # the client retries by itself, and logs that often
            batches = await self._consumer.getmany(timeout_ms=POLL_MS)
        found: list[T] = []
        for partition, records in batches.items():
            for record in records:
                if ends is not None and record.offset >= ends[partition]:
                    # Fetched beyond the end: `endless` may still need it.
                    self._consumer.seek(partition, record.offset)
                    break
                found += self._parsed(record)
        return found

    def _parsed(self, record: ConsumerRecord) -> list[T]:
        if isinstance(record, UnreadableRecord):
            _log.warning("skipped %s", record)
            return []
        try:
            found = self._spec.parse(record.value or b"")
        except ValidationError as error:
            place = f"{record.topic}[{record.partition}]@{record.offset}"
            _log.warning("skipped %s: not %s (%s)", place, self._spec.one, _first(error))
            return []
        if self._seen.before(self._spec.identity(found)):
            return []
        return [self._spec.annotate(found, record.headers)]

    async def _seek(self, since: datetime) -> None:
        partitions = self._consumer.assignment()
        stamp = int(since.timestamp() * 1000)
        try:
            offsets = await self._consumer.offsets_for_times(dict.fromkeys(partitions, stamp))
        except errors.KafkaError as error:
            raise BrokerUnreachableError(
                f"{self._config.broker} did not return the offsets of {since.isoformat()}:"
                f" {error!r}"
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


# 16 hexadecimal digits each: about 15 MB at worst. A worker that starts again repeats what it
# sent since its last snapshot, seconds ago, not the hundred thousand alerts before.
_CAPACITY: Final = 100_000


class Seen:
    """Remembers the last ids, in bounded memory; the oldest are forgotten first.

    Parameters
    ----------
    capacity
        How many ids are remembered, 1 or more.

    Examples
    --------
    >>> seen = Seen()
    >>> seen.before("a"), seen.before("a")
    (False, True)
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._ids: dict[str, None] = {}

    def before(self, identity: str) -> bool:
        """Whether an id was seen before; from now on it was."""
        if identity in self._ids:
            return True
        if len(self._ids) >= self._capacity:
            del self._ids[next(iter(self._ids))]
        self._ids[identity] = None
        return False
