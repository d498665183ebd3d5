"""Run Debian's prometheus-alertmanager on loopback, and collect its notifications."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

ADDRESS = "127.0.0.1"
BINARIES = ("prometheus-alertmanager", "alertmanager")
START_SECONDS = 60.0


def alertmanager_binary() -> str | None:
    """Find the server, if it is installed."""
    return next(filter(None, map(shutil.which, BINARIES)), None)


@dataclass
class Alertmanager:
    """A running server."""

    url: str
    session: aiohttp.ClientSession
    notifications: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    async def get(self, path: str) -> Any:
        """Read from its API v2."""
        async with self.session.get(f"{self.url}/api/v2/{path}") as answer:
            assert answer.status == 200
            return await answer.json()

    async def post(self, path: str, body: Any) -> None:
        """Write to its API v2."""
        async with self.session.post(f"{self.url}/api/v2/{path}", json=body) as answer:
            assert answer.status == 200

    async def notified(self, status: str) -> dict[str, Any]:
        """Wait for the next notification with a status."""
        while True:
            found = await asyncio.wait_for(self.notifications.get(), START_SECONDS)
            if found["status"] == status:
                return found


@asynccontextmanager
async def running_alertmanager(binary: str, folder: Path) -> AsyncIterator[Alertmanager]:
    """Run a server that groups by model, and notifies at once, until the block ends."""
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        port = free.getsockname()[1]
    async with aiohttp.ClientSession() as session:
        server = Alertmanager(f"http://{ADDRESS}:{port}", session)
        async with _hook(server) as hook:
            route = {"receiver": "us", "group_by": ["model"], "group_wait": "1s"}
            route |= {"group_interval": "1s", "repeat_interval": "1h"}
            receiver = {"name": "us", "webhook_configs": [{"url": hook}]}
            config = folder / "alertmanager.yml"
            config.write_text(yaml.safe_dump({"route": route, "receivers": [receiver]}))
            process = await asyncio.create_subprocess_exec(
                binary,
                f"--config.file={config}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={ADDRESS}:{port}",
                "--cluster.listen-address=",
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                await asyncio.wait_for(_ready(server, process), START_SECONDS)
                yield server
            finally:
                process.terminate()
                await process.wait()


async def _ready(server: Alertmanager, process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        try:
            async with server.session.get(f"{server.url}/-/ready") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError(f"alertmanager ended with {process.returncode}")


@asynccontextmanager
async def _hook(server: Alertmanager) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        server.notifications.put_nowait(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, ADDRESS, 0).start()
        yield f"http://{ADDRESS}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
