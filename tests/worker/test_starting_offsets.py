"""`topics.begin: latest` skips what was there before the first start, and nothing later."""

import asyncio
import shutil
import signal
from pathlib import Path
from typing import Any

from aiokafka.admin import NewPartitions
from apache.kafka import ApacheKafka
from broker_topics import records
from worker.join.joining import counted
from worker.running import (
    WorkerProcess,
    ends,
    own_config,
    publish,
    read_alerts,
    settings,
    watch_all,
)
from worker.scenarios import START, expected, payloads, story

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.kafka.clients import open_admin, open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.worker.starting_offsets import starting_offsets

MODELS = 2
OLD, NEW = 300, 1400


def begins_late(bootstrap: str, **more: Any) -> dict[str, Any]:
    """Return settings with one partition, and no snapshot but the first ones."""
    return settings(
        bootstrap,
        topics={"partitions": 1, "begin": "latest"},
        limits={"slice_records": 50},
        snapshots={"interval": "1h"},
        **more,
    )


async def agreed(config: Config) -> dict[tuple[str, int], int]:
    """Return the offsets that one worker begins with."""
    async with open_producer(config) as producer:
        return dict(await starting_offsets(config, producer))


async def test_workers_that_start_together_agree(embedded_broker: EmbeddedBroker) -> None:
    """So do those that start later, when there is more; partitions added since are read whole."""
    config = own_config(embedded_broker.bootstrap, topics={"partitions": 2, "begin": "latest"})
    await ensure_topics(config)
    await publish(config, story(models=8, events=5))
    found = await asyncio.gather(*(agreed(config) for _ in range(4)))
    assert found[1:] == found[:-1]
    of_predictions = {
        number: at for (name, number), at in found[0].items() if name.endswith("predictions")
    }
    assert of_predictions == await ends(config, "predictions")
    await publish(config, story(models=8, events=5))
    async with open_admin(config) as admin:
        await admin.create_partitions({config.topics.full_name("predictions"): NewPartitions(3)})
    assert await agreed(config) == found[0]


async def test_a_group_that_has_read_the_topics_skips_nothing(
    embedded_broker: EmbeddedBroker,
) -> None:
    """The setting is about the first start, and has no effect on a group that ran before."""
    given = begins_late(embedded_broker.bootstrap)
    await publish(load(given), story(models=MODELS, events=20))
    before = load({**given, "topics": {**given["topics"], "begin": "earliest"}})
    await watch_all(before)
    assert await agreed(load(given)) == {}


def labels(first: int, last: int) -> list[dict[str, Any]]:
    """Return the labels of some events of all models."""
    return [
        {
            "model_id": f"model-{model}",
            "event_id": f"{index}",
            "ts": START + index,
            "label": index % 2 == 0,
        }
        for index in range(first, last)
        for model in range(MODELS)
    ]


async def test_crashes_before_the_first_snapshot_change_nothing(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Killed twice before a regular snapshot, its store lost, a worker reads only what came.

    Labels of events that were skipped are unmatched, and no alert.
    """
    given = begins_late(apache_kafka.bootstrap, labels={"store": str(tmp_path / "store")})
    config = load(given)
    sent = list(story(models=MODELS, events=OLD + NEW, shift=OLD + NEW // 2))
    await publish(config, sent[: OLD * MODELS])
    await publish(config, labels(0, OLD // 2))
    skipped = (await ends(config, "predictions"))[0]

    async with WorkerProcess(tmp_path, given) as worker:
        await worker.holds(3)
        worker.send(signal.SIGKILL)
        assert await worker.exit_code() == -signal.SIGKILL
    await publish(config, sent[OLD * MODELS :])
    await publish(config, labels(OLD // 2, OLD + NEW))
    async with WorkerProcess(tmp_path, given) as worker:
        await worker.has_counted("records_total", above=200)
        worker.send(signal.SIGKILL)
        assert await worker.exit_code() == -signal.SIGKILL
    shutil.rmtree(tmp_path / "store")
    async with WorkerProcess(tmp_path, given, "--exit-when-idle", "1") as worker:
        assert await worker.exit_code() == 0

    new = [each for each in await records(config, "predictions") if each.offset >= skipped]
    found = await read_alerts(config)
    topic = config.topics.full_name("predictions")
    watched = [alert for alert in found if alert.source.topic == topic]
    assert watched
    assert payloads(watched) == expected(config, new)
    assert {alert.source.topic for alert in found} <= {topic, config.topics.full_name("outcomes")}
    labelled = {(row.model_id, row.event_id) for row in await counted(config)}
    assert labelled == {(each["model_id"], each["event_id"]) for each in labels(OLD, OLD + NEW)}
