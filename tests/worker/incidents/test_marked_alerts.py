"""Workers mark the alerts that silences cover when they publish them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from broker_topics import records
from incidents.logs import fired
from worker.incidents.test_incidents_worker import SECRET, becomes, config_of
from worker.running import PATIENCE, idle, publish, worker_of
from worker.scenarios import expected, payloads, story

from streamproc.client.control import send_command
from streamproc.config.config import Config
from streamproc.incidents.commands import silence_id_of
from streamproc.incidents.maintenance import MAINTENANCE
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.alert_marks import UNMARKED, AlertMarks, marks_of
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.silences import SILENCE_KEY
from streamproc.worker.incidents.view import IncidentView

WINDOW = {
    "name": "always",
    "cron": "* * * * *",
    "duration": "1h",
    "match": {"model": "model-1"},
}

WINDOW_KEY = f"{SILENCE_KEY}{MAINTENANCE}always"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL", SECRET)


async def silence(config: Config, model: str, end: datetime) -> str:
    """Silence models by a command, and return the silence's id once a worker has applied it."""
    payload = {"matchers": {"model": model}, "end": end.isoformat(), "comment": ""}
    silence_id = silence_id_of((await send_command("silence_set", payload, config=config)).id)
    await becomes(config, lambda values: SILENCE_KEY + silence_id in values.silences)
    return silence_id


async def test_alerts_are_marked_when_they_are_published(bootstrap: str) -> None:
    """By silences and maintenance windows, from a worker's first alert on; values do not change."""
    config = config_of(bootstrap, maintenance=[WINDOW])
    await ensure_topics(config)
    async with worker_of(config):
        silence_id = await silence(config, "model-[13]", datetime.now(UTC) + timedelta(hours=1))
        await becomes(config, lambda values: WINDOW_KEY in values.silences)
    await publish(config, story(events=1600))
    async with worker_of(config) as (worker, _):
        await idle(worker)
        assert worker.failure is None
    read = await records(config, "alerts")
    alerts = [AlertEvent.from_json(record.value) for record in read]
    found = {
        (alert.model_id, marks_of(record.headers))
        for alert, record in zip(alerts, read, strict=True)
    }
    assert found == {
        ("model-1", AlertMarks((silence_id, "maintenance:always"))),
        ("model-3", AlertMarks((silence_id,))),
    }
    assert payloads(alerts) == expected(config, await records(config, "predictions"))


async def test_a_silence_marks_until_its_end(bootstrap: str) -> None:
    """A view that runs obeys a new silence, and a later alert by the clock is not marked."""
    config, now = config_of(bootstrap), [datetime.now(UTC)]
    await ensure_topics(config)
    view = IncidentView(config, lambda: now[0])
    reading = asyncio.create_task(view.run())
    try:
        async with worker_of(config):
            assert await view.marks(fired("a")) == UNMARKED
            end = now[0] + timedelta(hours=1)
            silence_id = await silence(config, "a", end)
            async with asyncio.timeout(PATIENCE):
                while await view.marks(fired("a")) == UNMARKED:
                    now[0] = max(now[0], min(datetime.now(UTC), end - timedelta(minutes=1)))
                    await asyncio.sleep(0.02)
        assert await view.marks(fired("a")) == AlertMarks((silence_id,))
        assert await view.marks(fired("b")) == UNMARKED
        now[0] = end
        assert await view.marks(fired("a")) == UNMARKED
    finally:
        reading.cancel()
        await asyncio.wait({reading})


async def test_publishing_goes_on_without_the_topic_of_incidents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that cannot read what is silenced publishes its alerts unmarked."""
    monkeypatch.setattr("streamproc.worker.incidents.view.PATIENCE_SECONDS", 0.01)
    view = IncidentView(Config())  # which does not run
    assert await view.marks(fired("a")) == UNMARKED
