"""Webhooks to a server of this test over TLS, with names that this test resolves."""

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from sinks.receiver import certificate, server_tls

from streamproc.sinks.http_post import PostError, open_post
from streamproc.sinks.sink import Answer, Request
from streamproc.sinks.target import EgressPolicy, TargetRefusedError

HOST = "hooks.example.org"
LOOPBACK = (ip_network("127.0.0.0/8"),)

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl makes the certificate"
)


class Names(AbstractResolver):
    """Resolves a name to the next of some addresses each time."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give one address."""
        self.asked += 1
        address = self.answers[min(self.asked, len(self.answers)) - 1]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
        ]

    async def close(self) -> None:
        """Do nothing."""


@dataclass
class Receiver:
    """A server over TLS on loopback, and what it got."""

    port: int
    tls: ssl.SSLContext
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens, by its name."""
        return f"https://{HOST}:{self.port}"

    def rules(self, **more: Any) -> EgressPolicy:
        """Give rules that allow its name."""
        return EgressPolicy(hosts=(f"{HOST}:{self.port}", f"127.0.0.1:{self.port}"), **more)

    async def post(
        self,
        path: str = "/ok",
        rules: EgressPolicy | None = None,
        *answers: str,
        body: bytes = b"{}",
    ) -> Answer:
        """Send a webhook to it, its name resolved to these addresses."""
        names = Names(*answers or ("127.0.0.1",))
        rules = rules or self.rules(networks=LOOPBACK)
        async with open_post(rules, tls=self.tls, resolver=names) as post:
            return await post(Request(f"{self.url}{path}", body))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Make a certificate for the name, and its key."""
    return certificate(tmp_path_factory.mktemp("tls"), f"DNS:{HOST}")


@pytest.fixture
async def receiver(pair: tuple[Path, Path]) -> AsyncIterator[Receiver]:
    """Run the server."""
    never = asyncio.Event()

    async def handle(request: web.Request) -> web.StreamResponse:
        ours.bodies.append(await request.read())
        if request.path == "/slow":
            await never.wait()
        if request.path == "/redirect":
            raise web.HTTPTemporaryRedirect(f"https://{HOST}:{port}/ok")
        if request.path == "/endless":
            answer = web.StreamResponse()
            await answer.prepare(request)
            while True:
                await answer.write(b"x" * 65_536)
        return web.Response(text="thank you", headers={"Set-Cookie": "a=b"})

    app = web.Application()
    app.router.add_route("*", "/{_:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_tls(*pair)).start()
    port = runner.addresses[0][1]
    ours = Receiver(port, ssl.create_default_context(cafile=str(pair[0])))
    yield ours
    never.set()
    await runner.cleanup()


async def test_an_allowed_target_gets_the_body(receiver: Receiver) -> None:
    """A webhook arrives, and its answer comes back."""
    assert await receiver.post(body=b'{"a": 1}') == Answer(200, b"thank you")
    assert receiver.bodies == [b'{"a": 1}']


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_a_name_of_our_own_network_is_not_connected_to(
    receiver: Receiver, address: str
) -> None:
    """A name on the list that resolves to loopback is refused before a connection is made."""
    with pytest.raises(TargetRefusedError, match="is not public"):
        await receiver.post("/ok", receiver.rules(), address)
    assert receiver.bodies == []


async def test_an_address_in_the_url_is_checked_as_well(receiver: Receiver) -> None:
    """Loopback written as a number is refused, even if that number is on the list of hosts."""
    async with open_post(receiver.rules(), tls=receiver.tls) as post:
        with pytest.raises(TargetRefusedError, match="is not public"):
            await post(Request(f"https://127.0.0.1:{receiver.port}/ok", b"{}"))
    assert receiver.bodies == []


async def test_a_name_that_changes_its_mind_gains_nothing(receiver: Receiver) -> None:
    """Each connection goes to the address that was checked, whatever the name says next."""
    names = Names("127.0.0.1", "10.0.0.1", "127.0.0.1")
    rules = receiver.rules(networks=LOOPBACK)
    async with open_post(rules, tls=receiver.tls, resolver=names) as post:
        assert (await post(Request(f"{receiver.url}/ok", b"1"))).status == 200
        assert names.asked == 1  # checked and connected to in one
        with pytest.raises(TargetRefusedError, match=r"10\.0\.0\.1"):
            await post(Request(f"{receiver.url}/ok", b"2"))
        assert (await post(Request(f"{receiver.url}/ok", b"3"))).status == 200
    assert receiver.bodies == [b"1", b"3"]


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    """A target that sends us elsewhere is refused, and elsewhere hears nothing."""
    with pytest.raises(TargetRefusedError, match="redirects"):
        await receiver.post("/redirect")
    assert len(receiver.bodies) == 1


async def test_a_slow_answer_is_not_waited_for(receiver: Receiver) -> None:
    """A target that does not answer in time is an error without its URL's path."""
    with pytest.raises(PostError, match="no answer within 0 s") as caught:
        await receiver.post("/slow", receiver.rules(networks=LOOPBACK, seconds=0.4))
    assert "/slow" not in str(caught.value)


async def test_an_endless_answer_is_cut(receiver: Receiver) -> None:
    """No more of an answer is read than allowed."""
    answer = await receiver.post("/endless", receiver.rules(networks=LOOPBACK, answer_bytes=1000))
    assert answer == Answer(200, b"x" * 1000)


async def test_a_large_body_is_not_sent(receiver: Receiver) -> None:
    """A body beyond the limit goes nowhere."""
    with pytest.raises(PostError, match="exceed the limit"):
        await receiver.post("/ok", receiver.rules(networks=LOOPBACK, request_bytes=3), body=b"1234")
    assert receiver.bodies == []


async def test_a_certificate_that_nobody_vouches_for(receiver: Receiver) -> None:
    """A target whose certificate is not trusted gets nothing."""
    receiver.tls = ssl.create_default_context()
    with pytest.raises(PostError, match="Certificate"):
        await receiver.post()
    assert receiver.bodies == []


async def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the connection goes is decided here, not by a variable."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert (await receiver.post()).status == 200
