"""Signals that end a worker, however they come."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from apache.kafka import ApacheKafka
from worker.procfs import alive, children
from worker.running import MAIN, WorkerProcess, publish, settings
from worker.scenarios import story

from streamproc.broker import EmbeddedBroker
from streamproc.config.load import load


@pytest.mark.parametrize(
    "sent", [[signal.SIGHUP], [signal.SIGINT] * 2, [signal.SIGHUP, signal.SIGINT, signal.SIGTERM]]
)
async def test_a_worker_under_load_stops_cleanly(
    sent: list[signal.Signals], embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """A closed terminal, an impatient operator: it finishes its slices and ends with 0."""
    content = settings(embedded_broker.bootstrap, limits={"slice_records": 20})
    await publish(load(content), story(models=4, events=500))
    async with WorkerProcess(tmp_path, content) as worker:
        await worker.has_counted("records_total")
        for number in sent:
            worker.send(number)
        assert await worker.exit_code() == 0
    assert "Traceback" not in worker.stderr
    if sent[0] == signal.SIGHUP:
        assert "only a supervisor (--processes) reloads its configuration" in worker.stderr


async def test_a_supervised_worker_leaves_sighup_to_its_supervisor(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """A signal to the whole process group ends no worker that nobody would start again."""
    content = settings(apache_kafka.bootstrap)
    async with WorkerProcess(tmp_path, content, "--processes", "2") as supervisor:
        await supervisor.logged("watching kafka", times=2)
        workers = children(supervisor.pid)
        for pid in workers:
            os.kill(pid, signal.SIGHUP)
        supervisor.send(signal.SIGHUP)
        await supervisor.logged("replacing the workers one by one")
        await supervisor.logged("watching kafka", times=4)
        assert await supervisor.stop() == 0
    assert not any(map(alive, workers))


def _unshare() -> list[str] | None:
    """Return how to run a program as process 1; None where that is not permitted."""
    program = shutil.which("unshare")
    command = [str(program), "--map-root-user", "--pid", "--fork", "--kill-child"]
    probe = [*command, "true"]
    if program is None or subprocess.run(probe, capture_output=True, check=False).returncode:  # noqa: S603
        return None
    return command


async def test_a_worker_that_is_process_1_stops_cleanly(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """As in a container without an init: the kernel gives process 1 no default handlers."""
    command = _unshare()
    if command is None:
        pytest.skip("this machine does not permit a namespace of processes")
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(settings(embedded_broker.bootstrap)))
    worker = await asyncio.create_subprocess_exec(
        *(*command, sys.executable, "-c", MAIN, "worker", "--config", str(file)),
        stderr=asyncio.subprocess.PIPE,
    )
    assert worker.stderr is not None
    while b"watching kafka" not in (line := await worker.stderr.readline()):
        assert line, "it ended before it worked"
    [inner] = _children(worker.pid)
    os.kill(inner, signal.SIGTERM)
    assert await worker.wait() == 0


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(each) for task in tasks for each in (task / "children").read_text().split()]
