"""Serve `/metrics`, `/healthz` and `/readyz` on the worker's event loop.

The endpoints are read-only: operations are signed commands on the control topic.
"""

import hmac
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from pydantic import SecretStr

from streamproc.config.config import Http
from streamproc.errors import StreamprocError

# A client that does not read its response must not delay the shutdown.
SHUTDOWN_SECONDS: Final = 1.0

State = Callable[[], str | None]
"""Returns None if all is well, else the reason."""


class ServeError(StreamprocError):
    """The HTTP address cannot be used; the message names the setting to change."""


def metrics_address(http: Http | None, port: int | None) -> str:
    """Return the end of a message that names the address of the metrics; empty if there is none."""
    return "" if http is None else f"; metrics on http://{http.host}:{port}"


def application(
    registry: CollectorRegistry, healthy: State, ready: State, token: SecretStr | None = None
) -> web.Application:
    """Build the HTTP application.

    Parameters
    ----------
    registry
        Metrics that `/metrics` returns.
    healthy, ready
        Status of `/healthz` and `/readyz`: 200 and "ok", or 503 and the reason.
    token
        Required as ``Authorization: Bearer``; None: not required. Probes without it get the
        status and not the reason.
    """

    async def metrics(request: web.Request) -> web.Response:
        if not is_known(request, token):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    def answer(state: State) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            trouble = state()
            if trouble is None:
                return web.Response(text="ok\n")
            reason = trouble if is_known(request, token) else "not ok"
            return web.Response(text=f"{reason}\n", status=503)

        return handler

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", answer(healthy))
    app.router.add_get("/readyz", answer(ready))
    return app


def is_known(request: web.Request, token: SecretStr | None) -> bool:
    """Whether a request has the token, compared in constant time."""
    if token is None:
        return True
    shown = request.headers.get("Authorization", "").encode(errors="surrogateescape")
    wanted = f"Bearer {token.get_secret_value()}".encode()
    return hmac.compare_digest(shown, wanted)


@asynccontextmanager
async def serve(
    app: web.Application, http: Http | None, section: str = "http"
) -> AsyncIterator[int | None]:
    """Listen as configured; yield the port, or None if HTTP is off.

    `section` is where the configuration says so, for messages.

    Raises
    ------
    ServeError
        If the address is in use, or is not one of this host.
    """
    if http is None:
        yield None
        return
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, http.host, http.port)
        try:
            await site.start()
        except OSError as error:
            # Event loops repeat the address in their message.
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error
            raise ServeError(
                f"cannot listen on {section}.host {http.host}, {section}.port {http.port}: "
                f"{reason}; choose another port, or 0 for any free one"
            ) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
