"""Sinks of a worker follow incidents across models."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from incidents.logs import fired, later
from sinks.strict import strict_receiver
from sinks.test_pagerduty import EVENTS, KEY, check
from worker.incidents.test_incidents_worker import becomes, config_of, put
from worker.running import until, worker_of

from streamproc.client.control import send_command
from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl makes the certificate"
)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL", "correct horse battery staple 1234")
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)


async def test_a_cause_in_many_models_is_one_page(bootstrap: str, pair: tuple[Path, Path]) -> None:
    """A pager gets one trigger, the acknowledgement and one end, also across a restart."""
    config = config_of(bootstrap)
    await ensure_topics(config)
    alerts = [fired(f"m{number}") for number in range(6)]
    async with strict_receiver(pair, check) as pagerduty:
        pager = pagerduty.settings(
            *("pagerduty",), url=f"{pagerduty.url}{EVENTS}", routing_key_env="PAGERDUTY_KEY"
        )
        sinks = load({"sinks": [pager | {"once": "incident"}]}).sinks
        config = config.model_copy(update={"sinks": sinks})
        async with worker_of(config):
            await put(config, *alerts)
            values = await becomes(config, lambda values: _members(values) == 6)
            [incident] = values.incidents
            await until(lambda: bool(pagerduty.accepted))
            body = {"incident_id": incident, "reason": "provider called"}
            await send_command("incident_ack", body, config=config)
            await until(lambda: len(pagerduty.accepted) == 2)
        async with worker_of(config):
            await put(config, *map(later, alerts))
            await until(lambda: len(pagerduty.accepted) == 3)
    events = [posted.body for posted in pagerduty.accepted]
    assert [event["event_action"] for event in events] == ["trigger", "acknowledge", "resolve"]
    assert {event["dedup_key"] for event in events} == {incident}
    assert pagerduty.refused == []


async def test_incidents_of_an_owner_are_one_page(bootstrap: str, pair: tuple[Path, Path]) -> None:
    """Causes apart are one trigger at a pager and, also across a restart, one end."""
    config = config_of(bootstrap)
    await ensure_topics(config)
    alerts = [fired(f"m{number}", f"x{number}", owner="risk") for number in range(4)]
    async with strict_receiver(pair, check) as pagerduty:
        pager = pagerduty.settings(
            *("pagerduty",), url=f"{pagerduty.url}{EVENTS}", routing_key_env="PAGERDUTY_KEY"
        )
        route = {"sinks": [pager["name"]], "group_by": ["owner"], "group_interval": "1s"}
        loaded = load({"sinks": [pager | {"once": "incident"}], "routes": [route]})
        config = config.model_copy(update={"sinks": loaded.sinks, "routes": loaded.routes})
        async with worker_of(config):
            await put(config, *alerts)
            await until(lambda: any(_is_about(4, posted.body) for posted in pagerduty.accepted))
        async with worker_of(config):
            await put(config, *map(later, alerts))
            await until(lambda: pagerduty.accepted[-1].body["event_action"] == "resolve")
    events = [posted.body for posted in pagerduty.accepted]
    assert [event["event_action"] for event in events].count("resolve") == 1
    assert len({event["dedup_key"] for event in events}) == 1
    assert pagerduty.refused == []


def _is_about(number: int, event: dict[str, Any]) -> bool:
    return f"{number} incidents (owner = risk)" in event.get("payload", {}).get("summary", "")


def _members(values: object) -> int:
    incidents = values.incidents.values()  # type: ignore[attr-defined]
    return sum(len(incident.members) for incident in incidents)
