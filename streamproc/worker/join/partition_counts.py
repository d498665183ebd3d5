"""Check that the topics of the join have equal numbers of partitions."""

import logging

from aiokafka import AIOKafkaProducer

from streamproc.config.config import Config
from streamproc.kafka.errors import TopicError
from streamproc.kafka.topics import JOINED, OUTPUTS, grow_outputs

_log = logging.getLogger(__name__)


async def equal_partitions(config: Config, producer: AIOKafkaProducer) -> int:
    """Return the number of partitions of the joined topics.

    Missing partitions are added to the output topics.

    Raises
    ------
    TopicError
        If the input topics have different numbers, or partitions cannot be added; the message
        says what to do.
    """
    names = {kind: config.topics.full_name(kind) for kind in JOINED if kind in config.kinds}
    counts = {kind: len(await producer.partitions_for(name)) for kind, name in names.items()}
    inputs = {names[kind]: count for kind, count in counts.items() if kind not in OUTPUTS}
    if len(set(inputs.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in inputs.items())
        raise TopicError(
            "these topics need equal numbers of partitions to be joined, and have:"
            f" {found}; add partitions to the smaller ones (kafka-topics --alter), or delete"
            " and create them"
        )
    wanted = max(inputs.values())
    if min(counts.values()) < wanted:
        grown = await grow_outputs(config, wanted)
        if grown:
            _log.info("added partitions up to %d: %s", wanted, ", ".join(grown))
        await producer.client.force_metadata_update()
    return wanted
