import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
from alert_factory import alert
from broker_topics import own_topics, write

from streamproc.broker import EmbeddedBroker
from streamproc.client import Alerts
from streamproc.config.config import Config
from streamproc.kafka.errors import BrokerUnreachableError, TopicError
from streamproc.kafka.topics import ensure_topics


@pytest.fixture
async def config(embedded_broker: EmbeddedBroker) -> Config:
    """Topics of the test's own, which exist."""
    config = own_topics(embedded_broker.bootstrap)
    await ensure_topics(config)
    return config


async def _ids(alerts: Alerts) -> list[str]:
    async with alerts:
        return [found.alert_id async for found in alerts]


async def test_alerts_come_back_as_they_were_written(bootstrap: str) -> None:
    """Every alert of the topic is given, equal to what was written, oldest first."""
    config = own_topics(bootstrap)
    await ensure_topics(config)
    written = [alert(f"a{number}", status="updated") for number in range(50)]
    await write(config, "alerts", *(each.to_json() for each in written))
    async with Alerts(config=config, follow=False) as alerts:
        assert [found async for found in alerts] == written


async def test_an_alert_is_given_once(config: Config) -> None:
    """What a worker writes a second time after a crash is not given a second time."""
    first, second = alert("a1"), alert("a2")
    await write(config, "alerts", *(each.to_json() for each in (first, second, first, second)))
    assert await _ids(Alerts(config=config, follow=False)) == ["a1", "a2"]


async def test_a_record_that_is_no_alert_is_skipped_with_its_offset(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    """Junk and tombstones are passed over; the log says where each is."""
    async with asyncio.timeout(60):
        await write(config, "alerts", b"junk", b"\xff", b'{"alert_id": 3}', alert("a1").to_json())
    with caplog.at_level(logging.WARNING):
        assert await _ids(Alerts(config=config, follow=False)) == ["a1"]
    assert [message.split(":")[0][-1] for message in caplog.messages] == ["0", "1", "2"]


async def test_models_and_kinds_can_be_chosen(config: Config) -> None:
    """A glob of model ids and a set of kinds narrow what is given."""
    await write(
        config,
        "alerts",
        alert("a1", model_id="fraud-eu").to_json(),
        alert("a2", model_id="price").to_json(),
        alert("a3", model_id="fraud-us", kind="quality").to_json(),
    )
    assert await _ids(Alerts(config=config, follow=False, model="fraud-*")) == ["a1", "a3"]
    assert await _ids(Alerts(config=config, follow=False, kinds=["quality"])) == ["a3"]


async def test_since_skips_what_was_published_before(config: Config) -> None:
    """Only alerts that were published at the given time or later are given."""
    await write(config, "alerts", alert("a1").to_json())
    now = datetime.now(UTC)
    assert await _ids(Alerts(config=config, follow=False, since=now - timedelta(hours=1))) == ["a1"]
    assert await _ids(Alerts(config=config, follow=False, since=now + timedelta(hours=1))) == []


async def test_an_empty_topic_has_no_alerts(config: Config) -> None:
    """Without following, a topic with nothing on it ends at once."""
    assert await _ids(Alerts(config=config, follow=False)) == []


async def test_following_waits_for_what_comes(config: Config) -> None:
    """With `follow` an alert that is published later is given too."""
    await write(config, "alerts", alert("a1").to_json())
    async with asyncio.timeout(60), Alerts(config=config) as alerts:
        found = aiter(alerts)
        assert (await anext(found)).alert_id == "a1"
        await write(config, "alerts", alert("a2").to_json())
        assert (await anext(found)).alert_id == "a2"


async def test_following_makes_the_topic(bootstrap: str) -> None:
    """Who follows before any worker ran still sees the first alert."""
    config = own_topics(bootstrap)
    async with asyncio.timeout(60), Alerts(config=config) as alerts:
        await write(config, "alerts", alert("a1").to_json())
        assert (await anext(aiter(alerts))).alert_id == "a1"


async def test_a_missing_topic_is_an_error(bootstrap: str) -> None:
    """Without following, a topic that does not exist is told, and not made."""
    config = own_topics(bootstrap)
    for _ in range(2):
        with pytest.raises(TopicError, match="no worker has run on it yet"):
            await _ids(Alerts(config=config, follow=False))


async def test_a_broker_that_is_not_there_is_told_on_entry() -> None:
    """Without a broker entering raises."""
    with pytest.raises(BrokerUnreachableError):
        await _ids(Alerts("kafka://127.0.0.1:1"))


async def test_an_alert_says_what_covered_it(config: Config) -> None:
    """Ids of silences and of inhibiting incidents come from the record's headers."""
    headers = [("silenced", b"s1,maintenance:reload"), ("inhibited", b"i1")]
    await write(config, "alerts", alert("a1").to_json(), headers=headers)
    await write(config, "alerts", alert("a2").to_json())
    async with Alerts(config=config, follow=False) as alerts:
        first, second = [found async for found in alerts]
    assert first.silenced_by == ("s1", "maintenance:reload")
    assert first.inhibited_by == ("i1",)
    assert (second, second.silenced_by, second.inhibited_by) == (alert("a2"), (), ())
