"""Accept events by HTTP, and answer once the cluster has confirmed them."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiokafka import AIOKafkaProducer, errors
from prometheus_client import CollectorRegistry, Counter
from pydantic import SecretStr

from streamproc.config.config import Config
from streamproc.config.http_intake import HttpIntake
from streamproc.intake.mapper import NativeEvent
from streamproc.intake.posted import Posted, Reader, RefusedError, UnsupportedTypeError
from streamproc.kafka.clients import REQUEST_SECONDS, open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.worker.http import is_known, serve
from streamproc.worker.intake.admission import Admission
from streamproc.worker.publisher import is_retriable

#: A client that does not send its request must not hold a place for longer.
BODY_SECONDS: Final = 30.0
#: When the client gives up on a record after half a minute, the cluster needs longer than moments.
AWAY_SECONDS: Final = 5
MAX_PROBLEMS: Final = 20

_log = logging.getLogger(__name__)


class HttpIntakeMetrics:
    """Metrics of the events that come by HTTP."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "streamproc_http_intake_requests_total",
            "Requests, by the status of the answer.",
            ["status"],
            registry=registry,
        )
        self.events = Counter(
            "streamproc_http_intake_events_total",
            "Events that the cluster has confirmed, by the native topic.",
            ["to"],
            registry=registry,
        )


class HttpEvents:
    """Answer `POST /events`.

    Parameters
    ----------
    config
        The whole configuration.
    section
        Its limits.
    producer
        Waits for all replicas (``acks=all``).
    metrics
        What is counted.
    token
        Required as ``Authorization: Bearer``; None: not required.

    Attributes
    ----------
    stopped
        Set when no further request is accepted.
    """

    def __init__(
        self,
        config: Config,
        section: HttpIntake,
        producer: AIOKafkaProducer,
        metrics: HttpIntakeMetrics,
        token: SecretStr | None,
    ) -> None:
        self._topics = {
            kind: config.topics.full_name(kind) for kind in ("predictions", "features", "labels")
        }
        self._reader = Reader(config)
        self._max_bytes = section.max_bytes
        self._admission = Admission(section.events_per_second, time.monotonic)
        self._producer = producer
        self._metrics = metrics
        self._token = token
        self._active = time.monotonic()
        self.stopped = asyncio.Event()

    def unhealthy(self) -> str | None:
        """Return None: errors of the cluster are answers to the senders."""

    def unready(self) -> str | None:
        """Return None: it listens before it is a part of the process."""

    def idle_seconds(self) -> float:
        """Return the seconds since the last request; 0 while one is answered."""
        return 0.0 if self._admission.pending else time.monotonic() - self._active

    def application(self) -> web.Application:
        """Build the HTTP application."""
        app = web.Application(client_max_size=self._max_bytes)
        app.router.add_post("/events", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.Response:
        response = await self._response(request)
        self._metrics.requests.labels(str(response.status)).inc()
        return response

    async def _response(self, request: web.Request) -> web.Response:
        if not is_known(request, self._token):
            return _error(401, "the token is missing or wrong", {"WWW-Authenticate": "Bearer"})
        size = request.content_length or self._max_bytes
        if size > self._max_bytes:
            return _error(413, f"more than http_intake.max_bytes ({self._max_bytes})")
        if self.stopped.is_set():
            return _error(503, "stopping", _later(AWAY_SECONDS))
        if wait := self._admission.wait(size):
            return _error(429, f"too many events: try again in {wait} s", _later(wait))
        self._admission.pending += size
        try:
            return await self._accepted(request)
        finally:
            self._admission.pending -= size
            self._active = time.monotonic()

    async def _accepted(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
        except TimeoutError:
            return _error(408, f"the request did not come within {BODY_SECONDS:.0f} s")
        except web.HTTPRequestEntityTooLarge:
            return _error(413, f"more than http_intake.max_bytes ({self._max_bytes})")
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            posted = self._reader.read(headers, body, int(time.time() * 1000))
        except UnsupportedTypeError as error:
            return _error(415, str(error))
        except RefusedError as error:
            self._admission.spend(1)
            return _error(422, "no event was accepted", problems=error.args[:MAX_PROBLEMS])
        self._admission.spend(max(1, len(posted.events)))
        return await self._confirmed(posted)

    async def _confirmed(self, posted: Posted) -> web.Response:
        try:
            await self._publish(posted.events)
        except errors.MessageSizeTooLargeError:
            return _error(413, "an event is larger than its topic allows; some may be accepted")
        except (errors.KafkaError, TimeoutError) as error:
            _log.warning("events by HTTP are not confirmed: %s", str(error) or type(error).__name__)
            if not is_retriable(error):
                return _error(500, f"the cluster refuses the events: {type(error).__name__}")
            return _error(503, "the cluster does not confirm: send again", _later(AWAY_SECONDS))
        for event in posted.events:
            self._metrics.events.labels(event.to).inc()
        return web.json_response({"events": len(posted.events), "skipped": posted.skipped})

    async def _publish(self, events: Sequence[NativeEvent]) -> None:
        """Send events in their order, each to the partition of its model; await all replicas."""
        waiting = [
            await self._producer.send(self._topics[each.to], each.body, key=each.model_id.encode())
            for each in events
        ]
        async with asyncio.timeout(REQUEST_SECONDS + AWAY_SECONDS):  # the client may hang
            results = await asyncio.gather(*waiting, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result


def _later(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


def _error(
    status: int,
    reason: str,
    headers: dict[str, str] | None = None,
    problems: Sequence[str] = (),
) -> web.Response:
    answer: dict[str, object] = {"error": reason}
    if problems:
        answer["problems"] = list(problems)
    return web.json_response(answer, status=status, headers=headers)


@asynccontextmanager
async def accepting(
    config: Config, section: HttpIntake, registry: CollectorRegistry
) -> AsyncIterator[HttpEvents]:
    """Accept events by HTTP until the block ends.

    Raises
    ------
    ServeError
        If the address is in use, or is not one of this host.
    ConfigError
        If the token is not where the configuration says.
    """
    token = section.token("http_intake")
    await ensure_topics(config, ("predictions", "features", "labels"))
    async with open_producer(config) as producer:
        events = HttpEvents(config, section, producer, HttpIntakeMetrics(registry), token)
        async with serve(events.application(), section, "http_intake") as port:
            _log.info("accepting events on http://%s:%s/events", section.host, port)
            yield events
            events.stopped.set()
