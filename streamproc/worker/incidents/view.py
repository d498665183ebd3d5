"""Follow the topic `incidents`: what is silenced, and what belongs together."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from streamproc.config.config import Config
from streamproc.incidents.records import StoredBook
from streamproc.incidents.standing import Standing, Standings
from streamproc.kafka.clients import open_consumer
from streamproc.schemas.alert_marks import AlertMarks
from streamproc.schemas.alerts import AlertEvent

RETRY_SECONDS: Final = 5.0
# The owner orders an alert within a fraction of a second. Without an owner a sink sends it.
PATIENCE_SECONDS: Final = 2.0
# Long, as nothing changes most of the time; a broker that does not hold fetches has the same delay,
# and commands of people are obeyed within 2 s.
_HOLD_MS: Final = 1500

_log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class IncidentView:
    """The standings of all alerts, as far as the topic `incidents` was read.

    Parameters
    ----------
    config
        The whole configuration.
    clock
        The wall clock, by which silences begin and end.
    """

    def __init__(self, config: Config, clock: Callable[[], datetime] = _now) -> None:
        self._config = config
        self._clock = clock
        self._standings = Standings()
        self._news = asyncio.Condition()
        self._patient = True
        self._complete = asyncio.Event()

    async def run(self) -> None:
        """Read until cancelled; log errors and retry from the start of the topic."""
        topic = self._config.topics.full_name("incidents")
        while True:
            try:
                await self._read(topic)
            except Exception as error:  # noqa: BLE001  a reader must not stop the worker
                _log.warning(
                    "cannot read topic %s: retrying in %.0f s; silences set meanwhile are not"
                    " obeyed (%r)",
                    *(topic, RETRY_SECONDS, error),
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def standing(self, alert: AlertEvent) -> Standing:
        """Return where an alert stands; wait a moment for the incident of a new one."""
        if alert.status == "firing" and self._patient and not self._standings.knows(alert):
            await self._wait_for(alert)
        return self._standings.of(alert, self._clock())

    async def marks(self, alert: AlertEvent) -> AlertMarks:
        """Return what keeps an alert from paging, as far as it is known now.

        It does not wait for the incident of the alert, which would delay its publication. Only the
        first call may wait until the topic was read once, for `PATIENCE_SECONDS` at most.
        """
        if not self._complete.is_set():
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._complete.wait()
            except TimeoutError:
                self._complete.set()
        standing = self._standings.of(alert, self._clock())
        return AlertMarks(standing.silences, standing.inhibited_by)

    async def _wait_for(self, alert: AlertEvent) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._news:
                await self._news.wait_for(lambda: self._standings.knows(alert))
        except TimeoutError:
            # Nobody owns the incidents: the next alert would wait in vain as well.
            self._patient = False

    async def _read(self, topic: str) -> None:
        stored = StoredBook()
        async with open_consumer(self._config, topic, fetch_max_wait_ms=_HOLD_MS) as consumer:
            ends = await consumer.end_offsets(consumer.assignment())
            while True:
                if not self._complete.is_set():
                    behind = [await consumer.position(each) < end for each, end in ends.items()]
                    if not any(behind):
                        self._complete.set()
                for records in (await consumer.getmany(timeout_ms=_HOLD_MS)).values():
                    async with self._news:
                        self._standings.update(stored.feed(records))
                        self._patient = True
                        self._news.notify_all()
