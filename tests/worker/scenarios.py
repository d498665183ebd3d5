"""Events with known changes, and what the pipeline without Kafka makes of them."""

import random
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from streamproc import Monitor
from streamproc.config.config import Config
from streamproc.schemas.alerts import AlertEvent

START = 1_767_225_600  # 2026-01-01


def story(models: int = 4, events: int = 2600, shift: int = 1300, seed: int = 7) -> Iterator[Any]:
    """Give events of several models in turn; of each second one a feature moves by 3 σ."""
    draw = random.Random(seed)
    for index in range(events):
        for model in range(models):
            moved = 3.0 if model % 2 and index >= shift else 0.0
            yield {
                "model_id": f"model-{model}",
                "event_id": f"{index}",
                "ts": START + index,
                "features": {"amount": draw.gauss(moved, 1), "age": draw.random()},
                "prediction": draw.random(),
            }


def expected(config: Config, records: Iterable[ConsumerRecord]) -> dict[str, Any]:
    """Return what `Monitor` says of records with their coordinates, by alert id."""
    events: list[dict[str, Any]] = []
    for record in records:
        found = msgspec.json.decode(record.value)
        source = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        batch = found if isinstance(found, list) else [found]
        ts = record.timestamp / 1000  # what an event without a time of its own has
        events += [{"ts": ts, **event, "source": source} for event in batch]
    return payloads(Monitor(config).process(events))


def payloads(alerts: Iterable[AlertEvent]) -> dict[str, Any]:
    """Return everything of alerts but when they were made, by their ids."""
    return {alert.alert_id: alert.model_dump(exclude={"detected_at"}) for alert in alerts}
