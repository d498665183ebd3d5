from pathlib import Path

import msgspec
from broker_topics import records
from worker.running import (
    WorkerProcess,
    ends,
    own_config,
    publish,
    read_alerts,
    settings,
    total,
    watch_all,
)
from worker.scenarios import expected, payloads, story

from streamproc.broker import EmbeddedBroker
from streamproc.config.load import load
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics

POISON = {
    b"not json": "not_json",
    b'{"model_id": "\xff", "prediction": 1}': "not_utf8",
    b"": "empty",
    b'{"features": {"x": 1}}': "missing_field",
    b'{"model_id": "m", "prediction": 1, "event_id": {}}': "wrong_type",
    b'{"model_id": "m", "prediction": 1, "ts": 1e999}': "wrong_type",
    b"[" * 5000: "too_deep",
}
HEADERS = [("trace", b"\x00\xff"), ("trace", b"again"), ("reason", b"theirs"), ("empty", b"")]


async def test_events_come_out_as_alerts(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """A client reads the very alerts that `Monitor` gives for the records that it published."""
    said = settings(embedded_broker.bootstrap)
    config = load(said)
    assert await publish(config, story()) == 10_400
    async with WorkerProcess(tmp_path, said, "--exit-when-idle", "1") as worker:
        assert await worker.exit_code() == 0
    created, watching, counts = worker.stderr.splitlines()  # Faust's own are not an operator's
    assert "created topics" in created
    assert watching.startswith("watching kafka://")
    assert counts.startswith("10400 records read: 10400 events watched")
    alerts = await read_alerts(config)
    assert {alert.series for alert in alerts} == {"feature:amount"}
    assert {alert.model_id for alert in alerts} == {"model-1", "model-3"}
    assert [alert.status for alert in alerts if alert.model_id == "model-1"] == [
        "firing",
        "settled",
    ]
    assert payloads(alerts) == expected(config, await records(config, "predictions"))
    assert len(await records(config, "alerts")) == len(alerts)


async def test_nothing_is_needed_but_a_broker() -> None:
    """With a broker's address alone, features and predictions are watched and counted."""
    async with EmbeddedBroker() as broker:
        config = load({"broker": f"kafka://{broker.bootstrap}"})
        features = ({**event, "prediction": None} for event in story(models=2, events=500))
        given = [{k: v for k, v in event.items() if v is not None} for event in features]
        sent = await publish(config, [*given, *story(models=2, events=300)])
        metrics = await watch_all(config)
        assert total(metrics, "events_total", topic="features") == 1000
        assert total(metrics, "events_total") == sent == 1600
        assert await records(config, "dead_letters") == []


async def test_every_record_is_watched_or_a_dead_letter(embedded_broker: EmbeddedBroker) -> None:
    """Bad records come out once, as they came, with coordinates; their neighbours are watched."""
    config = own_config(embedded_broker.bootstrap, topics={"partitions": 1})
    good = [msgspec.json.encode(event) for event in story(models=1, events=200)]
    bad = [*POISON, None]
    await ensure_topics(config)
    async with open_producer(config) as producer:
        topic = config.topics.full_name("predictions")
        for index, value in enumerate([*good[:100], *bad, *good[100:]]):
            headers = HEADERS if value in bad else []
            await producer.send(topic, value, key=b"key-%d" % index, headers=headers)
        await producer.flush()
    metrics = await watch_all(config)
    letters = sorted(
        await records(config, "dead_letters"), key=lambda r: int(dict(r.headers)["offset"])
    )
    assert [letter.value for letter in letters] == bad
    assert [letter.key for letter in letters] == [b"key-%d" % (100 + i) for i in range(len(bad))]
    for offset, letter in enumerate(letters, 100):
        assert list(letter.headers[: len(HEADERS)]) == HEADERS
        said = dict(letter.headers)
        assert said["reason"].decode() == POISON.get(letter.value or b"", "empty")
        assert (said["topic"], said["partition"]) == (topic.encode(), b"0")
        assert int(said["offset"]) == offset
        assert int(said["timestamp"]) > 0
        assert said["detail"]
    assert total(metrics, "events_total") == 200
    assert total(metrics, "dead_letters_total") == len(bad)
    assert total(metrics, "records_total") == 200 + len(bad)


async def test_missing_topics_are_created_and_others_left_alone(
    embedded_broker: EmbeddedBroker,
) -> None:
    """A worker creates what is missing as configured, and does not touch what is there."""
    config = own_config(embedded_broker.bootstrap, topics={"partitions": 2})
    other = config.model_copy(update={"topics": config.topics.model_copy(update={"partitions": 3})})
    await ensure_topics(config, only={"predictions"})
    await watch_all(other)
    assert len(await ends(config, "predictions")) == 2
    assert len(await ends(config, "alerts")) == 3


async def test_a_log_that_ends_without_a_record_is_done(
    embedded_broker: EmbeddedBroker,
) -> None:
    """Markers of transactions at a log's end do not keep a worker from being idle."""
    config = own_config(embedded_broker.bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    topic = config.topics.full_name("predictions")
    async with (
        open_producer(config, transactional_id=config.group) as producer,
        producer.transaction(),
    ):
        for event in story(models=1, events=10):
            await producer.send(topic, msgspec.json.encode(event))
    metrics = await watch_all(config)
    assert total(metrics, "events_total") == 10
    assert total(metrics, "lag_records") == 0
