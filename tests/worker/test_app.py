"""The Faust application of a worker."""

from typing import Any

import pytest
from faust.tables import TableManager
from mode import Service
from worker.running import own_config, worker_of

from streamproc.broker import EmbeddedBroker


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
