"""Serves `/metrics`, `/healthz` and `/readyz` on the worker's own event loop.

Nothing can be changed here: what is to be done is told by signed commands on the control topic.
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

# A client that does not read its answer must not hold up the end.
SHUTDOWN_SECONDS: Final = 1.0

State = Callable[[], str | None]
"""None when all is well, else what is not."""


class ServeError(StreamprocError):
    """The HTTP address cannot be listened on; the message says which setting to change."""


def application(
    registry: CollectorRegistry, healthy: State, ready: State, token: SecretStr | None = None
) -> web.Application:
    """Make the application.

    Parameters
    ----------
    registry
        What `/metrics` shows.
    healthy, ready
        What `/healthz` and `/readyz` answer: 200 and "ok", or 503 and the reason.
    token
        What a reader has to show, as ``Authorization: Bearer``; None asks nobody. Probes without
        it are answered as to how it is, and not why.
    """

    async def metrics(request: web.Request) -> web.Response:
        if not _known(request, token):
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": "Bearer"})
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    def answer(state: State) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handler(request: web.Request) -> web.Response:
            trouble = state()
            if trouble is None:
                return web.Response(text="ok\n")
            told = trouble if _known(request, token) else "not ok"
            return web.Response(text=f"{told}\n", status=503)

        return handler

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", answer(healthy))
    app.router.add_get("/readyz", answer(ready))
    return app


def _known(request: web.Request, token: SecretStr | None) -> bool:
    """Whether a request shows the token, in a time that does not tell how much of it is right."""
    if token is None:
        return True
    shown = request.headers.get("Authorization", "").encode(errors="surrogateescape")
    wanted = f"Bearer {token.get_secret_value()}".encode()
    return hmac.compare_digest(shown, wanted)


@asynccontextmanager
async def serve(app: web.Application, http: Http | None) -> AsyncIterator[int | None]:
    """Listen as configured; give the port, None when HTTP is off.

    Raises
    ------
    ServeError
        If the address is taken or not ours.
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
            # Event loops put the address into their own text.
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error
            raise ServeError(
                f"cannot listen on http.host {http.host}, http.port {http.port}: "
                f"{reason}; choose another port, or 0 for any free one"
            ) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
