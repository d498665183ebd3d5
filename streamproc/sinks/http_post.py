"""Send a webhook once, with a timeout, to an address that is checked on connect."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from streamproc.errors import StreamprocError
from streamproc.sinks.sink import Answer, Request, Send
from streamproc.sinks.target import EgressPolicy, TargetRefusedError, check_address, check_url


class PostError(StreamprocError):
    """A webhook was not delivered, or it is unknown whether it was.

    Send it again later: receivers drop duplicates by `alert_id`. The message does not repeat the
    URL: its path is often a secret.
    """


class RequestTooLargeError(PostError):
    """The rendered alert is larger than `max_bytes`; nothing was sent.

    Raise `max_bytes` of the sink, if its receiver takes more.
    """


@asynccontextmanager
async def open_post(
    rules: EgressPolicy,
    *,
    tls: ssl.SSLContext | None = None,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[Send]:
    """Yield a function that sends webhooks until the block ends.

    A name is resolved once per delivery, and exactly these addresses are checked and connected to:
    a second DNS query could return another address.

    Parameters
    ----------
    rules
        Permitted targets and sizes.
    tls
        Trusted authorities; None: the system's.
    resolver
        DNS resolver; None: the system's.
    """

    def connect(info: Any) -> socket.socket:
        family, kind, protocol, _, place = info
        check_address(ipaddress.ip_address(str(place[0]).partition("%")[0]), rules)
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        ssl=tls or ssl.create_default_context(),
        resolver=resolver,
        use_dns_cache=False,
        force_close=True,  # so that each delivery checks its address
        socket_factory=connect,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        trust_env=False,  # a proxy would connect to unchecked addresses
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # a small response must not expand
        timeout=aiohttp.ClientTimeout(total=rules.seconds),
    ) as session:

        async def post(request: Request) -> Answer:
            return await _post(session, rules, request)

        yield post


async def _post(session: aiohttp.ClientSession, rules: EgressPolicy, request: Request) -> Answer:
    target, body = check_url(request.url, rules), request.body
    if len(body) > rules.request_bytes:
        raise RequestTooLargeError(
            f"webhook not sent: {len(body)} bytes exceed the limit of {rules.request_bytes}"
        )
    headers = {"Content-Type": "application/json", **request.headers}
    try:
        async with session.post(
            target, data=body, headers=headers, allow_redirects=False
        ) as answer:
            if 300 <= answer.status < 400:
                raise TargetRefusedError(
                    f"webhook target refused: {target.host} redirects; configure the final URL"
                )
            text = await _beginning(answer.content, rules.answer_bytes)
    except TimeoutError as error:
        raise PostError(
            f"webhook to {target.host}: no answer within {rules.seconds:.0f} s"
        ) from error
    except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
        raise PostError(f"webhook to {target.host}: {type(error).__name__}") from error
    return Answer(answer.status, text, answer.headers.get("Retry-After"))


async def _beginning(stream: aiohttp.StreamReader, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    left = max_bytes
    while left > 0 and (part := await stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
