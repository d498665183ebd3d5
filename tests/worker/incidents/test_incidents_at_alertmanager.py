"""Incidents across models at the real Alertmanager."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents.logs import fired
from sinks.alertmanager_server import Alertmanager, alertmanager_binary, running_alertmanager
from worker.incidents.test_incidents_worker import SECRET, becomes, config_of, put
from worker.running import PATIENCE, worker_of

from streamproc.client.control import send_command
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics

pytestmark = pytest.mark.skipif(
    alertmanager_binary() is None, reason="no Alertmanager is installed"
)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL", SECRET)


async def shown(server: Alertmanager, number: int, **annotations: str) -> list[dict[str, Any]]:
    """Wait until a number of alerts with some annotations is active; return them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            active = await server.get("alerts?active=true")
            found = [each for each in active if annotations.items() <= each["annotations"].items()]
            if len(active) == len(found) == number:
                return found


async def prepared(bootstrap: str, server: Alertmanager) -> Config:
    """Return a config whose only sink is a server that gets incidents."""
    sink = {"name": "am", "kind": "alertmanager", "url": server.url, "networks": ["127.0.0.0/8"]}
    config = config_of(bootstrap)
    sinks = load({"sinks": [sink | {"once": "incident"}]}).sinks
    config = config.model_copy(update={"sinks": sinks})
    await ensure_topics(config)
    return config


async def test_a_cause_in_many_models_is_one_alert_until_it_is_accepted(
    bootstrap: str, tmp_path: Path
) -> None:
    """One alert for six models, which shows who works on it and ends, also across a restart."""
    async with running_alertmanager(str(alertmanager_binary()), tmp_path) as server:
        config = await prepared(bootstrap, server)
        async with worker_of(config):
            await put(config, *(fired(f"m{number}", owner="risk") for number in range(6)))
            [alert] = await shown(server, 1)
            [incident] = (await becomes(config, lambda values: bool(values.incidents))).incidents
            assert alert["labels"] == {
                "alertname": "streamproc_incident",
                "incident": incident,
                "severity": "warning",
                "owner": "risk",
            }
            worse = fired("m7", owner="risk", severity="critical")
            await put(config, worse)
            [alert] = await shown(server, 1, status="updated")
            assert alert["labels"]["severity"] == "critical"
            await send_command("incident_ack", {"incident_id": incident}, config=config)
            await shown(server, 1, status="acknowledged")
        async with worker_of(config):
            body = {"incident_id": incident, "reason": "new supplier"}
            await send_command("incident_accept", body, config=config)
            await shown(server, 0)


async def test_what_is_silenced_is_not_there_until_the_silence_expires(
    bootstrap: str, tmp_path: Path
) -> None:
    """A silence of streamproc holds at Alertmanager, and ends there by itself."""
    async with running_alertmanager(str(alertmanager_binary()), tmp_path) as server:
        config = await prepared(bootstrap, server)
        async with worker_of(config):
            end = datetime.now(UTC) + timedelta(seconds=4)
            silence = {"matchers": {"model": "quiet"}, "end": end.isoformat(), "comment": "upgrade"}
            await send_command("silence_set", silence, config=config)
            await becomes(config, lambda values: bool(values.silences))
            await put(config, fired("quiet", "x"), fired("loud", "y"))
            await shown(server, 1, model="loud")
            await shown(server, 2)
        assert datetime.now(UTC) >= end
