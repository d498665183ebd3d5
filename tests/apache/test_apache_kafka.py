import asyncio
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from apache import distribution
from apache.cluster import ApacheKafka, KafkaStartError
from apache.settings import NodePlan, properties


async def _create(bootstrap: str, replication: int = 1) -> str:
    topic = f"t-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(topic, 1, replication)])
        assert [error[1] for error in answer.topic_errors] == [0]
    finally:
        await admin.close()
    return topic


async def _produce(bootstrap: str, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def _consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def test_a_record_comes_back(apache_kafka: ApacheKafka) -> None:
    """What is produced on the shared node can be consumed from it."""
    topic = await _create(apache_kafka.bootstrap)
    await _produce(apache_kafka.bootstrap, topic, b"one")
    assert await _consume(apache_kafka.bootstrap, topic, 1) == [b"one"]


async def test_unknown_topics_are_not_created(apache_kafka: ApacheKafka) -> None:
    """Asking for a topic does not make it, so that a missing one is noticed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=apache_kafka.bootstrap)
    await admin.start()
    try:
        await admin.describe_topics(["never-created"])
        assert "never-created" not in await admin.list_topics()
    finally:
        await admin.close()


@pytest.mark.kafka
@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_data_survives_the_node(how: str, tmp_path: Path) -> None:
    """A node that was killed or stopped comes back at its address with every record."""
    with ApacheKafka(data_dir=tmp_path) as kafka:
        topic = await _create(kafka.bootstrap)
        await _produce(kafka.bootstrap, topic, b"before")
        await asyncio.to_thread(getattr(kafka, how), 1)
        await asyncio.to_thread(kafka.start, 1)
        await _produce(kafka.bootstrap, topic, b"after")
        assert await _consume(kafka.bootstrap, topic, 2) == [b"before", b"after"]


async def test_three_nodes_can_lose_one(apache_kafka_cluster: ApacheKafka) -> None:
    """A replicated topic can be written and read while one node of three is dead."""
    kafka = apache_kafka_cluster
    topic = await _create(kafka.bootstrap, replication=3)
    await asyncio.to_thread(kafka.kill, 2)
    try:
        await _produce(kafka.bootstrap, topic, b"kept")
        assert await _consume(kafka.bootstrap, topic, 1) == [b"kept"]
    finally:
        await asyncio.to_thread(kafka.start, 2)


@pytest.mark.kafka
def test_a_node_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    """A wrong setting ends the start with an error that holds the broker's own words."""
    kafka = ApacheKafka(data_dir=tmp_path, config={"offsets.topic.segment.bytes": "many"})
    with pytest.raises(KafkaStartError, match=r"offsets\.topic\.segment\.bytes"), kafka:
        pass


@pytest.mark.kafka
def test_the_command_prints_an_address_and_ends_when_asked(tmp_path: Path) -> None:
    """`up` prints one line when ready, ends on SIGTERM with 0 and leaves no process."""
    program = Path(distribution.__file__).with_name("kafka.py")
    command = [sys.executable, str(program), "up", "--data-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603
        assert running.stdout is not None
        host, port = running.stdout.readline().strip().split(":")
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    assert host == "127.0.0.1"
    settings = (tmp_path / "node-1" / "server.properties").read_text()
    assert f"listeners=PLAINTEXT://127.0.0.1:{port}," in settings
    assert not _processes_naming(tmp_path)


def _processes_naming(path: Path) -> list[int]:
    listing = subprocess.run(
        ["ps", "-eo", "pid,args"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    found = [int(line.split()[0]) for line in listing if str(path) in line]
    return [pid for pid in found if pid != os.getpid()]


def test_missing_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without Java the error says which one to install."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(distribution.KafkaUnavailableError, match="install Java 17 or newer"):
        distribution.java()


def test_old_java_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A Java that is too old is named with its version."""
    fake = tmp_path / "java"
    fake.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    fake.chmod(0o755)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(distribution.KafkaUnavailableError, match=r"11\.0\.2.*needs Java 17"):
        distribution.java()


def test_missing_maven_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With an empty cache and no Maven the error says what to install."""
    monkeypatch.setenv("STREAMPROC_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(distribution.KafkaUnavailableError, match="install Maven"):
        distribution.jars()


def test_own_settings_win(tmp_path: Path) -> None:
    """A setting given by the caller replaces the launcher's."""
    plan = NodePlan(1, 20001, 20002, tmp_path)
    text = properties(plan, [plan], {"auto.create.topics.enable": "true"})
    assert "auto.create.topics.enable=true\n" in text
    assert "auto.create.topics.enable=false" not in text
