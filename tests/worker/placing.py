"""Events and labels on the partitions that different producers choose."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from aiokafka.partitioner import murmur2

from streamproc.alerting.operational_alerts import PLACEMENT
from streamproc.config.config import Config
from streamproc.kafka.clients import open_producer
from streamproc.schemas.alerts import AlertEvent

PARTITIONS, EVENTS = 4, 50
MODELS = [f"model-{number}" for number in range(6)]
Place = Callable[[str, int], int]


def by_murmur2(model: str, _: int) -> int:
    """Choose a partition as Java's producer does."""
    return (murmur2(model.encode()) & 0x7FFFFFFF) % PARTITIONS


def by_crc32(model: str, _: int) -> int:
    """Choose a partition as librdkafka's producer does unless configured."""
    return zlib.crc32(model.encode()) % PARTITIONS


def by_turns(_: str, number: int) -> int:
    """Choose a partition as a producer without keys may."""
    return number % PARTITIONS


def records(kind: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Give events, or their labels."""
    for number in range(EVENTS):
        for model in MODELS:
            what = {"prediction": 0.5} if kind == "predictions" else {"label": 1.0}
            yield model, number, {"model_id": model, "event_id": str(number), "ts": number, **what}


async def write(config: Config, kind: Any, place: Place) -> None:
    """Write events or labels to the partitions that a producer would choose."""
    topic = config.topics.full_name(kind)
    async with open_producer(config) as producer:
        for model, number, event in records(kind):
            value, key = msgspec.json.encode(event), model.encode()
            await producer.send(topic, value, key=key, partition=place(model, number))


def named(alerts: list[AlertEvent], text: str) -> set[str]:
    """Name the models about which something was reported."""
    said = [alert for alert in alerts if text in alert.message]
    for alert in said:
        assert (alert.kind, alert.detector, alert.status) == ("system", PLACEMENT, "firing")
        assert "murmur2_random" in alert.message
    assert len(said) == len({alert.model_id for alert in said})
    return {alert.model_id for alert in said}
