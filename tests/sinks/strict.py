"""A receiver over TLS that checks what it gets and refuses it as the real one does."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from sinks.receiver import ADDRESS, server_tls

from streamproc.config.load import load
from streamproc.incidents.book import IncidentBook
from streamproc.schemas.alerts import AlertEvent
from streamproc.sinks.delivery import Delivery
from streamproc.sinks.metrics import WebhookMetrics
from streamproc.sinks.targets import Target, targets_of


@dataclass(frozen=True)
class Posted:
    """A request that a receiver got."""

    path: str
    headers: Mapping[str, str]
    body: Any


Check = Callable[[Posted], tuple[int, str]]
"""Returns the status and body of the answer."""


@dataclass
class Strict:
    """A running receiver, and what it accepted and refused."""

    port: int
    ca_file: Path
    accepted: list[Posted] = field(default_factory=list)
    refused: list[tuple[Posted, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"https://{ADDRESS}:{self.port}"

    def settings(self, kind: str, **more: Any) -> dict[str, Any]:
        """Return the configuration of a sink of this receiver; it gets each alert."""
        once = {} if kind == "alertmanager" else {"once": "alert"}
        return {
            "name": kind,
            "kind": kind,
            **once,
            "networks": ["127.0.0.0/8"],
            "ca_file": str(self.ca_file),
            **more,
        }


@asynccontextmanager
async def strict_receiver(pair: tuple[Path, Path], check: Check) -> AsyncIterator[Strict]:
    """Run a receiver until the block ends."""

    async def handle(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        posted = Posted(request.raw_path, request.headers, body)
        status, text = check(posted)
        if status < 300:
            ours.accepted.append(posted)
        else:
            ours.refused.append((posted, text))
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_route("*", "/{_:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, ADDRESS, 0, ssl_context=server_tls(*pair)).start()
        ours = Strict(runner.addresses[0][1], pair[0])
        yield ours
    finally:
        await runner.cleanup()


def target_of(settings: Mapping[str, Any]) -> Target:
    """Return the target of one sink."""
    [target] = targets_of(load({"sinks": [dict(settings)]}))
    return target


@dataclass
class Delivered:
    """Counters after a delivery."""

    registry: CollectorRegistry
    name: str

    def count(self, metric: str, **labels: str) -> float | None:
        """Return a counter of the sink."""
        sample = f"streamproc_webhook_{metric}_total"
        return self.registry.get_sample_value(sample, {"webhook": self.name, **labels})


async def deliver(target: Target, *alerts: AlertEvent) -> Delivered:
    """Deliver alerts as a worker does, one after another; or the pages of their incidents."""
    registry = CollectorRegistry()
    name = target.settings.name
    async with target.open_send() as send:
        delivery = Delivery(target, send, WebhookMetrics(registry).of(name))
        for value in (
            _pages(alerts) if target.follows_incidents else map(AlertEvent.to_json, alerts)
        ):
            await delivery.take(value, 0.0)
    return Delivered(registry, name)


def _pages(alerts: Iterable[AlertEvent]) -> Iterator[bytes]:
    """Yield what the topic `incidents` has for alerts; pages do not wait for other models."""
    book = IncidentBook(timedelta())
    for alert in alerts:
        book.apply(alert, alert.detected_at)
        yield from (state.to_json() for state in book.take_changes().values() if state)
