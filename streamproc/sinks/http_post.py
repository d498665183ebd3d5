"""Sends a webhook: to an address that was checked as it is connected to, once, with an end."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver

from streamproc.errors import StreamprocError
from streamproc.sinks.target import EgressPolicy, TargetRefusedError, check_address, check_url


class PostError(StreamprocError):
    """A webhook was not delivered, or nobody knows whether it was.

    Send it again later: receivers drop what they have by its `alert_id`. The message does not
    repeat the URL, whose path is often a secret.
    """


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said: its status, the beginning of its text, and its `Retry-After`."""

    status: int
    text: bytes
    retry_after: str | None = None


Post = Callable[[str, bytes], Awaitable[Answer]]
"""Sends a JSON body to a URL."""

Headers = Callable[[bytes], Mapping[str, str]]
"""Gives what else is said of a body, such as its signature."""


@asynccontextmanager
async def open_post(
    rules: EgressPolicy,
    *,
    tls: ssl.SSLContext | None = None,
    resolver: AbstractResolver | None = None,
    headers: Headers = lambda _: {},
) -> AsyncIterator[Post]:
    """Give what sends webhooks until the block ends.

    A name is resolved once for each delivery, and the very addresses that came of it are checked
    and connected to: a second answer of a name server, which might be another, is not asked for.

    Parameters
    ----------
    rules
        What may be sent to, and how much of it.
    tls
        Whom to trust; None: the system's authorities.
    resolver
        Of names; None: the system's.
    headers
        What else is said of each body.
    """

    def connect(info: Any) -> socket.socket:
        family, kind, protocol, _, place = info
        check_address(ipaddress.ip_address(str(place[0]).partition("%")[0]), rules)
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        ssl=tls or ssl.create_default_context(),
        resolver=resolver,
        use_dns_cache=False,
        force_close=True,  # the next delivery is checked as this one
        socket_factory=connect,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        trust_env=False,  # a proxy would connect to who knows where
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # a short answer stays one
        timeout=aiohttp.ClientTimeout(total=rules.seconds),
    ) as session:

        async def post(url: str, body: bytes) -> Answer:
            return await _post(session, rules, url, body, headers(body))

        yield post


async def _post(
    session: aiohttp.ClientSession,
    rules: EgressPolicy,
    url: str,
    body: bytes,
    more: Mapping[str, str],
) -> Answer:
    target = check_url(url, rules)
    if len(body) > rules.request_bytes:
        raise PostError(
            f"webhook not sent: {len(body)} bytes exceed the limit of {rules.request_bytes}"
        )
    headers = {"Content-Type": "application/json", **more}
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


async def _beginning(stream: aiohttp.StreamReader, most: int) -> bytes:
    parts: list[bytes] = []
    left = most
    while left > 0 and (part := await stream.read(left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
