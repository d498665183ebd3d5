import asyncio
import threading

import pytest
from alert_factory import alert
from broker_topics import events, own_topics, write

from streamproc.broker import EmbeddedBroker
from streamproc.client.sync import Alerts, Publisher
from streamproc.config.config import Config
from streamproc.kafka.errors import BrokerUnreachableError
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.events import EventError


@pytest.fixture
def config(embedded_broker: EmbeddedBroker) -> Config:
    """Topics of the test's own."""
    return own_topics(embedded_broker.bootstrap)


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "streamproc-client"]


def test_events_are_sent_without_asyncio(config: Config) -> None:
    """Every kind of event is on its topic when the ``with`` block has ended."""
    with Publisher(config=config) as publisher:
        publisher.prediction("m", {"x": 1}, 0.5, event_id="1")
        publisher.features("m", {"x": 1})
        publisher.label("m", "1", label=False)
        publisher.send({"model_id": "m", "features": {"x": 2}})
        publisher.flush()
    assert len(asyncio.run(events(config, "predictions"))) == 1
    assert len(asyncio.run(events(config, "features"))) == 2
    assert asyncio.run(events(config, "labels")) == [
        {"model_id": "m", "event_id": "1", "label": False}
    ]
    assert not _threads()


def test_a_wrong_event_is_refused_at_the_call(config: Config) -> None:
    """Errors reach the caller as they do with asyncio, and the publisher goes on."""
    with Publisher(config=config) as publisher:
        with pytest.raises(EventError):
            publisher.prediction("", {}, 0.5)
        publisher.features("m", {"x": 1})
    assert len(asyncio.run(events(config, "features"))) == 1


def test_alerts_are_read_with_a_plain_for(config: Config) -> None:
    """Alerts are iterated over to the end, or followed until the caller has enough."""

    async def _prepare() -> None:
        await ensure_topics(config)
        await write(config, "alerts", *(alert(f"a{number}").to_json() for number in range(3)))

    asyncio.run(_prepare())
    with Alerts(config=config, follow=False) as alerts:
        assert [found.alert_id for found in alerts] == ["a0", "a1", "a2"]
    with Alerts(config=config) as alerts:
        assert next(iter(alerts)).alert_id == "a0"
    assert not _threads()


def test_a_failed_entry_leaves_no_thread() -> None:
    """When the broker is not there, nothing is left running."""
    with pytest.raises(BrokerUnreachableError), Publisher("kafka://127.0.0.1:1"):
        pass
    assert not _threads()
