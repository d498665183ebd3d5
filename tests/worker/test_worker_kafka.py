"""What only Apache Kafka can show."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

import pytest
from apache.kafka import ApacheKafka
from broker_topics import records
from worker.procfs import alive, children
from worker.running import (
    LOOK_SECONDS,
    WorkerProcess,
    committed,
    ends,
    idle,
    own_config,
    publish,
    read_alerts,
    settings,
    total,
    until,
    watch_all,
    worker_of,
)
from worker.scenarios import expected, payloads, story

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics

STOP_SECONDS = 30.0


async def _traced(config: Config, count: int) -> None:
    """Publish records of which each leaves a trace: its dead letter."""
    await ensure_topics(config)
    topic = config.topics.full_name("predictions")
    async with open_producer(config) as producer:
        for index in range(count):
            await producer.send(topic, b"x", key=b"%d" % index)
        await producer.flush()


async def _traces(config: Config) -> Counter[tuple[int, int]]:
    """Count the dead letters of each record, by partition and offset."""
    found = [dict(record.headers) for record in await records(config, "dead_letters")]
    return Counter((int(said["partition"]), int(said["offset"])) for said in found)


async def _log(config: Config) -> set[tuple[int, int]]:
    return {
        (number, at)
        for number, end in (await ends(config, "predictions")).items()
        for at in range(end)
    }


async def test_a_worker_on_apache_kafka(apache_kafka: ApacheKafka) -> None:
    """The alerts on the topic are those that `Monitor` gives for the records, and no others."""
    config = own_config(apache_kafka.bootstrap)
    await publish(config, story())
    await watch_all(config)
    alerts = payloads(await read_alerts(config))
    assert alerts
    assert alerts == expected(config, await records(config, "predictions"))


async def test_two_workers_find_what_one_finds(apache_kafka: ApacheKafka) -> None:
    """Workers that share the partitions make together the alerts of one, each once."""
    config = own_config(apache_kafka.bootstrap)
    await ensure_topics(config)
    async with worker_of(config) as (one, first), worker_of(config) as (other, second):
        await until(lambda: one.unready() is None and other.unready() is None)
        await until(lambda: len(one._line._held) == len(other._line._held) == 2 * len(Topic))
        await publish(config, story(models=12))
        await until(lambda: total(first, "events_total") + total(second, "events_total") >= 31_200)
        await idle(one)
        await idle(other)
    assert total(first, "events_total") > 0
    assert total(second, "events_total") > 0
    assert total(first, "events_total") + total(second, "events_total") == 31_200
    alerts = await read_alerts(config)
    assert payloads(alerts) == expected(config, await records(config, "predictions"))
    assert len(await records(config, "alerts")) == len(alerts)


async def test_a_restart_in_the_middle_skips_nothing(apache_kafka: ApacheKafka) -> None:
    """Workers that come and go handle each record once."""
    config = own_config(apache_kafka.bootstrap, limits={"slice_records": 100})
    await _traced(config, 5_000)
    handled = 0.0
    async with worker_of(config) as (worker, registry):
        await until(lambda: total(registry, "records_total") > 0)
    handled += total(registry, "records_total")
    assert 0 < handled < 5_000
    assert sum((await committed(config, "predictions")).values()) == handled
    async with worker_of(config) as (worker, registry):
        await idle(worker)
    assert handled + total(registry, "records_total") == 5_000
    assert await _traces(config) == dict.fromkeys(await _log(config), 1)


@pytest.mark.kafka
@pytest.mark.nightly  # the row `broker` of the fault matrix shows more of it
@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_broker_that_restarts(how: str, tmp_path: Path) -> None:
    """A worker outlives its broker: it goes on by itself, and no record is skipped."""
    with ApacheKafka(data_dir=tmp_path / "kafka") as kafka:
        said = settings(kafka.bootstrap, limits={"slice_records": 100})
        config = load(said)
        await _traced(config, 20_000)
        async with WorkerProcess(tmp_path, said) as worker:
            await worker.has_counted("records_total")
            await asyncio.to_thread(getattr(kafka, how), 1)
            assert await worker.get("/healthz") == (200, "ok\n")
            await asyncio.to_thread(kafka.start, 1)
            await _traced(config, 1_000)
            await worker.has_counted("records_total", above=20_999)
            worker.send(signal.SIGTERM)
            assert await worker.exit_code(STOP_SECONDS) == 0
        assert "Traceback" not in worker.stderr
        assert set(await _traces(config)) == await _log(config)


async def test_a_killed_worker_is_replaced(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    """With two processes one is killed under load: it is started again, nothing is skipped."""
    said = settings(apache_kafka.bootstrap, limits={"slice_records": 100})
    config = load(said)
    await _traced(config, 20_000)
    async with WorkerProcess(tmp_path, said, "--processes", "2") as supervisor:
        await supervisor.logged("watching kafka", times=2)
        first = children(supervisor.pid)
        os.kill(first[0], signal.SIGKILL)
        await supervisor.logged("watching kafka", times=3)
        assert "exited with code -9: restarting it in 1 s" in supervisor.stderr
        second = children(supervisor.pid)
        assert len(second) == 2
        assert first[1] in second
        log = await _log(config)
        async with asyncio.timeout(60):
            done = 0
            while done < len(log):
                await asyncio.sleep(LOOK_SECONDS)
                done = sum((await committed(config, "predictions")).values())
        supervisor.send(signal.SIGTERM)
        assert await supervisor.exit_code(STOP_SECONDS) == 0
    assert not any(map(alive, {*first, *second}))
    assert set(await _traces(config)) == log
