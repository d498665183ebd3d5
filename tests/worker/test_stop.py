import asyncio
import signal
from collections import Counter
from pathlib import Path

import pytest
from broker_topics import records
from worker.running import PATIENCE, WorkerProcess, committed, ends, settings

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics

STOP_SECONDS = 30.0
LOAD = 20_000


async def _load(config: Config) -> None:
    """Publish records of which each leaves a trace: its dead letter."""
    await ensure_topics(config)
    topic = config.topics.full_name("predictions")
    async with open_producer(config) as producer:
        for index in range(LOAD):
            await producer.send(topic, b"x", key=b"%d" % index)
        await producer.flush()


async def _traces(config: Config) -> Counter[tuple[int, int]]:
    """Count the dead letters of each record, by partition and offset."""
    found = [dict(record.headers) for record in await records(config, "dead_letters")]
    return Counter((int(said["partition"]), int(said["offset"])) for said in found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_under_load_skips_and_repeats_nothing(
    number: signal.Signals, embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """A worker told to stop under load has committed what it handled; the next one goes on."""
    said = settings(embedded_broker.bootstrap, limits={"slice_records": 100})
    config = load(said)
    await _load(config)
    async with WorkerProcess(tmp_path, said) as worker:
        await worker.has_counted("records_total")
        worker.send(number)
        assert await worker.exit_code(STOP_SECONDS) == 0
        assert "Traceback" not in worker.stderr
    handled = await _traces(config)
    assert 0 < handled.total() < LOAD
    assert set(handled.values()) == {1}
    done = await committed(config, "predictions")
    assert set(handled) == {(number, at) for number, end in done.items() for at in range(end)}
    async with WorkerProcess(tmp_path, said, "--exit-when-idle", "1") as worker:
        assert await worker.exit_code() == 0
    log = await ends(config, "predictions")
    assert await _traces(config) == dict.fromkeys(
        ((number, at) for number, end in log.items() for at in range(end)), 1
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_while_starting(number: signal.Signals, tmp_path: Path) -> None:
    """Told to stop while it waits for its cluster, a worker ends with 0 and says nothing."""
    called, over = asyncio.Event(), asyncio.Event()

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        await over.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        async with WorkerProcess(tmp_path, settings(f"{host}:{port}")) as worker:
            async with asyncio.timeout(PATIENCE):
                await called.wait()
            worker.send(number)
            assert await worker.exit_code(STOP_SECONDS) == 0
        over.set()
    assert worker.stderr == ""


@pytest.mark.slow
async def test_a_stop_while_the_broker_is_away(tmp_path: Path) -> None:
    """With its cluster gone, and alerts that wait for it, a worker still ends in time."""
    with EmbeddedBroker() as broker:
        said = settings(broker.bootstrap, limits={"slice_records": 100})
        await _load(load(said))
        async with WorkerProcess(tmp_path, said) as worker:
            await worker.has_counted("records_total")
            await asyncio.to_thread(broker.stop)
            worker.send(signal.SIGTERM)
            assert await worker.exit_code(STOP_SECONDS) == 0
    assert "Traceback" not in worker.stderr


@pytest.mark.slow
async def test_a_stop_while_joining(tmp_path: Path) -> None:
    """A group that lets nobody join is named after a while, and SIGTERM still ends the wait."""
    # The embedded broker waits for ever for a member that was killed.
    with EmbeddedBroker() as broker:
        said = settings(broker.bootstrap)
        async with WorkerProcess(tmp_path, said) as worker:
            await worker.logged("watching")
        async with WorkerProcess(tmp_path, said) as worker:
            await worker.logged(f"still waiting to join consumer group {said['group']}")
            worker.send(signal.SIGTERM)
            assert await worker.exit_code(STOP_SECONDS) == 0
    assert "Traceback" not in worker.stderr
