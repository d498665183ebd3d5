"""Sign committed offsets, to recognise those that another program wrote."""

from collections.abc import Collection, Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

from streamproc.kafka.compat import coordinator_of

__all__ = ["fetch_unsigned", "sign_commits"]

_SIGNATURE: Final = "streamproc {}"


def sign_commits(consumer: AIOKafkaConsumer) -> None:
    """Add metadata that repeats the offset to each offset that a consumer commits.

    Tools that change a group's offsets leave the metadata empty or unchanged: in both cases it
    does not match the offset.

    Parameters
    ----------
    consumer
        A consumer, started or not.
    """
    commit = consumer.commit

    async def commit_signed(offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        await commit(
            {
                tp: OffsetAndMetadata(at.offset, _SIGNATURE.format(at.offset))
                for tp, at in offsets.items()
            }
        )

    consumer.commit = commit_signed


async def fetch_unsigned(consumer: AIOKafkaConsumer, partitions: Collection[TP]) -> set[TP]:
    """Return the partitions with a committed offset that no worker of this version wrote."""
    coordinator = coordinator_of(consumer)  # the client drops the metadata
    asked = [TopicPartition(*tp) for tp in partitions]
    found: Mapping[TopicPartition, OffsetAndMetadata]
    found = await coordinator.fetch_committed_offsets(asked)
    return {TP(*tp) for tp, at in found.items() if at.metadata != _SIGNATURE.format(at.offset)}
