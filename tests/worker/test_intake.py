"""Records of other systems, in any partition, are watched as if they had been sent natively."""

import json
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka.admin import NewTopic
from broker_topics import records
from prometheus_client import CollectorRegistry
from worker.running import WorkerProcess, read_alerts, settings, total, until

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.clients import open_admin, open_producer
from streamproc.kafka.errors import WorkerError
from streamproc.kafka.topics import ensure_topics
from streamproc.monitor import Monitor
from streamproc.schemas.alerts import AlertEvent
from streamproc.worker.intake.reader import reading
from streamproc.worker.intake.republish import Republisher
from streamproc.worker.metrics import Metrics

PARTITIONS = 5


def rows(count: int = 4000) -> list[dict[str, Any]]:
    """Draw requests of two models; the amounts of one of them rise from the middle on."""
    draw = random.Random(8)
    return [
        {
            "id": f"r{index}",
            "model": "ab"[index % 2],
            "at": 1_790_000_000_000 + 250 * index,
            "amount": draw.gauss(60 if index % 2 and index > count // 2 else 40, 4),
            "score": draw.random(),
        }
        for index in range(count)
    ]


def native(row: dict[str, Any]) -> dict[str, Any]:
    """Return the native event of a row, its fields in the order of the intake's."""
    return {
        "model_id": row["model"],
        "event_id": row["id"],
        "ts": row["at"],
        "features": {"amount": row["amount"]},
        "prediction": row["score"],
    }


def intake(topic: str) -> list[dict[str, Any]]:
    """Configure a mapping of the rows."""
    mapping = {
        "model_id": "model",
        "event_id": "id",
        "ts": "at",
        "prediction": "score",
        "features": {"omit": []},
    }
    return [{"from": {"pattern": f"^{topic}$"}, "map": mapping}]


async def send_unkeyed(
    config: Config,
    topic: str,
    given: Iterable[dict[str, Any] | bytes],
    partitions: int = PARTITIONS,
) -> None:
    """Write records as another system does: without keys, to partitions by turns."""
    async with open_admin(config) as admin:
        await admin.create_topics([NewTopic(topic, partitions, 1)])
    start = int(time.time() * 1000) - 60_000  # brokers delete what is older than they retain
    async with open_producer(config) as producer:
        for number, row in enumerate(given):
            body = row if isinstance(row, bytes) else json.dumps(row).encode()
            where = number // 3 % partitions
            await producer.send(topic, body, partition=where, timestamp_ms=start + number)
        await producer.flush()


async def test_unkeyed_records_of_many_partitions_are_watched(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """They are keyed by model and in order; the alerts are those of the native events."""
    given = settings(embedded_broker.bootstrap)
    topic = f"{given['group']}-scores"
    config = load(given | {"intake": intake(topic)})
    await send_unkeyed(config, topic, [*rows(), b"?", {"id": "x", "model": "a"}])
    given["intake"] = intake(topic)
    async with WorkerProcess(tmp_path, given, "--exit-when-idle", "2") as worker:
        assert await worker.exit_code() == 0
    found = await records(config, "predictions")
    of_model: dict[str, set[int]] = {}
    for record in found:
        of_model.setdefault(record.key.decode(), set()).add(record.partition)
    assert {name: len(where) for name, where in of_model.items()} == {"a": 1, "b": 1}
    for name in "ab":
        values = [record.value for record in found if record.key == name.encode()]
        assert values == [_body(row) for row in rows() if row["model"] == name]
    alerts = await read_alerts(config)
    assert [a.message for a in alerts] == [
        a.message for a in Monitor().process(map(native, rows()))
    ]
    assert {(a.model_id, a.series) for a in alerts} == {("b", "feature:amount")}
    letters = await records(config, "dead_letters")
    headers = [dict(letter.headers) for letter in letters]
    assert sorted(h["reason"] for h in headers) == [b"missing_field", b"not_json"]
    assert {h["topic"] for h in headers} == {topic.encode()}


async def test_events_that_a_crash_repeats_are_dropped(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost, and what is published twice is watched once, by its id."""
    given = settings(embedded_broker.bootstrap) | {"limits": {"slice_records": 100}}
    topic = f"{given['group']}-scores"
    given["intake"] = intake(topic)
    config = load(given)
    await send_unkeyed(config, topic, rows())
    for _ in range(3):
        with monkeypatch.context() as patched:
            patched.setattr(Republisher, "publish", crashing(Republisher.publish, after=4))
            with pytest.raises(WorkerError, match="published, and not committed"):
                async with reading(config, Metrics(CollectorRegistry())) as reader:
                    await reader.stopped.wait()
    async with reading(config, Metrics(CollectorRegistry())) as reader:
        await until(lambda: reader.idle_seconds() > 0.5)
    found = await records(config, "predictions")
    monitor = Monitor(given)
    alerts: list[AlertEvent] = []
    for number in sorted({record.partition for record in found}):
        part = [record for record in found if record.partition == number]
        name = config.topics.full_name("predictions")
        alerts += monitor.process_records(name, number, part)
    assert len(found) > len(rows())
    assert {record.value for record in found} == {_body(row) for row in rows()}
    assert monitor.events == len(rows())
    assert {a.series for a in alerts} == {"feature:amount"}


async def test_a_topic_that_cannot_be_mapped_is_reported(
    embedded_broker: EmbeddedBroker,
) -> None:
    """The alert names the topic, the reason and what to do; it ends once records are events."""
    given = settings(embedded_broker.bootstrap)
    topic = f"{given['group']}-scores"
    given["intake"] = intake(topic)
    config = load(given)
    bad: list[dict[str, Any] | bytes] = [{"id": "x", "model": "a"}] * 30
    await send_unkeyed(config, topic, [*bad, *rows()[:200]], partitions=1)
    registry = CollectorRegistry()
    async with reading(config, Metrics(registry)) as reader:
        await until(lambda: reader.idle_seconds() > 0.5)
    assert total(registry, "operational_alerts_total", detector="unmapped") == 2
    fired, resolved = await read_alerts(config)
    assert (fired.detector, fired.status, fired.source.offset) == ("unmapped", "firing", 9)
    assert f"10 of 10 records of topic {topic!r}" in fired.message
    assert f"`streamproc intake try {topic}`" in fired.message
    assert (resolved.status, resolved.source.offset) == ("resolved", 129)
    assert resolved.incident_id == fired.incident_id


def crashing(publish: Any, after: int) -> Any:
    """Fail between publishing records and their acknowledgement, after some calls."""
    left = [after]

    async def publish_and_crash(self: Republisher, *arguments: Any) -> None:
        await publish(self, *arguments)
        left[0] -= 1
        if left[0] < 0:
            message = "published, and not committed"
            raise RuntimeError(message)

    return publish_and_crash


def _body(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode(native(row))


async def test_topics_that_are_created_later_are_read(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """A pattern is matched again while the worker runs."""
    given = settings(embedded_broker.bootstrap)
    topic = f"{given['group']}-late"
    given["intake"] = intake(topic)
    config = load(given)
    await ensure_topics(config)
    async with WorkerProcess(tmp_path, given, "--only", "intake") as worker:
        await worker.logged("reading intake from")
        await send_unkeyed(config, topic, rows(100))
        await worker.has_counted("intake_records_total", above=99)
        assert await worker.stop() == 0
    assert len(await records(config, "predictions")) == 100


async def test_only_intake_needs_an_entry(tmp_path: Path) -> None:
    """Without one the command ends with an error that says so."""
    async with WorkerProcess(tmp_path, {"http": {"port": 0}}, "--only", "intake") as worker:
        assert await worker.exit_code() == 2
    assert "no entry is configured" in worker.stderr
