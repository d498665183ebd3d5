"""Deliver alerts to an SMTP server of the tests."""

import socket
import ssl
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from alert_factory import alert
from sinks.strict import deliver, target_of

from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.sinks.targets import Target

PASSWORD = "T0KEN-T0KEN"  # noqa: S105  made up


class Mailbox:
    """What the server got; recipients of `nobody@` are refused."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []
        self.answers: list[str] = []

    async def handle_RCPT(  # noqa: N802  the name of aiosmtpd
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Refuse unknown recipients."""
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802  the name of aiosmtpd
        self, _server: Any, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a message, unless the test wants another answer."""
        if self.answers:
            return self.answers.pop()
        assert isinstance(envelope.content, bytes)
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def mailbox() -> Mailbox:
    """Return an empty mailbox."""
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox, loopback_certificate: tuple[Path, Path]) -> Iterator[int]:
    """Run a server with STARTTLS and a login; return its port."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*loopback_certificate)

    def login(*given: Any) -> AuthResult:
        data = given[-1]
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=tls,
        require_starttls=True,
        authenticator=login,
    )
    controller.start()
    try:
        yield int(controller.port)
    finally:
        controller.stop()


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def target(port: int, certificate: tuple[Path, Path], **fields: Any) -> Target:
    """Return the target of the server."""
    sink = {
        "name": "mail",
        "kind": "email",
        "host": "127.0.0.1",
        "port": port,
        "sender": "streamproc@example.org",
        "to": ["on-call@example.org", "risk@example.org"],
        "username": "streamproc",
        "password_env": "SMTP_PASSWORD",
        "networks": ["127.0.0.0/8"],
        "ca_file": str(certificate[0]),
    }
    return target_of(sink | {"once": "alert"} | fields)


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the password."""
    monkeypatch.setenv("SMTP_PASSWORD", PASSWORD)


async def test_an_incident_is_one_thread(
    server: int, mailbox: Mailbox, loopback_certificate: tuple[Path, Path]
) -> None:
    """E-mails say what changed, are readable in any script, and refer to their incident."""
    message = "amount rose from 41.2 to 4120 \N{GREEK SMALL LETTER SIGMA}"
    delivered = await deliver(
        target(server, loopback_certificate),
        alert("a", incident_id="i", message=message, severity="critical"),
        alert("b", incident_id="i", status="resolved"),
    )
    assert delivered.count("delivered") == 2
    first, second = mailbox.got
    assert first["Subject"] == "FIRING fraud feature:amount"
    assert second["Subject"] == "RESOLVED fraud feature:amount"
    assert first["To"] == "on-call@example.org, risk@example.org"
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    assert message in first.get_content()
    assert "model: fraud" in first.get_content()


async def test_a_name_injects_no_header(
    server: int, mailbox: Mailbox, loopback_certificate: tuple[Path, Path]
) -> None:
    """A line break in a feature's name stays in the subject."""
    series = "feature:a\r\nBcc: thief@example.org"
    await deliver(target(server, loopback_certificate), alert("a", series=series))
    [got] = mailbox.got
    assert got["Bcc"] is None
    assert "thief@example.org" in got["Subject"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"to": ["nobody@example.org"]}, "answered 550: 5.1.1 no such user"),
        ({"username": "x", "password_env": "OTHER"}, "answered 535: 5.7.8 Authentication"),
    ],
)
async def test_a_refusal_has_the_servers_reason(
    fields: dict[str, Any],
    reason: str,
    server: int,
    loopback_certificate: tuple[Path, Path],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A 5xx is a refusal, and the log has its text."""
    monkeypatch.setenv("OTHER", "wrong-password")
    delivered = await deliver(target(server, loopback_certificate, **fields), alert("a"))
    assert f"alert 'a' dropped: refused: {reason}" in caplog.text
    assert delivered.count("dropped", reason="refused") == 1


async def test_a_full_mailbox_is_tried_again(
    server: int,
    mailbox: Mailbox,
    loopback_certificate: tuple[Path, Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A 4xx may pass: the e-mail waits."""
    mailbox.answers = ["452 4.2.2 mailbox full"]
    delivered = await deliver(target(server, loopback_certificate), alert("a"))
    assert delivered.count("failures") == 1
    assert delivered.count("dropped", reason="refused") == 0
    assert "answered 452: 4.2.2 mailbox full; retrying" in caplog.text


async def test_no_password_without_a_trusted_certificate(
    server: int, mailbox: Mailbox, loopback_certificate: tuple[Path, Path]
) -> None:
    """A server with an unknown certificate gets neither password nor e-mail."""
    delivered = await deliver(target(server, loopback_certificate, ca_file=None), alert("a"))
    assert delivered.count("failures") == 1
    assert mailbox.got == []


async def test_a_private_server_has_to_be_allowed(
    server: int, mailbox: Mailbox, loopback_certificate: tuple[Path, Path]
) -> None:
    """Addresses are checked as those of webhooks."""
    delivered = await deliver(target(server, loopback_certificate, networks=[]), alert("a"))
    assert delivered.count("failures") == 1
    assert mailbox.got == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"to": []}, "sinks[0].to: expected at least one"),
        ({"to": ["a@b\nBcc: c@d"]}, "sinks[0].to[0]: expected an address"),
        ({"username": "u"}, "sinks[0].password_env: expected this or"),
        ({"password_env": "A"}, "sinks[0].username: is required with a password"),
        ({"username": "u", "password_env": "A", "tls": "none"}, "sinks[0].tls: expected `start"),
    ],
)
def test_settings_that_do_not_fit(fields: dict[str, Any], message: str) -> None:
    """A mistake is an error at its field."""
    sink = {"name": "m", "kind": "email", "host": "h", "sender": "a@b.c", "to": ["a@b.c"]}
    with pytest.raises(ConfigError) as caught:
        load({"sinks": [sink | fields]})
    assert message in str(caught.value)
