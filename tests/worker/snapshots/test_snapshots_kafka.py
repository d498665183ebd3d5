"""State that survives its worker, on Apache Kafka."""

import random
import signal
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from apache.kafka import ApacheKafka
from broker_topics import records
from worker.running import WorkerProcess, ends, idle, publish, settings, total, until, worker_of
from worker.scenarios import story
from worker.snapshots.snapshots_running import config_of, fill, found, live, oracle

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.decode.event_schema import Topic
from streamproc.kafka.clients import open_admin, open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.worker.snapshots.records import key_of

MODELS = 12
EVENTS = MODELS * 2600


def brisk(bootstrap: str) -> dict[str, Any]:
    """Return settings with small slices and frequent snapshots."""
    return settings(bootstrap, limits={"slice_records": 200}, snapshots={"interval": "200ms"})


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.nightly)])
async def test_a_killed_worker_loses_nothing(
    seed: int, apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Killed at three moments under load, the successors tell what one undisturbed would tell."""
    said = brisk(apache_kafka.bootstrap)
    config = load(said)
    await publish(config, story(models=MODELS))
    draw = random.Random(seed)
    for _ in range(3):
        async with WorkerProcess(tmp_path, said) as worker:
            await worker.has_counted("records_total", above=draw.randrange(EVENTS // 5))
            worker.send(signal.SIGKILL)
            assert await worker.exit_code() == -signal.SIGKILL
    async with WorkerProcess(tmp_path, said, "--exit-when-idle", "1") as worker:
        assert await worker.exit_code() == 0
    wanted = await oracle(config)
    assert wanted
    assert await found(config) == wanted


async def test_a_stopped_worker_repeats_nothing(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    """After SIGTERM under load the next worker goes on; every alert is on the topic once."""
    said = brisk(apache_kafka.bootstrap)
    config = load(said)
    await publish(config, story(models=MODELS))
    async with WorkerProcess(tmp_path, said) as worker:
        await worker.has_counted("records_total", above=EVENTS // 4)
        worker.send(signal.SIGTERM)
        assert await worker.exit_code(30) == 0
    async with WorkerProcess(tmp_path, said, "--exit-when-idle", "1") as worker:
        assert await worker.exit_code() == 0
    wanted = await oracle(config)
    assert await found(config) == wanted
    assert len(await records(config, "alerts")) == len(wanted)


async def test_a_partition_that_moves_keeps_its_state(apache_kafka: ApacheKafka) -> None:
    """What one worker has learned of a partition, another one goes on with."""
    config = load(brisk(apache_kafka.bootstrap))
    log = list(story(models=MODELS))
    await ensure_topics(config)
    async with worker_of(config) as (one, first):
        await publish(config, log[: EVENTS // 2])
        await until(lambda: total(first, "records_total") >= EVENTS // 2)
        async with worker_of(config) as (other, second):
            await until(lambda: len(other._line._held) == 2 * len(Topic) == len(one._line._held))
            await publish(config, log[EVENTS // 2 :])
            await until(
                lambda: (
                    sum(total(each, "lag_records") for each in (first, second)) == 0
                    and total(second, "records_total") > 0
                )
            )
            await idle(one)
            await idle(other)
    assert total(second, "recoveries_total", outcome="snapshot") > 0
    assert await found(config) == await oracle(config)


async def _overwrite(config: Config, newest: int, change: Any) -> None:
    """Put `change(value)` in the place of all that is kept of the newest offsets."""
    last = {record.key: record for record in await records(config, "snapshots")}
    kept = [record for record in last.values() if record.value is not None]
    by_slot: dict[tuple[int, int], list[Any]] = {}
    for record in sorted(kept, key=lambda record: record.offset):
        key = key_of(record.key)
        assert key is not None
        place = by_slot.pop((key.epoch, key.slot), [])
        by_slot[key.epoch, key.slot] = [*place, record]
    async with open_producer(config) as producer:
        for slot in list(by_slot.values())[-newest:]:
            for record in slot:
                await producer.send_and_wait(
                    record.topic, change(record.value), record.key, partition=record.partition
                )


def flipped(value: bytes) -> bytes:
    """Flip one bit in the middle of a chunk; leave a manifest."""
    if value.startswith(b"{"):
        return value
    middle = len(value) // 2
    return value[:middle] + bytes([value[middle] ^ 4]) + value[middle + 1 :]


async def test_a_broken_snapshot_falls_back_to_the_one_before(apache_kafka: ApacheKafka) -> None:
    """With one bit of the newest snapshot flipped the other slot counts, and nothing is lost."""
    config = config_of(apache_kafka.bootstrap)
    await fill(config, last=1100)
    await live(config)
    await _overwrite(config, 1, flipped)
    await fill(config, first=1100)
    _, metrics = await live(config)
    assert total(metrics, "recoveries_total", outcome="snapshot") == 1
    assert await found(config) == await oracle(config)


@pytest.mark.parametrize("change", [flipped, lambda _: None], ids=["broken", "emptied"])
async def test_no_snapshot_that_can_be_used_is_told(change: Any, apache_kafka: ApacheKafka) -> None:
    """When all is broken or gone the worker goes on where the group was, and says that it does."""
    config = config_of(apache_kafka.bootstrap)
    await fill(config, last=1100)
    await live(config)
    await _overwrite(config, 2, change)
    await fill(config, first=1100)
    worker, metrics = await live(config)
    assert worker.failure is None
    assert total(metrics, "records_total") == 900
    assert total(metrics, "state_gaps_total") == 1
    gaps = [alert for alert in (await found(config)).values() if alert["detector"] == "state_gap"]
    assert [(gap["kind"], gap["source"]["offset"]) for gap in gaps] == [("system", 1100)]


async def test_a_source_that_was_cut_is_told(apache_kafka: ApacheKafka) -> None:
    """Records that retention took before they were watched: the state goes on, and it is told."""
    config = config_of(apache_kafka.bootstrap)
    await fill(config, last=1000)
    await live(config)
    await fill(config, first=1000)
    source = TopicPartition(config.topics.full_name("predictions"), 0)
    async with open_admin(config) as admin:
        await admin.delete_records({source: RecordsToDelete(before_offset=1200)})
    _, metrics = await live(config)
    assert await ends(config, "predictions") == {0: 2000}
    assert total(metrics, "records_total") == 800
    assert total(metrics, "recoveries_total", outcome="snapshot") == 1
    [gap] = [alert for alert in (await found(config)).values() if alert["detector"] == "state_gap"]
    assert "records 1000 to 1199 were deleted before they were read" in gap["message"]
