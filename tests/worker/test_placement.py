"""Models whose events and labels are on partitions where they do not meet are reported."""

from typing import Any

from prometheus_client import CollectorRegistry
from worker.placing import (
    EVENTS,
    MODELS,
    PARTITIONS,
    Place,
    by_crc32,
    by_murmur2,
    by_turns,
    named,
    write,
)
from worker.running import own_config, read_alerts, total, until, worker_of

from streamproc.broker import EmbeddedBroker
from streamproc.kafka.topics import ensure_topics
from streamproc.worker import placement


async def found(broker: EmbeddedBroker, events: Place, labels: Place) -> tuple[Any, Any]:
    """Return the alerts and metrics of a worker that has joined everything."""
    config = own_config(broker.bootstrap, topics={"partitions": PARTITIONS})
    await ensure_topics(config)
    await write(config, "predictions", events)
    await write(config, "labels", labels)
    async with worker_of(config) as (worker, registry):
        seen = len(MODELS) * EVENTS
        await until(lambda: total(registry, "events_total") >= seen)
        await until(lambda: worker.idle_seconds() > 3 * placement.LOOK_SECONDS)
    return await read_alerts(config), registry


def problems(registry: CollectorRegistry) -> dict[str, float]:
    """Return the numbers of models by problem."""
    return {
        problem: total(registry, "models_misplaced", problem=problem)
        for problem in placement.PROBLEMS
    }


async def test_two_partitioners_are_reported_once_for_each_model(
    embedded_broker: EmbeddedBroker, monkeypatch: Any
) -> None:
    """Events by CRC-32, labels by murmur2: each model that they split is named, with the cure."""
    monkeypatch.setattr(placement, "LOOK_SECONDS", 0.5)
    split = {m for m in MODELS if by_crc32(m, 0) != by_murmur2(m, 0)}
    assert 0 < len(split) < len(MODELS)
    alerts, registry = await found(embedded_broker, by_crc32, by_murmur2)
    assert named(alerts, "have not met their events") == split
    assert problems(registry)["labels_apart"] == len(split)


async def test_records_without_keys_are_reported(
    embedded_broker: EmbeddedBroker, monkeypatch: Any
) -> None:
    """A model on several partitions is named once, however many there are."""
    monkeypatch.setattr(placement, "LOOK_SECONDS", 0.5)
    alerts, registry = await found(embedded_broker, by_turns, by_murmur2)
    assert named(alerts, "arrive on partitions 0, 1, 2, 3") == set(MODELS)
    assert problems(registry)["events_scattered"] == len(MODELS)


async def test_one_partitioner_is_no_problem(
    embedded_broker: EmbeddedBroker, monkeypatch: Any
) -> None:
    """Whichever it is: events and labels that meet are not reported."""
    monkeypatch.setattr(placement, "LOOK_SECONDS", 0.5)
    alerts, registry = await found(embedded_broker, by_crc32, by_crc32)
    assert alerts == []
    assert set(problems(registry).values()) == {0}
