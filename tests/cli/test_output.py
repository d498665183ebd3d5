"""Notes and log lines on a disk that is full."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import aiohttp
import yaml
from worker.running import MAIN, PATIENCE, settings

from streamproc.broker import EmbeddedBroker


async def test_a_worker_works_while_its_log_cannot_be_written(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Where standard error is a file on a full disk, only its lines are lost."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(settings(embedded_broker.bootstrap) | {"http": {"port": port}}))
    full = os.open("/dev/full", os.O_WRONLY)
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MAIN, "worker", "--config", str(file)), stderr=full
    )
    os.close(full)
    try:
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
            while await _status(session, port) != 200:
                assert worker.returncode is None
                await asyncio.sleep(0.05)
    finally:
        worker.terminate()
        await worker.wait()


async def _status(session: aiohttp.ClientSession, port: int) -> int | None:
    try:
        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status
    except aiohttp.ClientError:
        return None
