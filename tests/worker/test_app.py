"""The Faust application of a worker."""

from collections.abc import Callable
from typing import Any

import pytest
from faust.tables import TableManager
from mode import Service
from worker.running import own_config, worker_of

from streamproc.broker import EmbeddedBroker
from streamproc.driver import poll


async def test_a_start_waits_for_no_tables(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker joins its group without the pause in which Faust lets tables be declared."""
    waiting: list[Service] = []
    sleep = Service.sleep

    async def noted(service: Service, *seconds: Any) -> None:
        waiting.append(service)
        await sleep(service, *seconds)

    monkeypatch.setattr(Service, "sleep", noted)
    async with worker_of(own_config(embedded_broker.bootstrap)):
        pass
    assert waiting
    assert not [service for service in waiting if isinstance(service, TableManager)]


async def test_fetches_wait_as_long_as_the_config_says(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`limits.linger` is what the pauses between a worker's fetches are limited to."""
    lingers: list[Callable[[], float]] = []
    monkeypatch.setattr(poll, "pace_fetches", lambda _consumer, linger: lingers.append(linger))
    async with worker_of(own_config(embedded_broker.bootstrap, limits={"linger": "80ms"})):
        assert [linger() for linger in lingers] == [0.08]
