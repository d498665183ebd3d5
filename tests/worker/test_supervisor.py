"""A supervisor and its workers; two members of a group need Apache Kafka, see streamproc.broker."""

import os
import signal
import socket
from pathlib import Path

import pytest
from apache.kafka import ApacheKafka
from worker.procfs import alive, children
from worker.running import WorkerProcess, settings, until

from streamproc.broker import EmbeddedBroker

STOP_SECONDS = 30.0


async def test_no_worker_outlives_its_supervisor(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    """When the supervisor is killed its workers end by themselves."""
    content = settings(apache_kafka.bootstrap)
    async with WorkerProcess(tmp_path, content, "--processes", "2") as supervisor:
        await supervisor.logged("watching kafka", times=2)
        workers = children(supervisor.pid)
        supervisor.send(signal.SIGKILL)
        await supervisor.exit_code()
    await until(lambda: not any(map(alive, workers)))


@pytest.mark.slow
async def test_ctrl_c_ends_all(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Ctrl-C, which reaches every process, ends them with 0, even while they start."""
    content = settings(embedded_broker.bootstrap)
    async with WorkerProcess(tmp_path, content, "--processes", "2") as supervisor:
        await supervisor.logged("running 2 workers")
        await until(lambda: len(children(supervisor.pid)) == 2)
        for pid in (*children(supervisor.pid), supervisor.pid):
            os.kill(pid, signal.SIGINT)
        assert await supervisor.exit_code(STOP_SECONDS) == 0
    assert "Traceback" not in supervisor.stderr
    assert "exited with" not in supervisor.stderr


async def test_a_cluster_that_is_away_ends_the_supervisor(tmp_path: Path) -> None:
    """With no broker there is one line and exit code 1, not workers that die again and again."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with WorkerProcess(tmp_path, settings(f"127.0.0.1:{port}"), "--processes", "2") as worker:
        assert await worker.exit_code() == 1
    assert worker.stderr.startswith(f"error: cannot reach a Kafka broker at 127.0.0.1:{port}")
    assert worker.stderr.count("\n") == 1


async def test_sigterm_ends_all(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    """SIGTERM to the supervisor ends both workers, cleanly, and itself with 0."""
    content = settings(apache_kafka.bootstrap)
    async with WorkerProcess(tmp_path, content, "--processes", "2") as supervisor:
        await supervisor.logged("watching kafka", times=2)
        workers = children(supervisor.pid)
        supervisor.send(signal.SIGTERM)
        assert await supervisor.exit_code(STOP_SECONDS) == 0
    assert not any(map(alive, workers))
    assert "Traceback" not in supervisor.stderr


async def test_each_worker_ends_when_idle(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    """With --exit-when-idle all workers end by themselves, and none is started again."""
    flags = ("--processes", "2", "--exit-when-idle", "1")
    async with WorkerProcess(tmp_path, settings(apache_kafka.bootstrap), *flags) as supervisor:
        assert await supervisor.exit_code() == 0
    assert "exited with" not in supervisor.stderr


async def test_a_config_is_reloaded_only_when_it_is_right(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """SIGHUP with a wrong config names the field and touches nothing; a right one renews all."""
    content = settings(apache_kafka.bootstrap)
    elsewhere = content["broker"].replace("127.0.0.1", "localhost")
    async with WorkerProcess(tmp_path, content, "--processes", "2") as supervisor:
        await supervisor.logged("watching kafka", times=2)
        before = children(supervisor.pid)

        supervisor.configure(content | {"limits": {"max_series": "many"}})
        supervisor.send(signal.SIGHUP)
        await supervisor.logged("keeping the current configuration")
        assert "limits.max_series" in supervisor.stderr
        assert children(supervisor.pid) == before

        supervisor.configure(content | {"broker": elsewhere})
        supervisor.send(signal.SIGHUP)
        await supervisor.logged(f"watching {elsewhere}", times=2)
        assert not any(map(alive, before))
        assert await supervisor.stop() == 0
    assert "exited with" not in supervisor.stderr
