"""What operators and accidents do to a cluster: offsets moved, groups deleted, topics recreated."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.protocol.admin import DeleteGroupsRequest
from apache.kafka import ApacheKafka

from streamproc.config.config import Config
from streamproc.config.topics import TopicKind
from streamproc.kafka.clients import open_admin

DATA = Path("node-1") / "data"


async def move_offsets(config: Config, kind: TopicKind, offsets: Mapping[int, int]) -> None:
    """Commit offsets of the config's group, which has no members, as tools do."""
    topic = config.topics.full_name(kind)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(config.bootstrap_servers),
        group_id=config.group,
        enable_auto_commit=False,
    )
    async with consumer:
        moved = {TopicPartition(topic, number): at for number, at in offsets.items()}
        consumer.assign(list(moved))
        await consumer.commit(moved)


async def delete_group(config: Config) -> None:
    """Delete the config's group, which has no members, with all of its offsets."""
    async with open_admin(config) as admin:
        node = await admin.find_coordinator(config.group)
        response = await admin._send_request_to_node(node, DeleteGroupsRequest([config.group]))
        assert [code for _, code in response.results] == [0], response


async def recreate_topic(config: Config, kind: TopicKind, partitions: int) -> None:
    """Delete a topic, and create it again under the same name."""
    topic = config.topics.full_name(kind)
    async with open_admin(config) as admin:
        await admin.delete_topics([topic])
        created = False
        while not created:  # brokers need a moment to forget the one before
            response = await admin.create_topics([NewTopic(topic, partitions, 1)])
            created = response.topic_errors[0][1] == 0


async def keep_data(kafka: ApacheKafka, folder: Path) -> None:
    """Stop a broker, copy its data, and start it again."""
    await asyncio.to_thread(kafka.stop, 1)
    await asyncio.to_thread(shutil.copytree, kafka.data_dir / DATA, folder)
    await asyncio.to_thread(kafka.start, 1)


async def restore_data(kafka: ApacheKafka, folder: Path) -> None:
    """Let a broker go on with the data that it once had."""
    await asyncio.to_thread(kafka.kill, 1)
    await asyncio.to_thread(shutil.rmtree, kafka.data_dir / DATA)
    await asyncio.to_thread(shutil.copytree, folder, kafka.data_dir / DATA)
    await asyncio.to_thread(kafka.start, 1)
