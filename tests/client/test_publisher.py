import asyncio
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from broker_topics import events, own_topics, records

from streamproc.broker import EmbeddedBroker
from streamproc.client import Publisher
from streamproc.config.config import Config
from streamproc.errors import ConfigError
from streamproc.kafka.errors import BrokerUnreachableError, DeliveryError
from streamproc.schemas.events import EventError, FeatureEvent


@pytest.fixture
def config(embedded_broker: EmbeddedBroker) -> Config:
    """Topics of the test's own."""
    return own_topics(embedded_broker.bootstrap)


async def test_each_kind_of_event_comes_back_as_it_was_sent(bootstrap: str) -> None:
    """A prediction, features and a label are on their topics, with what was given, no more."""
    config = own_topics(bootstrap)
    when = datetime(2026, 1, 5, 11, tzinfo=timezone(timedelta(hours=1)))
    async with Publisher(config=config) as publisher:
        await publisher.prediction(
            "fraud",
            {"amount": 12.5, "country": "DE", "new": False, "age": None, "v": [0.1, 2]},
            {"yes": 0.25, "no": 0.75},
            event_id="9f2c",
            ts=when,
            model_version="7",
            tags={"region": "eu"},
        )
        await publisher.features("sales", {"orders": 3})
        await publisher.label("fraud", "9f2c", label=True, ts=1767607200)
    assert await events(config, "predictions") == [
        {
            "model_id": "fraud",
            "event_id": "9f2c",
            "ts": "2026-01-05T10:00:00Z",
            "model_version": "7",
            "features": {"amount": 12.5, "country": "DE", "new": False, "age": None, "v": [0.1, 2]},
            "prediction": {"yes": 0.25, "no": 0.75},
            "tags": {"region": "eu"},
        }
    ]
    assert await events(config, "features") == [{"model_id": "sales", "features": {"orders": 3}}]
    assert await events(config, "labels") == [
        {"model_id": "fraud", "event_id": "9f2c", "ts": "2026-01-05T10:00:00Z", "label": True}
    ]


async def test_events_of_a_model_keep_their_order(bootstrap: str) -> None:
    """The key is the model_id, so a model's events are in one partition, in order."""
    config = own_topics(bootstrap)
    async with Publisher(config=config) as publisher:
        for number in range(3_000):
            await publisher.features(f"m{number % 3}", {"number": number})
    found: dict[tuple[str, int], list[float]] = {}
    for record in await records(config, "features"):
        event = msgspec.json.decode(record.value)
        place = (event["model_id"], record.partition)
        found.setdefault(place, []).append(event["features"]["number"])
    assert sorted(model for model, _ in found) == ["m0", "m1", "m2"]
    assert all(numbers == list(range(int(numbers[0]), 3_000, 3)) for numbers in found.values())


async def test_a_mapping_and_a_contract_model_are_sent_alike(config: Config) -> None:
    """`send` takes an event of the contract or the mapping that describes it."""
    async with Publisher(config=config) as publisher:
        await publisher.send({"model_id": "m", "features": {"x": 1.5}})
        await publisher.send(FeatureEvent(model_id="m", features={"x": 1.5}))
    assert await events(config, "features") == [{"model_id": "m", "features": {"x": 1.5}}] * 2


@pytest.mark.parametrize(
    ("features", "prediction"),
    [({"x": float("inf")}, 0.5), ({"x": object()}, 0.5), ({}, float("inf")), ({}, None)],
)
async def test_a_wrong_event_is_refused_at_the_call(
    config: Config, features: dict[str, object], prediction: float | None
) -> None:
    """An event that is not of the contract raises, and neither it nor its topic is made."""
    async with Publisher(config=config) as publisher:
        with pytest.raises(EventError):
            await publisher.prediction("fraud", features, prediction)
        await publisher.prediction("fraud", {"x": 1}, 0.5)
    assert len(await events(config, "predictions")) == 1


async def test_flush_waits_for_what_was_sent(config: Config) -> None:
    """After `flush` every event sent before it is on its topic."""
    async with Publisher(config=config) as publisher:
        for _ in range(100):
            await publisher.features("m", {"x": 1})
        await publisher.flush()
        assert len(await records(config, "features")) == 100


async def test_what_is_unconfirmed_is_bounded(config: Config) -> None:
    """Never more records than `max_pending` wait for the cluster, however fast the caller is."""
    async with Publisher(config=config, max_pending=10) as publisher:
        most = 0
        for _ in range(200):
            await publisher.features("m", {"x": 1})
            most = max(most, publisher._pending)
    assert 1 < most <= 10
    assert len(await records(config, "features")) == 200


async def test_an_unconfirmed_record_is_an_error_at_the_next_call(config: Config) -> None:
    """A record that the cluster did not take is told once: at the next send or flush."""
    async with Publisher(config=config) as publisher:
        await publisher.features("m", {"x": 1})
        await publisher.flush()
        lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        publisher._pending += 1
        lost.add_done_callback(publisher._settled)
        lost.set_exception(TimeoutError("no leader"))
        with pytest.raises(DeliveryError, match=r"did not confirm 1 record.*no leader"):
            await publisher.flush()
        await publisher.flush()


async def test_a_record_that_is_too_large_is_an_error(config: Config) -> None:
    """An event larger than a record may be raises at the call."""
    async with Publisher(config=config) as publisher:
        with pytest.raises(DeliveryError, match=r"do not exceed its message\.max\.bytes"):
            await publisher.features("m", {"x": "a" * 2_000_000})


async def test_a_broker_that_is_not_there_is_told_on_entry() -> None:
    """Without a broker entering raises, before anything is sent."""
    with pytest.raises(BrokerUnreachableError, match=r"127\.0\.0\.1:1"):
        async with Publisher("kafka://127.0.0.1:1"):
            pass


def test_a_broker_that_is_no_address_is_refused_when_made() -> None:
    """A wrong address is a config error before anything is connected."""
    with pytest.raises(ConfigError, match="expected kafka://"):
        Publisher("localhost:9092")


async def test_an_error_in_the_block_is_not_hidden(config: Config) -> None:
    """An exception of the caller leaves the block as it was raised."""
    with pytest.raises(ZeroDivisionError):
        async with Publisher(config=config) as publisher:
            await publisher.features("m", {"x": datetime.now(UTC).year / 0})
