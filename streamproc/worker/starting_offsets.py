"""Agree on the offsets at which a group begins the native topics under `topics.begin: latest`.

They are needed for as long as the group exists: until each partition has a snapshot, and whenever
the store of a join is rebuilt from the topics. Workers that start at the same moment must agree on
them. Each therefore appends a proposal to partition 0 of the topic of snapshots, whose order is
the same for all readers, and the first one of the group counts. Keys differ, so that compaction
keeps all of them in their order.
"""

import asyncio
import logging
import uuid
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition, errors

from streamproc.config.config import Config
from streamproc.config.topics import TopicKind
from streamproc.decode.structs import DECODE_ERRORS
from streamproc.kafka.clients import know_partition, open_consumer
from streamproc.kafka.errors import RecoveryError
from streamproc.kafka.group_offsets import committed_topics
from streamproc.worker.snapshots.store import READ_SECONDS, Partition

NONE: Final[Mapping[Partition, int]] = {}
_KINDS: Final[tuple[TopicKind, ...]] = ("predictions", "features", "labels")

_log = logging.getLogger(__name__)


class ProposalKey(NamedTuple):
    """Key of a proposal; `Key` of a snapshot has more fields, so neither is read as the other."""

    kind: str
    group: str
    writer: str


Proposal = dict[str, list[int]]
"""By topic, the offset at which each of its partitions begins."""


async def starting_offsets(config: Config, producer: AIOKafkaProducer) -> Mapping[Partition, int]:
    """Return the offsets before which the group reads nothing; empty with `begin: earliest`.

    Partitions that are not in it are read from their first record: those that were added later,
    and all of them if the group had read the topics before the setting was made.

    Parameters
    ----------
    config
        The whole configuration; its topics exist.
    producer
        Waits for all replicas (``acks=all``).

    Raises
    ------
    RecoveryError
        If the offsets cannot be stored or read in time.
    """
    if config.topics.begin == "earliest":
        return NONE
    home = TopicPartition(config.topics.full_name("snapshots"), 0)
    try:
        async with asyncio.timeout(READ_SECONDS):
            agreed = await _first(config, home)
            if agreed is None:
                await _propose(config, producer, home)
                agreed = await _first(config, home)
    except (TimeoutError, errors.KafkaError) as error:
        raise RecoveryError(
            f"the offsets at which topics.begin: latest begins could not be stored in topic"
            f" {home.topic!r} within {READ_SECONDS:.0f} s ({str(error) or type(error).__name__}):"
            " check that all of its partitions have a leader, and that the user of security: may"
            " READ and WRITE it"
        ) from error
    return {
        (topic, number): offset
        for topic, offsets in (agreed or {}).items()
        for number, offset in enumerate(offsets)
    }


async def _propose(config: Config, producer: AIOKafkaProducer, home: TopicPartition) -> None:
    """Append where the topics end now, or that the group has read them before."""
    topics = [config.topics.full_name(kind) for kind in _KINDS]
    begun = await committed_topics(config)
    proposal = {} if begun & set(topics) else await _ends(config, topics)
    if proposal:
        _log.info("topics.begin: latest: this group begins with what comes from now on")
    else:
        _log.warning(
            "topics.begin: latest has no effect: group %s has read the topics before", config.group
        )
    key = ProposalKey("starting-offsets", config.group, uuid.uuid4().hex)
    await know_partition(producer, home.topic, home.partition)
    await producer.send_and_wait(
        home.topic,
        key=msgspec.json.encode(key),
        value=msgspec.json.encode(proposal),
        partition=home.partition,
    )


async def _ends(config: Config, topics: Collection[str]) -> Proposal:
    async with open_consumer(config, *topics) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
    found: Proposal = {topic: [] for topic in topics}
    for home in sorted(ends):
        found[home.topic].append(ends[home])
    return found


async def _first(config: Config, home: TopicPartition) -> Proposal | None:
    """Return the first proposal of the group; None if there is none."""
    async with open_consumer(config, fetch_max_wait_ms=50) as consumer:
        consumer.assign([home])
        end = (await consumer.end_offsets([home]))[home]
        await consumer.seek_to_beginning(home)
        while await consumer.position(home) < end:
            for record in (await consumer.getmany(home, timeout_ms=200)).get(home, ()):
                if (found := _proposal(record.key, record.value, config.group)) is not None:
                    return found
    return None


def _proposal(key: bytes | None, value: bytes | None, group: str) -> Proposal | None:
    if key is None or value is None:
        return None
    try:
        found = msgspec.json.decode(key, type=ProposalKey)
        if found.kind != "starting-offsets" or found.group != group:
            return None
        return msgspec.json.decode(value, type=Proposal)
    except DECODE_ERRORS:
        return None
