import asyncio
import logging
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streamproc.broker import EmbeddedBroker
from streamproc.config.security import Security
from streamproc.kafka import connectivity as module
from streamproc.kafka.connectivity import probe
from streamproc.kafka.errors import BrokerAuthError, BrokerUnreachableError
from streamproc.kafka.security import client_options

HOST = "127.0.0.1"
PLAIN = {"security_protocol": "PLAINTEXT"}


def _closed_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@asynccontextmanager
async def _server(*, silent: bool) -> AsyncIterator[str]:
    """Listen on a port, and say nothing or hang up."""
    connections: list[asyncio.StreamWriter] = []

    async def _answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        if not silent:
            writer.close()

    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        for connection in connections:
            connection.close()
        server.close()


async def test_a_broker_that_answers_is_found_among_dead_ones(
    embedded_broker: EmbeddedBroker,
) -> None:
    """One living address is enough, wherever it stands in the list."""
    async with _server(silent=True) as silent:
        addresses = [_closed_port(), silent, embedded_broker.bootstrap]
        assert await probe(addresses, PLAIN) == embedded_broker.bootstrap


async def test_a_closed_port_is_named_with_advice() -> None:
    """When nobody listens the error has the address, the reason and what to check."""
    address = _closed_port()
    with pytest.raises(BrokerUnreachableError, match="Connection refused; check --broker") as info:
        await probe([address], PLAIN)
    assert address in str(info.value)


async def test_a_name_that_does_not_resolve_is_named() -> None:
    """A host that does not exist is an error of ours, not of the resolver."""
    with pytest.raises(BrokerUnreachableError, match=r"nosuch\.invalid:9092"):
        await probe(["nosuch.invalid:9092"], PLAIN)


async def test_a_silent_port_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that accepts and says nothing ends in an error, not in waiting."""
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.05)
    async with _server(silent=True) as address:
        with pytest.raises(BrokerUnreachableError, match="no answer from"):
            await probe([address], PLAIN)


async def test_a_port_that_hangs_up_is_told_from_a_silent_one() -> None:
    """A server that closes the connection is asked about TLS and SASL in the message."""
    async with _server(silent=False) as address:
        with pytest.raises(BrokerUnreachableError, match="expect TLS or SASL"):
            await probe([address], PLAIN)


async def test_the_client_says_nothing_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """The Kafka client logs nothing while we find out, and may log again afterwards."""
    with caplog.at_level(logging.DEBUG), pytest.raises(BrokerUnreachableError):
        await probe([_closed_port()], PLAIN)
    assert not [record for record in caplog.records if record.name.startswith("aiokafka")]
    assert logging.getLogger("aiokafka").isEnabledFor(logging.ERROR)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of certificates that sign themselves: good, late, and of another name."""
    folder, program = tmp_path_factory.mktemp("certificates"), shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl to make certificates with")
    for name, days, address in (("good", 2, HOST), ("late", -1, HOST), ("other", 2, "127.9.9.9")):
        (folder / "names").write_text(f"subjectAltName=IP:{address}")
        key, request, made = (f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        new = f"req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {key} -out {request}"
        sign = f"x509 -req -in {request} -signkey {key} -days {days} -extfile names -out {made}"
        for command in (new, sign):
            words = [program, *command.split()]
            subprocess.run(words, check=True, capture_output=True, cwd=folder)  # noqa: S603
    return folder


@pytest.mark.parametrize(
    ("shown", "trusted", "told"),
    [
        ("good", None, "; put the certificate of the authority"),
        ("late", "late", "expired; renew the broker's certificate, or correct"),
        ("other", "other", "; use an address that it names, or set security.check_hostname"),
    ],
)
async def test_what_is_wrong_with_a_certificate_says_what_to_do(
    certificates: Path, shown: str, trusted: str | None, told: str
) -> None:
    """An unknown authority, a certificate that is too old and one of another name differ."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / f"{shown}.pem", certificates / f"{shown}.key")
    server = await asyncio.start_server(lambda _, writer: writer.close(), HOST, 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    file = None if trusted is None else str(certificates / f"{trusted}.pem")
    options = client_options(Security(protocol="SSL", ca_file=file))
    async with server:
        with pytest.raises(BrokerAuthError) as refused:
            await probe([f"{HOST}:{port}"], options)
    assert f"the certificate of {HOST}:{port} is not trusted: " in str(refused.value)
    assert told in str(refused.value)
