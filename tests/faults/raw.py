"""Batches that are written as they are: what other clients write, and what none of ours would."""

import time

from aiokafka import TopicPartition, errors
from aiokafka.protocol.produce import ProduceRequest
from wire_format import Put, batch

from streamproc.config.config import Config
from streamproc.config.topics import TopicKind
from streamproc.kafka.clients import open_producer


async def produce(config: Config, stream: TopicKind, data: bytes, partition: int = 0) -> int:
    """Write a batch into a topic; return its first offset."""
    topic = config.topics.full_name(stream)
    async with open_producer(config) as producer:
        await producer.partitions_for(topic)
        client = producer.client
        node = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        request = ProduceRequest(None, -1, 30_000, [(topic, [(partition, data)])])
        answer = await client.send(node, request)
    [(_, [(_, code, offset, *_)])] = answer.topics
    if code:
        raise errors.for_code(code)
    return int(offset)


def now() -> int:
    """Return the time for a batch that retention is to keep."""
    return int(time.time() * 1000)


async def put(config: Config, stream: TopicKind, *puts: Put, codec: str = "none") -> int:
    """Write records into a topic as one batch; return its first offset."""
    return await produce(config, stream, batch(puts, codec=codec, time=now()))
