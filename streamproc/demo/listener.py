"""Reads the alerts of the story as anybody would, and shows each at once."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from streamproc.client import Alerts
from streamproc.contract.alerts import AlertEvent
from streamproc.contract.config import Config
from streamproc.demo.show import Show


class Listener:
    """Shows alerts as they come.

    Parameters
    ----------
    alerts
        Where they come from.
    show
        Where to; another may take its place later.
    """

    def __init__(self, alerts: Alerts, show: Show) -> None:
        self.show = show
        self._alerts = alerts
        self._shown: set[str] = set()
        self._more = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    async def failed(self) -> None:
        """Wait until it cannot go on, and raise why."""
        await asyncio.shield(self._task)

    async def until_shown(self, alerts: Iterable[AlertEvent]) -> None:
        """Wait until each of these was shown."""
        wanted = {alert.alert_id for alert in alerts}
        while not wanted <= self._shown:
            self._more.clear()
            await self._more.wait()

    async def stop(self) -> None:
        """End it."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        async for alert in self._alerts:
            self.show.alert(alert)
            self._shown.add(alert.alert_id)
            self._more.set()


@asynccontextmanager
async def listening(config: Config, show: Show) -> AsyncIterator[Listener]:
    """Show alerts until the block ends."""
    async with Alerts(config=config) as alerts:
        listener = Listener(alerts, show)
        try:
            yield listener
        finally:
            await listener.stop()
