"""No crash of a join loses or doubles a pair, and these tests would notice if one did."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from broker_topics import records, write
from label_logs import hard_logs
from prometheus_client import CollectorRegistry
from worker.join.joining import (
    POINTS,
    HastyJoiner,
    MortalJoiner,
    counted,
    fill,
    joins_config,
    live,
    pairs_of,
)
from worker.snapshots.snapshots_running import Countdown

from streamproc.broker import EmbeddedBroker
from streamproc.join.entry import InputLog
from streamproc.kafka.clients import open_producer
from streamproc.kafka.topics import ensure_topics
from streamproc.worker.join.metrics import JoinMetrics
from streamproc.worker.join.outcome_writer import FencedError
from streamproc.worker.join.store import Store
from streamproc.worker.join.task import Joiner
from streamproc.worker.metrics import Metrics
from streamproc.worker.publisher import AlertPublisher

LOGS = hard_logs(700, seed=3)


@pytest.mark.parametrize("times", [1, 2, 4])
@pytest.mark.parametrize("point", POINTS)
async def test_no_crash_loses_or_doubles_a_pair(
    point: str, times: int, embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Killed at any step, early or late, the next owner tells the rest, and nothing twice."""
    config, path = joins_config(embedded_broker.bootstrap, tmp_path), tmp_path / "labels.db"
    await fill(config, LOGS)

    assert await live(config, path, Countdown(point, times))
    assert not await live(config, path)

    assert await pairs_of(config) == LOGS.pairs


