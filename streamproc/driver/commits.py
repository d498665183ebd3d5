"""Sign committed offsets, to tell them from those that another program wrote."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP

__all__ = ["fetch_unsigned", "sign_commits"]

_SIGNATURE: Final = "streamproc {}"


def sign_commits(consumer: AIOKafkaConsumer) -> None:
    """Let each offset that a consumer commits carry metadata that names the offset.

    Tools that move a group's offsets leave the metadata empty, or as it was: in both cases it does
    not name the offset beside it.

    Parameters
    ----------
    consumer
        One that was made, started or not.
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
    """Return the partitions whose committed offset no worker of this version has written."""
    coordinator: Any = consumer._coordinator  # noqa: SLF001  the client drops the metadata
    asked = [TopicPartition(*tp) for tp in partitions]
    found: Mapping[TopicPartition, OffsetAndMetadata]
    found = await coordinator.fetch_committed_offsets(asked)
    return {TP(*tp) for tp, at in found.items() if at.metadata != _SIGNATURE.format(at.offset)}
