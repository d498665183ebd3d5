"""The Faust application of a worker, as users of Faust run it: by the code in docs/faust.md."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import yaml
from aiokafka import AIOKafkaConsumer
from worker.running import PATIENCE, own_config, publish, read_alerts, settings

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.schemas.events import FeatureEvent

DOCS = Path(__file__).parents[1] / "docs" / "faust.md"
RUN = "import sys; from faust.cli.faust import cli; sys.argv[0] = 'faust'; cli()"


def blocks() -> list[str]:
    """Return the Python code of the docs page, block by block."""
    return re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)


async def faust_command(
    folder: Path, *arguments: str, env: dict[str, str] | None = None
) -> asyncio.subprocess.Process:
    """Start a ``faust`` command in a folder."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN, *arguments),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **(env or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@asynccontextmanager
async def faust_worker(folder: Path, module: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker by Faust's own command until the block ends."""
    process = await faust_command(folder, "-A", module, "worker", "--without-web", "-l", "info")
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def logged(process: asyncio.subprocess.Process, pattern: str) -> str:
    """Wait until a process has logged something, and return the first group of the match."""
    assert process.stdout is not None
    text = ""
    async with asyncio.timeout(PATIENCE):
        while line := await process.stdout.readline():
            text += line.decode()
            if found := re.search(pattern, line.decode()):
                return found[1]
    raise AssertionError(f"it ended, and logged only:\n{text}")


async def terminate(process: asyncio.subprocess.Process) -> int:
    """End a process as a service manager does, and return its exit code."""
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode is not None
    return process.returncode


async def first_of(config: Config, topic: str) -> dict[str, Any]:
    """Wait for the first record of a topic and return its value."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=list(config.bootstrap_servers),
        auto_offset_reset="earliest",
        metadata_max_age_ms=200,  # the topic may be created later
    )
    async with asyncio.timeout(PATIENCE), consumer:
        record = await consumer.getone()
    value: dict[str, Any] = orjson.loads(record.value)
    return value


@pytest.fixture
def config(embedded_broker: EmbeddedBroker, tmp_path: Path) -> Config:
    """Write the docs' module and a config file, and return the config."""
    values = settings(embedded_broker.bootstrap, models=[{"id": "m", "severity": "critical"}])
    values["http"] = None
    (tmp_path / "streamproc.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "tickets_app.py").write_text(blocks()[0])
    return own_config(embedded_broker.bootstrap, **values)


async def test_a_custom_agent_runs_beside_the_detectors(config: Config, tmp_path: Path) -> None:
    """The docs' module opens a ticket for an alert; a second run continues where it stopped."""
    first = [FeatureEvent(model_id="m", features={"x": i % 7}) for i in range(400)]
    then = [FeatureEvent(model_id="m", features={"x": 9_000 + i % 7}) for i in range(40)]
    async with faust_worker(tmp_path, "tickets_app") as worker:
        await logged(worker, "Worker ready()")
        await publish(config, first)
        assert await terminate(worker) == 0
    async with faust_worker(tmp_path, "tickets_app") as worker:
        await publish(config, then)
        ticket = await first_of(config, "tickets")
        assert await terminate(worker) == 0
    (alert, *_) = await read_alerts(config)
    assert ticket == {"title": alert.message}
    assert "feature 'x' of model 'm' rose" in alert.message


async def test_a_custom_slice_agent_reads_what_the_worker_reads(
    config: Config, tmp_path: Path
) -> None:
    """The docs' second agent, on a topic of events, gets its records, and so does the worker."""
    code = (tmp_path / "tickets_app.py").read_text() + blocks()[1]
    (tmp_path / "tickets_app.py").write_text(code.replace('"predictions"', '"features"'))
    async with faust_worker(tmp_path, "tickets_app") as worker:
        await logged(worker, "Worker ready()")
        await publish(config, [FeatureEvent(model_id="m", features={"x": 1})])
        await logged(worker, r"partition (\d): 1 records")
        assert await terminate(worker) == 0


async def test_fausts_own_commands_work(config: Config, tmp_path: Path) -> None:
    """``agents`` lists the worker's agents, ``send`` sends, by the environment's config."""
    env = {"STREAMPROC_CONFIG": "streamproc.yaml"}
    listing = await faust_command(tmp_path, "-A", "streamproc.app", "agents", env=env)
    output, _ = await listing.communicate()
    assert listing.returncode == 0
    assert f"@streamproc.{config.topics.full_name('features')}".encode() in output
    topic = config.topics.full_name("features")
    value = '{"model_id": "m", "features": {"x": 1}}'
    sending = await faust_command(
        tmp_path, "-A", "streamproc.app", "send", topic, value, "--value-serializer=raw", env=env
    )
    output, _ = await sending.communicate()
    assert sending.returncode == 0, output
    assert (await first_of(config, topic))["model_id"] == "m"


@pytest.mark.usefixtures("config")
async def test_a_worker_that_cannot_start_ends_faust_with_an_error(tmp_path: Path) -> None:
    """A broker that does not answer ends the command with its address, and not with 0."""
    (tmp_path / "streamproc.yaml").write_text("broker: kafka://127.0.0.1:1\n")
    async with faust_worker(tmp_path, "tickets_app") as worker:
        assert worker.stdout is not None
        output = await worker.stdout.read()
        assert await worker.wait() != 0
    assert b"127.0.0.1:1" in output


BROKEN = """
from streamproc.worker.pipeline import Pipeline

async def fail(*_):
    raise OSError("no space left")

Pipeline.handle = fail
"""


async def test_a_worker_that_fails_ends_faust_with_an_error(config: Config, tmp_path: Path) -> None:
    """A slice that cannot be processed ends the command with the reason, and not with 0."""
    code = (tmp_path / "tickets_app.py").read_text()
    (tmp_path / "tickets_app.py").write_text(code + BROKEN)
    async with faust_worker(tmp_path, "tickets_app") as worker:
        await publish(config, [FeatureEvent(model_id="m", features={"x": 1})])
        assert worker.stdout is not None
        output = await worker.stdout.read()
        assert await worker.wait() != 0
    assert b"no space left" in output


@pytest.mark.usefixtures("config")
async def test_the_endpoints_are_served_beside_faust(tmp_path: Path) -> None:
    """``/readyz`` and ``/metrics`` answer while Faust's worker runs."""
    values = yaml.safe_load((tmp_path / "streamproc.yaml").read_text())
    values["http"] = {"port": 0}
    (tmp_path / "streamproc.yaml").write_text(yaml.safe_dump(values))
    async with faust_worker(tmp_path, "tickets_app") as worker, aiohttp.ClientSession() as web:
        address = await logged(worker, r"metrics on (http://\S+)")
        async with web.get(f"{address}/readyz") as answer:
            assert answer.status == 200
        async with web.get(f"{address}/metrics") as answer:
            assert "streamproc_lag_records" in await answer.text()
        assert await terminate(worker) == 0
