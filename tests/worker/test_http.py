import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from broker_topics import write
from prometheus_client import CollectorRegistry
from worker.procfs import listening
from worker.running import WorkerProcess, own_config, publish, settings, worker_of
from worker.scenarios import story

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Http
from streamproc.config.load import load
from streamproc.kafka.errors import WorkerError
from streamproc.worker.http import ServeError, application, serve

LOOPBACK = "0100007F"  # 127.0.0.1, as the kernel writes it
SHOWN = (
    'streamproc_events_total{topic="%spredictions"} 10400.0',
    'streamproc_records_total{topic="%spredictions"} 10401.0',
    'streamproc_dead_letters_total{reason="not_json",topic="%spredictions"} 1.0',
    'streamproc_alerts_total{kind="data",status="firing"} 2.0',
    'streamproc_alerts_total{kind="data",status="settled"} 2.0',
    "streamproc_event_to_alert_seconds_count 4.0",
    'streamproc_event_to_alert_seconds_bucket{le="+Inf"} 4.0',
    'streamproc_slice_records_bucket{le="+Inf"}',
    'streamproc_stage_seconds_total{stage="watch"}',
    'streamproc_stage_seconds_total{stage="publish"}',
    'streamproc_lag_records{partition="0",topic="%spredictions"} 0.0',
    'streamproc_lag_records{partition="3",topic="%sfeatures"} 0.0',
    'streamproc_incidents_open{partition="0",topic="%spredictions"} 1.0',
)


async def test_what_an_operator_sees(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """A working worker is healthy and ready, and shows everything that it counts."""
    said = settings(embedded_broker.bootstrap)
    config = load(said)
    await publish(config, story())
    await write(config, "predictions", b"no event")
    async with WorkerProcess(tmp_path, said) as worker:
        await worker.has_counted("records_total", above=10_400)
        await worker.has_counted("series", above=11)
        text = await worker.has_counted("alerts_total", above=3)
        for line in SHOWN:
            assert line.replace("%s", config.topics.prefix) in text
        assert await worker.get("/healthz") == (200, "ok\n")
        assert await worker.get("/readyz") == (200, "ok\n")
        assert (await worker.get("/"))[0] == 404


async def test_only_loopback_is_listened_on(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Nothing but the configured port on 127.0.0.1 can be connected to."""
    async with WorkerProcess(tmp_path, settings(embedded_broker.bootstrap)) as worker:
        port = await worker.port()
        assert listening(worker.pid) == {(LOOPBACK, port)}
    async with WorkerProcess(tmp_path, settings(embedded_broker.bootstrap, http=None)) as worker:
        await worker.logged("watching")
        assert listening(worker.pid) == set()


async def test_a_port_that_is_taken(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """A port in use ends a worker with 1 and one line, before it takes a partition."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = settings(embedded_broker.bootstrap, http={"port": port})
        async with WorkerProcess(tmp_path, said) as worker:
            assert await worker.exit_code() == 1
    assert worker.stderr == (
        f"error: cannot listen on http.host 127.0.0.1, http.port {port}: "
        "Address already in use; choose another port, or 0 for any free one\n"
    )


async def test_trouble_is_told_with_its_reason() -> None:
    """Health and readiness answer 503 with the reason, each for itself."""
    app = application(CollectorRegistry(), lambda: None, lambda: "starting")
    async with TestClient(TestServer(app)) as client:
        healthy, ready = await client.get("/healthz"), await client.get("/readyz")
        assert (healthy.status, await healthy.text()) == (200, "ok\n")
        assert (ready.status, await ready.text()) == (503, "starting\n")


async def test_states_of_a_worker(embedded_broker: EmbeddedBroker) -> None:
    """A worker is ready once it has partitions; one that failed is neither, and says why."""
    config = own_config(embedded_broker.bootstrap)

    async def burn() -> None:
        async with worker_of(config) as (worker, _):
            assert worker.idle_seconds() == 0
            worker._fail(RuntimeError("on fire"))
            assert worker.unhealthy() == worker.unready() == "failed: on fire"

    with pytest.raises(WorkerError, match="RuntimeError: on fire; restart the worker"):
        await burn()
    async with worker_of(config) as (worker, _):
        assert worker.unhealthy() is None
    assert worker.unhealthy() is None
    assert worker.unready() == "stopping"


async def test_a_foreign_host_is_refused() -> None:
    """An address that is not this machine's is named, with the setting to change."""
    http = Http(host="192.0.2.1", port=0, token_env="A")  # noqa: S106  the name of a variable
    with pytest.raises(ServeError, match=r"http\.host 192\.0\.2\.1, http\.port 0"):
        async with serve(aiohttp.web.Application(), http):
            pass
