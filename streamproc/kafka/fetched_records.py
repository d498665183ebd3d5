"""Make a consumer read its records through `PartitionReader`."""

import asyncio
import struct
from collections.abc import Callable, Collection, Container, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from streamproc.kafka.codecs import require_codecs
from streamproc.kafka.compat import (
    Fetched,
    FetchRequest,
    FetchResult,
    fetched_from,
    fetched_partitions,
    intercept_fetches,
    reads_committed,
    replace_data,
    replace_records,
)
from streamproc.kafka.log_batches import Fetch, is_complete
from streamproc.kafka.partition_reader import PartitionReader
from streamproc.kafka.repeated_fetch import requested_offsets

if TYPE_CHECKING:  # slow to load: clients do so only when they need a configuration
    from streamproc.config.config import Limits

__all__ = ["read_leniently", "unpacked_limit"]

# A producer's batch holds 1 MB of compressed records by default: eight of the largest records are
# 64 times that, and JSON seldom compresses to less than a thirtieth.
_RECORDS_A_BATCH: Final = 8
# Replaces fetched data for which aiokafka would raise.
_STAND_IN: Final = struct.pack(">qi49x", 0, 49)

Key = tuple[str, int]


def unpacked_limit(limits: "Limits") -> int:
    """Return how many bytes a batch may unpack to: 8 times the larger of a record and a slice."""
    return _RECORDS_A_BATCH * max(limits.record_bytes, limits.slice_bytes)


def read_leniently(
    consumer: AIOKafkaConsumer,
    unpacked_bytes: Callable[[], int],
    as_parsed: Container[str] = (),
) -> Mapping[Key, int]:
    """Make a consumer continue past records that it cannot parse.

    A record that the client cannot parse is returned as an `UnreadableRecord`.

    Parameters
    ----------
    consumer
        A consumer that is not started yet.
    unpacked_bytes
        Returns how many bytes a batch may unpack to.
    as_parsed
        Topics whose records are returned as the compiled parser creates them. aiokafka 0.14.0
        converts each to a ``ConsumerRecord`` of eleven fields, as much work as the parsing.

    Returns
    -------
    mapping
        Partition → offset from which on its latest records were read. Between it and the first of
        them, the log has no record.

    Raises
    ------
    ClientLibraryError
        If the package for Kafka's compression codecs is missing.
    """
    require_codecs()
    fetched = _FetchedRecords(unpacked_bytes, as_parsed, committed=reads_committed(consumer))
    intercept_fetches(consumer, fetched, fetched.look)
    return fetched.begins


class _FetchedRecords(Fetched):
    """The fetched records of each partition that were not read yet.

    Parameters
    ----------
    unpacked_bytes, as_parsed
        As in `read_leniently`.
    committed
        Whether records of aborted transactions are skipped.
    """

    def __init__(
        self, unpacked_bytes: Callable[[], int], as_parsed: Container[str], *, committed: bool
    ) -> None:
        super().__init__()
        self._committed = committed
        self._unpacked_bytes = unpacked_bytes
        self._as_parsed = as_parsed
        self.begins: dict[Key, int] = {}
        # By node, which has one fetch in flight: the next one replaces data that was not used. The
        # last to respond comes last.
        self._fetches: dict[Any, dict[Key, Fetch]] = {}
        self._reading: dict[asyncio.Future[bool], Collection[Any]] = {}

    def look(self, node_id: Any, request: FetchRequest, response: Any) -> None:
        """Keep the data of a response until aiokafka creates a fetch result from it."""
        offsets = requested_offsets(request)
        fetches = {
            (topic, partition): Fetch(
                topic, partition, offsets[topic, partition], highwater, aborted, data
            )
            for topic, partition, highwater, aborted, data in fetched_partitions(response)
        }
        self._fetches.pop(node_id, None)
        self._fetches[node_id] = fetches
        if not all(is_complete(fetch.data) for fetch in fetches.values()):
            replace_data(
                response, lambda data: data if not data or is_complete(data) else _STAND_IN
            )

    def __setitem__(self, tp: Any, result: Any) -> None:
        if isinstance(result, FetchResult) and result.has_more():
            fetch = self._fetch_of(tp, fetched_from(result))
            convert = None if tp.topic in self._as_parsed else partial(_consumer_record, tp)
            reader = PartitionReader(
                fetch,
                self._unpacked_bytes(),
                convert,
                committed=self._committed,
                on_begin=partial(self.begins.__setitem__, (tp.topic, tp.partition)),
            )
            replace_records(result, reader)
        super().__setitem__(tp, result)

    def __delitem__(self, tp: Any) -> None:
        super().__delitem__(tp)
        for done, partitions in self._reading.items():
            if not done.done() and self.keys().isdisjoint(partitions):
                done.set_result(True)

    async def without(self, partitions: Collection[Any], seconds: float) -> bool:
        """Wait until no records of some partitions are left; return whether it is so.

        Parameters
        ----------
        partitions
            The partitions.
        seconds
            How long to wait.
        """
        if self.keys().isdisjoint(partitions):
            return True
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(seconds, _expire, done)
        self._reading[done] = partitions
        try:
            return await done
        finally:
            timer.cancel()
            del self._reading[done]

    def _fetch_of(self, tp: Any, offset: int) -> Fetch:
        """Return and remove the data of a fetch result.

        aiokafka may have discarded a response of a former leader for the same offset.
        """
        for fetches in reversed(self._fetches.values()):
            fetch = fetches.get((tp.topic, tp.partition))
            if fetch is not None and fetch.offset == offset:
                return fetches.pop((tp.topic, tp.partition))
        raise LookupError(f"{tp.topic}-{tp.partition}: no fetched data from offset {offset}")


def _expire(done: "asyncio.Future[bool]") -> None:
    if not done.done():
        done.set_result(False)


def _consumer_record(tp: Any, record: Any) -> ConsumerRecord:
    key, value = record.key, record.value
    return ConsumerRecord(
        topic=tp.topic,
        partition=tp.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        timestamp_type=record.timestamp_type,
        key=key,
        value=value,
        checksum=record.checksum,
        serialized_key_size=-1 if key is None else len(key),
        serialized_value_size=-1 if value is None else len(value),
        headers=tuple(record.headers),
    )