@pytest.mark.parametrize("stores", [1, len(POINTS)])
async def test_crash_after_crash_costs_nothing(
    stores: int, embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Killed again and again, with its store or without, every pair is told once in the end."""
    config, path = joins_config(embedded_broker.bootstrap, tmp_path), tmp_path / "0.db"
    await fill(config, LOGS)
    for number, point in enumerate(POINTS, 1):
        assert await live(config, path, Countdown(point, 2))
        path = tmp_path / f"{number % stores}.db"
    assert not await live(config, path)
    assert await pairs_of(config) == LOGS.pairs


@pytest.mark.parametrize("point", POINTS)
async def test_no_crash_loses_or_doubles_a_prediction(
    point: str, embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Killed at any step, with its store or without, a join writes the same windows, once each."""
    config, path = joins_config(embedded_broker.bootstrap, tmp_path), tmp_path / "labels.db"
    await fill(config, type(LOGS)([], LOGS.labels[:50]))  # windows begin with the first labels
    await fill(config, LOGS)

    assert await live(config, path, Countdown(point, 2))
    assert not await live(config, tmp_path / ("labels.db" if point == "in_publish" else "other.db"))

    found = [
        json.loads(record.value)
        for record in await records(config, "outcomes")
        if b'"predictions":' in (record.value or b"")
    ]
    predictions = [value for window in found for value in window["predictions"]]
    assert len({window["outcome_id"] for window in found}) == len(found)
    assert len(predictions) == len(set(predictions)) == len(LOGS.events)


async def test_a_hasty_join_would_be_noticed(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """A store that commits before its outcomes are published loses pairs in this harness."""
    config, path = joins_config(embedded_broker.bootstrap, tmp_path), tmp_path / "labels.db"
    await fill(config, LOGS)
    assert await live(config, path, Countdown("before_publish", 3), HastyJoiner)
    assert not await live(config, path)
    assert await pairs_of(config) < LOGS.pairs


async def test_a_lost_store_is_made_anew(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Without its store a join reads the topics again, tells nothing twice and goes on."""
    config = joins_config(embedded_broker.bootstrap, tmp_path)
    half = len(LOGS.labels) // 2
    first = type(LOGS)(LOGS.events, LOGS.labels[:half])
    await fill(config, first)
    await live(config, tmp_path / "one.db")
    before = await counted(config)
    await fill(config, type(LOGS)([], LOGS.labels[half:]))
    await live(config, tmp_path / "other.db")
    assert await pairs_of(config) == LOGS.pairs
    assert (await counted(config))[: len(before)] == before


async def test_an_end_of_a_log_that_is_out_of_date(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """What an earlier owner wrote is not written again if a new leader does not have all yet."""
    config = joins_config(embedded_broker.bootstrap, tmp_path)
    await fill(config, LOGS)
    await live(config, tmp_path / "one.db")
    before = await counted(config)

    class Behind(MortalJoiner):
        async def _bounds(self, _: object) -> dict[InputLog, tuple[int, int]]:
            return dict.fromkeys(self._homes, (0, 0))

    await live(config, tmp_path / "other.db", kind=Behind)
    assert await counted(config) == before


async def test_a_store_of_another_topic_is_not_used(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """What a topic of the same name left behind before it was made anew is dropped."""
    one = joins_config(embedded_broker.bootstrap, tmp_path)
    other = joins_config(embedded_broker.bootstrap, tmp_path)
    for config in (one, other):
        await fill(config, LOGS)
        await live(config, tmp_path / "labels.db")
    assert await pairs_of(other) == LOGS.pairs


async def test_a_broken_store_is_made_anew(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """A file that is no store, or only a part of one, costs nothing but time."""
    config, path = joins_config(embedded_broker.bootstrap, tmp_path), tmp_path / "labels.db"
    await fill(config, LOGS)
    await live(config, path, Countdown("after_commit", 3))
    path.write_bytes(b"SQLite format 3\0" + bytes(5000))
    await live(config, path)
    assert await pairs_of(config) == LOGS.pairs


async def test_an_owner_that_comes_back_is_not_heard(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """What an owner writes after its successor has begun does not count, and it notices."""
    config = joins_config(embedded_broker.bootstrap, tmp_path)
    await fill(config, LOGS)
    frozen, thaw = asyncio.Event(), asyncio.Event()

    class Frozen(MortalJoiner):
        async def _publish(self, *given: object) -> object:
            frozen.set()
            await thaw.wait()
            return await super()._publish(*given)

    async with open_producer(config) as producer:
        store = Store(tmp_path / "old.db", 2**20)
        metrics = JoinMetrics(Metrics(CollectorRegistry()))
        old = Frozen(
            config, 0, store, (producer, AlertPublisher(config, producer)), metrics, lambda _: False
        )
        old.kill = Countdown()
        task = asyncio.create_task(old.run(0))
        await frozen.wait()
        assert not await live(config, tmp_path / "new.db", generation=1)
        thaw.set()
        with pytest.raises(FencedError):
            await task
        store.close()
    values = [record.value for record in await records(config, "outcomes") if record.value]
    assert len(values) > len(await counted(config))  # the old one did write
    assert await pairs_of(config) == LOGS.pairs
    # What it had done by then was not told: its store must not say that it was.
    assert not await live(config, tmp_path / "old.db", generation=2)
    assert await pairs_of(config) == LOGS.pairs


async def test_a_stop_waits_for_the_store(embedded_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Stopped in the middle of a portion, a join ends that first: nobody closes its file then."""
    config, path = joins_config(embedded_broker.bootstrap, tmp_path), tmp_path / "labels.db"
    await fill(config, LOGS)
    begun, go_on = threading.Event(), threading.Event()
    async with open_producer(config) as producer:
        store = Store(path, 2**20)
        metrics = JoinMetrics(Metrics(CollectorRegistry()))
        joiner = MortalJoiner(
            config, 0, store, (producer, AlertPublisher(config, producer)), metrics, lambda _: False
        )
        joiner.kill = Countdown()
        process = joiner._join.process

        def slow(records: object) -> object:
            begun.set()
            go_on.wait()
            return process(records)  # type: ignore[arg-type]

        joiner._join.process = slow  # type: ignore[assignment,method-assign]
        task = asyncio.create_task(joiner.run(0))
        await asyncio.to_thread(begun.wait)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        go_on.set()
        await asyncio.wait({task})
        store.close()
    assert not await live(config, path)
    assert await pairs_of(config) == LOGS.pairs


async def test_a_stop_repeats_no_dead_letter(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Stopped while a dead letter is published, a join commits it: the next one goes on behind."""
    config, path = joins_config(embedded_broker.bootstrap, tmp_path), tmp_path / "labels.db"
    await ensure_topics(config)
    await write(config, "labels", b"not a label")
    confirmed, go_on = asyncio.Event(), asyncio.Event()

    class Slow(AlertPublisher):
        async def publish(self, *given: Any) -> frozenset[str]:
            lost = await super().publish(*given)
            confirmed.set()
            await go_on.wait()
            return lost

    async with open_producer(config) as producer:
        store = Store(path, 2**20)
        metrics = JoinMetrics(Metrics(CollectorRegistry()))
        joiner = Joiner(
            config, 0, store, (producer, Slow(config, producer)), metrics, lambda _: False
        )
        task = asyncio.create_task(joiner.run(0))
        await confirmed.wait()
        task.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.wait({task})
        store.close()
    assert not await live(config, path)
    assert len(await records(config, "dead_letters")) == 1
