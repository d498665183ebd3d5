"""Send an e-mail with the standard library, to an address that is checked on connect."""

import asyncio
import ipaddress
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from pydantic import SecretStr

from streamproc.config.sinks.email import EmailSection
from streamproc.errors import StreamprocError
from streamproc.sinks.http_target import egress_policy, tls_of
from streamproc.sinks.sink import Answer, OpenSend, Request, Send
from streamproc.sinks.target import EgressPolicy, check_address


class SmtpError(StreamprocError):
    """An e-mail was not delivered, or it is unknown whether it was. Send it again later."""


class Login(NamedTuple):
    """User and password of the server."""

    username: str
    password: SecretStr


def smtp_opener(section: EmailSection, login: Login | None, field: str) -> OpenSend:
    """Check the certificates now; return what sends later.

    Raises
    ------
    ConfigError
        If the certificates cannot be read.
    """
    rules = egress_policy(section, (), plain=section.tls == "none")
    tls = tls_of(section, field)

    @asynccontextmanager
    async def open_send() -> AsyncIterator[Send]:
        async def send(request: Request) -> Answer:
            # One connection for each e-mail: alerts are few, and servers end idle connections.
            work = asyncio.to_thread(_send, section, rules, tls, login, request.body)
            try:
                return await asyncio.wait_for(work, rules.seconds)
            except TimeoutError as error:
                raise SmtpError(
                    f"e-mail to {section.host}: no answer within {rules.seconds:.0f} s"
                ) from error
            except (OSError, smtplib.SMTPException) as error:
                raise SmtpError(f"e-mail to {section.host}: {type(error).__name__}") from error

        yield send

    return open_send


def _send(
    section: EmailSection,
    rules: EgressPolicy,
    tls: ssl.SSLContext,
    login: Login | None,
    message: bytes,
) -> Answer:
    """Deliver a message; return the server's last answer."""
    try:
        with _connect(section, rules, tls) as server:
            if section.tls == "starttls":
                server.starttls(context=tls)
            if login is not None:
                server.login(login.username, login.password.get_secret_value())
            refused = server.sendmail(section.sender, section.to, message)
    except smtplib.SMTPRecipientsRefused as error:
        return _worst(error.recipients)
    except smtplib.SMTPResponseException as error:
        return Answer(error.smtp_code, _bytes(error.smtp_error))
    except smtplib.SMTPNotSupportedError as error:  # the server has no STARTTLS or no login
        return Answer(554, str(error).encode())
    if refused:  # the others have it; sending it again would repeat theirs
        refusal = _worst(refused)
        return Answer(250, b"without some recipients: " + refusal.text)
    return Answer(250, b"")


def _connect(section: EmailSection, rules: EgressPolicy, tls: ssl.SSLContext) -> smtplib.SMTP:
    if section.tls == "implicit":
        return _CheckedTls(rules, section.host, section.port, timeout=rules.seconds, context=tls)
    return _Checked(rules, section.host, section.port, timeout=rules.seconds)


def _open(rules: EgressPolicy, host: str, port: int, seconds: float) -> socket.socket:
    """Connect to the first address that answers, after checking each of them."""
    failure: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        check_address(ipaddress.ip_address(str(place[0]).partition("%")[0]), rules)
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(seconds)
        try:
            sock.connect(place)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


class _Checked(smtplib.SMTP):
    def __init__(self, rules: EgressPolicy, *args: Any, **settings: Any) -> None:
        self._rules = rules
        super().__init__(*args, **settings)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return _open(self._rules, host, port, timeout)


class _CheckedTls(smtplib.SMTP_SSL):
    def __init__(self, rules: EgressPolicy, *args: Any, **settings: Any) -> None:
        self._rules = rules
        super().__init__(*args, **settings)

    def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
        sock = _open(self._rules, host, port, timeout)
        return self.context.wrap_socket(sock, server_hostname=host)


def _worst(recipients: dict[str, tuple[int, bytes]]) -> Answer:
    """Return the answer for all recipients: one that may pass counts more than one that stays."""
    code, text = min(recipients.values())
    return Answer(code, _bytes(text))


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
