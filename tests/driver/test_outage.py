"""What a consumer does while the leader of one of its partitions is away."""

from types import SimpleNamespace

import faust
import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.subscription_state import SubscriptionState
from faust.types import TP

from streamproc.driver.consumer import SliceConsumer
from streamproc.driver.poll import SliceThread


async def test_an_unknown_position_does_not_end_the_application(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A check of all partitions passes over one whose position cannot be determined yet."""
    consumer = faust.App("outage", broker="slices://localhost", store="memory://").consumer
    assert isinstance(consumer, SliceConsumer)
    home = TopicPartition("predictions", 0)
    subscriptions = SubscriptionState()
    subscriptions.assign_from_user([home])
    client = SimpleNamespace(_fetcher=SimpleNamespace(_subscriptions=subscriptions))
    monkeypatch.setattr(SliceThread, "_ensure_consumer", lambda _: client)
    monkeypatch.setattr(SliceThread, "_verify_aiokafka_event_path", lambda *_: False)
    monkeypatch.setattr(SliceThread, "time_started", 0.0, raising=False)
    monkeypatch.setattr(SliceConsumer, "assignment", lambda _: {TP(*home)})
    await consumer.verify_all_partitions_active()
