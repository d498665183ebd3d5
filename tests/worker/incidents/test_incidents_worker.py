"""A worker that keeps the incidents of all models."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from broker_topics import records, write
from incidents.logs import fired, later
from worker.running import PATIENCE, own_config, publish, total, until, worker_of
from worker.scenarios import story

from streamproc.client.control import send_command
from streamproc.config.config import Config
from streamproc.incidents.commands import silence_id_of
from streamproc.incidents.records import StoredBook, StoredValues
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.alerts import AlertEvent

SECRET = "correct horse battery staple 1234"  # noqa: S105  of this test


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL", SECRET)


def config_of(bootstrap: str, **more: object) -> Config:
    """Return a config whose incidents page at once."""
    return own_config(
        bootstrap, control={"secret_env": "CONTROL"}, policy={"group_wait": "0s"}, **more
    )


async def stored(config: Config) -> StoredValues:
    """Return what a reader of the topic has."""
    book, values = StoredBook(), StoredValues()
    values.update(book.feed(await records(config, "incidents")))
    return values


async def becomes(config: Config, true: Callable[[StoredValues], bool]) -> StoredValues:
    """Wait until the topic has something."""
    async with asyncio.timeout(PATIENCE):
        while not true(values := await stored(config)):
            pass  # each look waits for the broker
    return values


async def put(config: Config, *alerts: AlertEvent) -> None:
    """Publish alerts, as the workers of several models do."""
    for alert in alerts:
        await write(config, "alerts", alert.to_json(), key=alert.model_id.encode())


async def test_alerts_of_many_models_become_one_incident(bootstrap: str) -> None:
    """One cause in four partitions of alerts is one incident, which a restart continues."""
    config = config_of(bootstrap)
    await ensure_topics(config)
    one, *others = [fired(f"m{n}") for n in range(6)]
    async with worker_of(config):
        await put(config, one, *others[:2])
        await becomes(config, lambda values: _members(values) == 3)
    await put(config, *others[2:], one)
    async with worker_of(config):
        values = await becomes(config, lambda values: _members(values) == 6)
        [incident] = values.incidents.values()
        assert len(incident.paged) == 1
        await put(config, later(one), *map(later, others))
        await becomes(config, lambda values: not any(map(_open, values.incidents.values())))


async def test_what_a_worker_alerts_is_an_incident(bootstrap: str) -> None:
    """A worker counts as idle once the incidents reflect its alerts."""
    config = config_of(bootstrap)
    await publish(config, story())
    async with worker_of(config) as (worker, registry):
        await until(lambda: worker.idle_seconds() > 0.1)
        alerts = [AlertEvent.from_json(each.value) for each in await records(config, "alerts")]
        values = await stored(config)
        members = {
            member.incident_id
            for incident in values.incidents.values()
            for member in incident.members
        }
        assert members == {each.incident_id for each in alerts if each.status != "pending"}
        opened = sum(incident.open for incident in values.incidents.values())
        assert total(registry, "event_groups") == opened
        assert worker.failure is None


async def test_the_config_says_what_pages_again(bootstrap: str) -> None:
    """An incident of two models rises by `escalate`, and pages again by `repeat_interval`."""
    config = config_of(bootstrap, escalate=[{"models": 2}])
    often = config.policy.model_copy(update={"repeat_interval": timedelta(seconds=1)})
    config = config.model_copy(update={"policy": often})
    await ensure_topics(config)
    async with worker_of(config):
        await put(config, fired("a"), fired("b"))
        values = await becomes(config, lambda values: _pages(values) >= 4)
    [incident] = values.incidents.values()
    assert incident.severity == "critical"
    assert [entry.step for entry in incident.timeline].count("escalated") == 1


async def test_people_act_on_an_incident(bootstrap: str) -> None:
    """Commands are signed as all others, and are on the topic with who gave them."""
    config = config_of(bootstrap)
    await ensure_topics(config)
    async with worker_of(config):
        one = fired("a")
        await put(config, one)
        await becomes(config, lambda values: bool(values.incidents))
        key, end = one.incident_id, datetime.now(UTC) + timedelta(hours=1)
        await send_command("incident_ack", {"incident_id": key}, config=config, issuer="ana")
        values = await becomes(config, lambda values: _status(values) == "acknowledged")
        acknowledgement = values.incidents[key].acknowledgement
        assert acknowledgement is not None
        assert acknowledgement.by == "ana"
        silence = {"matchers": {"model": "a"}, "end": end.isoformat(), "comment": "maintenance"}
        sent = await send_command("silence_set", silence, config=config)
        values = await becomes(config, lambda values: _status(values) == "silenced")
        assert values.incidents[key].silences == (silence_id_of(sent.id),)
        accept = {"incident_id": key, "reason": "new supplier"}
        await send_command("incident_accept", accept, config=config)
        values = await becomes(config, lambda values: _status(values) == "resolved")
        assert values.incidents[key].reason == "accepted"


async def test_a_silence_ends_by_itself(bootstrap: str) -> None:
    """Without any further alert, the incident pages when its silence ends."""
    config = config_of(bootstrap)
    await ensure_topics(config)
    async with worker_of(config):
        end = datetime.now(UTC) + timedelta(seconds=3)
        silence = {"matchers": {}, "end": end.isoformat(), "comment": "maintenance"}
        await send_command("silence_set", silence, config=config)
        await becomes(config, lambda values: bool(values.silences))
        await put(config, fired("a"))
        await becomes(config, lambda values: _status(values) == "silenced")
        values = await becomes(config, lambda values: _status(values) == "firing")
        [incident] = values.incidents.values()
        assert len(incident.paged) == 1
        assert incident.paged[0] >= end.replace(microsecond=0)


def _pages(values: StoredValues) -> int:
    return sum(len(incident.paged) for incident in values.incidents.values())


def _members(values: StoredValues) -> int:
    return sum(len(incident.members) for incident in values.incidents.values())


def _open(incident: object) -> bool:
    return bool(incident.open)  # type: ignore[attr-defined]


def _status(values: StoredValues) -> str | None:
    return next((incident.status for incident in values.incidents.values()), None)
