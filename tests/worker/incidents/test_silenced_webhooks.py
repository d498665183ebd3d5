"""Webhooks of a worker obey silences and acceptances."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from broker_topics import write
from incidents.logs import fired, later
from sinks.receiver import receiving
from worker.incidents.test_incidents_worker import becomes, config_of, put
from worker.running import until, worker_of

from streamproc.client.control import send_command
from streamproc.config.load import load
from streamproc.kafka.topics import ensure_topics

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl makes the certificate"
)


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL", "correct horse battery staple 1234")


async def test_a_webhook_skips_what_is_silenced(bootstrap: str, pair: tuple[Path, Path]) -> None:
    """A silenced alert remains on the topic and is not posted; ends always are."""
    config = config_of(bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    async with receiving(pair) as receiver:
        hook = load({"webhooks": [receiver.section("pager")]}).webhooks
        async with worker_of(config.model_copy(update={"webhooks": hook})):
            before = fired("a", series="prediction")
            await put(config, before)
            await until(lambda: receiver.ids == [before.alert_id])
            end = datetime.now(UTC) + timedelta(hours=1)
            silence = {"matchers": {"model": "[ac]"}, "end": end.isoformat(), "comment": ""}
            await send_command("silence_set", silence, config=config)
            await becomes(config, lambda values: bool(values.silences))
            first, other = fired("c"), fired("b")
            ends = later(first), later(before)
            # The first one waits for its incident, which the topic has after the silence.
            await put(config, first, later(before, "updated", 10), *ends, other)
            await until(lambda: other.alert_id in receiver.ids)
            assert receiver.ids == [each.alert_id for each in (before, *ends, other)]


async def test_an_alert_of_no_incident_is_sent(bootstrap: str, pair: tuple[Path, Path]) -> None:
    """The end of an incident that was forgotten long ago is not held back."""
    config = config_of(bootstrap, topics={"partitions": 1})
    await ensure_topics(config)
    async with receiving(pair) as receiver:
        hook = load({"webhooks": [receiver.section("pager")]}).webhooks
        async with worker_of(config.model_copy(update={"webhooks": hook})):
            unknown = later(fired("a"))
            await write(config, "alerts", unknown.to_json())
            await until(lambda: receiver.ids == [unknown.alert_id])
