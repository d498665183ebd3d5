"""Read all snapshots of a group, for commands that look at states without a worker."""

import asyncio

from aiokafka import errors

from streamproc.config.config import Config
from streamproc.kafka.clients import open_consumer
from streamproc.kafka.errors import RecoveryError
from streamproc.kafka.topics import has_topic
from streamproc.schemas.records import UnreadableRecord
from streamproc.worker.snapshots.records import SnapshotSet, key_of
from streamproc.worker.snapshots.store import READ_SECONDS, Partition


async def read_snapshots(config: Config) -> dict[Partition, SnapshotSet]:
    """Return the snapshots of all partitions, up to the current end of their topic.

    Raises
    ------
    RecoveryError
        If the topic cannot be read in time.
    """
    topic = config.topics.full_name("snapshots")
    if not await has_topic(config, topic):
        return {}
    found: dict[Partition, SnapshotSet] = {}
    try:
        async with (
            asyncio.timeout(READ_SECONDS),
            open_consumer(config, topic, fetch_max_wait_ms=50) as consumer,
        ):
            ends = await consumer.end_offsets(consumer.assignment())
            while any([await consumer.position(tp) < ends[tp] for tp in ends]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    for record in batch:
                        if isinstance(record, UnreadableRecord):
                            continue
                        key = key_of(record.key)
                        if key is not None and key.group == config.group:
                            partition = key.topic, key.partition
                            found.setdefault(partition, SnapshotSet()).add(key, record.value)
    except (TimeoutError, errors.KafkaError) as error:
        raise RecoveryError(
            f"topic {topic!r} could not be read within {READ_SECONDS:.0f} s: check that all of its"
            " partitions have a leader, and that the user of security: may READ it"
        ) from error
    return found
