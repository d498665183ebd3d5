"""Receivers of webhooks: servers over TLS on loopback, with a certificate of the test's own."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from streamproc.schemas.alerts import AlertEvent

ADDRESS = "127.0.0.1"


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate that signs itself, such as for ``IP:127.0.0.1``, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={ADDRESS}".split()
    names = ["-addext", f"subjectAltName={name}", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command, *names], check=True, capture_output=True)  # noqa: S603
    return cert, key


def server_tls(cert: Path, key: Path) -> ssl.SSLContext:
    """Return what a server shows."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    return tls


@dataclass
class Receiver:
    """A server, what it answers, and what it got.

    Attributes
    ----------
    answers
        Statuses, one after another; the last one for ever. None: no answer at all.
    headers
        Of each answer.
    seconds
        How long it thinks first.
    got
        Headers and body of each request, in their order.
    """

    port: int
    ca_file: Path
    answers: Sequence[int | None]
    headers: Mapping[str, str]
    seconds: float
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The ids of the alerts that it got, whatever it answered."""
        return [AlertEvent.from_json(body).alert_id for _, body in self.got]

    def section(self, name: str, **more: Any) -> dict[str, Any]:
        """Return what a config says to send there."""
        return {
            "name": name,
            "url": f"https://{ADDRESS}:{self.port}/{name}",
            "allow": [f"{ADDRESS}:{self.port}"],
            "networks": ["127.0.0.0/8"],
            "ca_file": str(self.ca_file),
            **more,
        }


@asynccontextmanager
async def receiving(
    pair: tuple[Path, Path],
    *answers: int | None,
    headers: Mapping[str, str] | None = None,
    seconds: float = 0.0,
) -> AsyncIterator[Receiver]:
    """Run a receiver with a certificate until the block ends; without answers it says 200."""
    never = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        ours.got.append((request.headers, await request.read()))
        status = ours.answers[min(len(ours.got), len(ours.answers)) - 1]
        await asyncio.sleep(ours.seconds)
        if status is None:
            await never.wait()
        return web.Response(status=status or 200, headers=ours.headers)

    app = web.Application()
    app.router.add_post("/{_:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, ADDRESS, 0, ssl_context=server_tls(*pair)).start()
        ours = Receiver(runner.addresses[0][1], pair[0], answers or (200,), headers or {}, seconds)
        yield ours
    finally:
        never.set()
        await runner.cleanup()
