import os
import signal
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streamproc.broker import BrokerError, EmbeddedBroker
from streamproc.broker.command import NOTICE, run
from streamproc.broker.embedded import broker_count

RUN = "from streamproc.broker.command import run; run(0)"


async def _create(bootstrap: str, partitions: int = 1, **config: str) -> str:
    topic = f"t-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        settings = {key.replace("_", "."): value for key, value in config.items()}
        answer = await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings)])
        assert [error[1] for error in answer.topic_errors] == [0]
    finally:
        await admin.close()
    return topic


async def _produce(bootstrap: str, topic: str, count: int, partitions: int = 1) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for n in range(count):
            await producer.send(topic, b"%d" % n, partition=n % partitions)


def _consumer(bootstrap: str, topic: str, group: str | None) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_000,
    )


async def test_records_come_back_in_order(bootstrap: str) -> None:
    """What is produced to a partition is consumed from it, in order."""
    topic = await _create(bootstrap)
    await _produce(bootstrap, topic, 1_000)
    async with _consumer(bootstrap, topic, group=None) as consumer:
        values = [int((await consumer.getone()).value) for _ in range(1_000)]
    assert values == list(range(1_000))


async def test_end_offsets_are_right(bootstrap: str) -> None:
    """The end offset of each partition is the number of its records."""
    topic = await _create(bootstrap, partitions=3)
    await _produce(bootstrap, topic, 1_000, partitions=3)
    async with _consumer(bootstrap, topic, group=None) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, n) for n in range(3)])
    assert [ends[TopicPartition(topic, n)] for n in range(3)] == [334, 333, 333]


async def test_a_group_resumes_where_it_committed(bootstrap: str) -> None:
    """A member with a session of 6 seconds joins, and its successor starts at its commit."""
    topic = await _create(bootstrap)
    await _produce(bootstrap, topic, 10)
    group = f"g-{topic}"
    async with _consumer(bootstrap, topic, group) as first:
        await first.getone()
        await first.commit({TopicPartition(topic, 0): 4})
    async with _consumer(bootstrap, topic, group) as second:
        assert await second.committed(TopicPartition(topic, 0)) == 4
        assert (await second.getone()).offset == 4


async def test_topic_settings_are_kept(bootstrap: str) -> None:
    """A topic created as compacted says so when it is asked."""
    topic = await _create(bootstrap, cleanup_policy="compact")
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic)]
        answer = await admin.describe_configs(asked)
    finally:
        await admin.close()
    settings = {entry[0]: entry[1] for entry in answer[0].resources[0][4]}
    assert settings["cleanup.policy"] == "compact"


async def test_data_survives_in_a_folder_of_ones_own(tmp_path: Path) -> None:
    """With a data directory the records of one run are there in the next."""
    async with EmbeddedBroker(data_dir=tmp_path / "new") as broker:
        topic = await _create(broker.bootstrap)
        await _produce(broker.bootstrap, topic, 3)
    async with (
        EmbeddedBroker(data_dir=tmp_path / "new") as broker,
        _consumer(broker.bootstrap, topic, group=None) as consumer,
    ):
        assert [int((await consumer.getone()).value) for _ in range(3)] == [0, 1, 2]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the block the process, its port and its temporary folder are gone."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with EmbeddedBroker() as broker:
        port = int(broker.bootstrap.split(":")[1])
        assert broker.running
        assert list(tmp_path.iterdir())
    assert not broker.running
    assert not list(tmp_path.iterdir())
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_chosen_port_is_used() -> None:
    """The port that was asked for is the port that is served."""
    with EmbeddedBroker() as broker:
        port = int(broker.bootstrap.split(":")[1])
    with EmbeddedBroker(port) as broker:
        assert broker.bootstrap == f"127.0.0.1:{port}"


def test_a_taken_port_is_named() -> None:
    """A port in use is an error that names the port and the way out."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(BrokerError, match=rf"port {port} is in use.*another port"):
            EmbeddedBroker(port).start()


def test_a_broken_start_shows_the_log(tmp_path: Path) -> None:
    """A broker that ends at its start is an error with its own last words."""
    (tmp_path / "kafka.json").mkdir()  # it cannot read a directory as its data
    with pytest.raises(BrokerError, match=r"(?s)its log ends:.*error: kafka: .*directory"):
        EmbeddedBroker(data_dir=tmp_path).start()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A data directory that cannot be created is an error that names it."""
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BrokerError, match=r"file/data"):
        EmbeddedBroker(data_dir=file / "data").start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_address_and_ends_with_0(number: signal.Signals) -> None:
    """`run` prints one line when it answers, warns on the other stream and ends when asked."""
    command = [sys.executable, "-c", RUN]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as running:  # noqa: S603
        assert running.stdout is not None
        address = running.stdout.readline().strip()
        assert broker_count(address) == 1
        running.send_signal(number)
        rest, said = running.communicate(timeout=30)
    assert running.returncode == 0
    assert rest == ""
    assert said.strip() == NOTICE
    assert broker_count(address) == 0


def test_the_command_ends_with_its_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` raises when the broker has ended by itself instead of waiting for ever."""
    started: list[EmbeddedBroker] = []
    start = EmbeddedBroker.start

    def start_and_die(broker: EmbeddedBroker) -> None:
        start(broker)
        started.append(broker)
        assert broker._child is not None
        os.kill(broker._child.pid, signal.SIGKILL)

    monkeypatch.setattr(EmbeddedBroker, "start", start_and_die)
    with pytest.raises(BrokerError, match="the broker exited"):
        run(0)
    assert not started[0].running
