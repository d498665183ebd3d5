"""Labels through a whole worker, on the embedded broker and on Apache Kafka."""

import asyncio
import random
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from apache.kafka import ApacheKafka
from broker_topics import records, write
from label_logs import BEGIN, DAY, Logs, Pair, hard_logs
from worker.join.joining import counted, fill, joins_config, pairs_of
from worker.running import (
    LOOK_SECONDS,
    PATIENCE,
    WorkerProcess,
    idle,
    publish,
    settings,
    total,
    until,
    watch_all,
    worker_of,
)

from streamproc.config.load import load
from streamproc.config.topics import TopicKind
from streamproc.kafka.clients import open_admin
from streamproc.kafka.topics import ensure_topics

LOGS = hard_logs(2000, seed=8)


async def test_every_pair_is_joined_exactly_once(bootstrap: str, tmp_path: Path) -> None:
    """Labels shuffled, three times, revised, missing and early: the joined multiset is right."""
    config = joins_config(bootstrap, tmp_path)
    await fill(config, LOGS)

    async with worker_of(config) as (worker, registry):
        await idle(worker)
        waiting = total(registry, "labels_pending")

    assert await pairs_of(config) == LOGS.pairs
    assert waiting == len(LOGS.events) + len(LOGS.events) // 10
    assert total(registry, "outcomes_total") == len(await counted(config))
    assert total(registry, "label_to_outcome_seconds_count") == len(await counted(config))


async def test_labels_that_come_while_a_worker_runs_are_joined(
    bootstrap: str, tmp_path: Path
) -> None:
    """A worker that never saw a label begins to join when the first one comes."""
    config = joins_config(bootstrap, tmp_path)
    await ensure_topics(config)
    async with worker_of(config) as (worker, registry):
        await publish(config, LOGS.events)
        await until(lambda: total(registry, "events_total") == len(LOGS.events))
        assert worker._joins is not None
        assert not worker._joins.joiners
        await publish(config, LOGS.labels)
        await until(lambda: total(registry, "outcomes_total") >= LOGS.pairs.total())
        await until(lambda: worker._joins is not None and not worker._joins.behind())
    assert await pairs_of(config) == LOGS.pairs


async def test_a_label_that_is_none_is_a_dead_letter_once(bootstrap: str, tmp_path: Path) -> None:
    """It is there with its topic, offset and reason; a restart does not repeat it."""
    config = joins_config(bootstrap, tmp_path)
    await ensure_topics(config)
    await write(config, "labels", b'{"model_id": "m", "label": 1}')
    for _ in range(2):
        await watch_all(config)
    [letter] = await records(config, "dead_letters")
    headers = dict(letter.headers)
    assert (headers["topic"], headers["offset"], headers["reason"]) == (
        config.topics.full_name("labels").encode(), b"0", b"missing_field",
    )  # fmt: skip


async def test_late_labels_are_counted(bootstrap: str, tmp_path: Path) -> None:
    """A label past the horizon is published as late, with nothing to learn from."""
    config = joins_config(bootstrap, tmp_path, labels={"horizon": "1d"})
    name = {"model_id": "m", "event_id": "1"}
    await publish(config, [name | {"ts": BEGIN, "prediction": 0.5, "features": {"a": 1}}])
    await publish(config, [name | {"ts": BEGIN + 1.5 * DAY, "label": 1}])

    registry = await watch_all(config)

    [row] = await counted(config)
    assert (row.status, row.features, row.prediction) == ("late", None, None)
    assert total(registry, "outcomes_total", status="late") == 1


async def test_coverage_is_told_by_score_and_segment(
    bootstrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels that come for high scores of one region show in its figures, and in theirs."""
    monkeypatch.setattr("streamproc.worker.join.task.COVERAGE_SECONDS", 0.0)
    config = joins_config(bootstrap, tmp_path, labels={"horizon": "1h", "segments": ["region"]})
    events, labels = [], []
    for number in range(40):
        name = {"model_id": "m", "event_id": str(number)}
        region, score = ("eu", 0.9) if number % 4 else ("us", 0.1)
        told = name | {"ts": BEGIN + number, "prediction": score, "tags": {"region": region}}
        events.append(told)
        if region == "eu":
            labels.append(name | {"ts": BEGIN + 60, "label": 1})
    for name in ("end1", "end2", "end3"):
        end = {"model_id": "m", "event_id": name, "ts": BEGIN + 5400}
        events.append(end | {"prediction": 0.5})
        labels.append(end | {"label": 1})
    await publish(config, [*events, *labels])

    registry = await watch_all(config)

    within = {"model": "m", "within": "1h"}
    assert total(registry, "label_coverage_ratio", **within) == 0.75
    of = "label_coverage_part_ratio"
    for by, some, others in (("score", "0.9", "0.1"), ("tag:region", "eu", "us")):
        assert total(registry, of, by=by, value=some, **within) == 1.0
        assert total(registry, of, by=by, value=others, **within) == 0.0


async def test_topics_that_cannot_be_joined_are_named(
    bootstrap: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Unequal numbers of partitions: the worker says what to do, and goes on watching."""
    said = settings(bootstrap, labels={"store": str(tmp_path)}, topics={"partitions": 2})
    config = load(said)
    async with open_admin(config) as admin:
        counts: dict[TopicKind, int] = {"predictions": 3, "labels": 2}
        await admin.create_topics(
            [NewTopic(config.topics.full_name(kind), count, 1) for kind, count in counts.items()]
        )
    await publish(config, [*LOGS.events[:10], *LOGS.labels[:10]])

    registry = await watch_all(config)

    assert "add partitions to the smaller ones" in caplog.text
    assert total(registry, "events_total") == 10


@pytest.mark.kafka
async def test_killed_workers_lose_and_double_nothing(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Killed at three moments under load, one of them with its store: every pair is told once."""
    said = settings(
        apache_kafka.bootstrap, topics={"partitions": 1}, labels={"store": str(tmp_path / "store")}
    )
    config = load(said)
    logs = hard_logs(12_000, seed=4)
    await fill(config, logs)
    draw = random.Random(4)
    for number in range(3):
        async with WorkerProcess(tmp_path, said) as worker:
            await worker.has_counted("outcomes_total", above=draw.randrange(600, 2400))
            worker.send(signal.SIGKILL)
            assert await worker.exit_code() == -signal.SIGKILL
        if number == 1:
            await asyncio.to_thread(shutil.rmtree, tmp_path / "store")
    async with WorkerProcess(tmp_path, said) as worker:
        await _all_joined(worker)
        worker.send(signal.SIGTERM)
        assert await worker.exit_code() == 0
    assert await pairs_of(config) == logs.pairs


@pytest.mark.kafka
async def test_a_partition_that_moves_is_joined_on(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Workers that come and go, each with a store of its own, tell every pair once."""
    said = settings(apache_kafka.bootstrap, topics={"partitions": 4})
    one, other = (load(said | {"labels": {"store": str(tmp_path / name)}}) for name in "ab")
    logs = [_of_model(hard_logs(1000, seed), f"model-{seed}") for seed in range(8)]
    async with worker_of(one) as (_, first):
        for log in logs:
            await publish(one, log.events)
            await publish(one, log.labels[: len(log.labels) // 2])
        await until(lambda: total(first, "outcomes_total") > 1000)
        async with worker_of(other) as (_, second):
            for log in logs:
                await publish(one, log.labels[len(log.labels) // 2 :])
            await until(lambda: total(second, "outcomes_total") > 500)
    await watch_all(one)
    assert await pairs_of(one) == sum((log.pairs for log in logs), start=Counter[Pair]())


async def _all_joined(worker: WorkerProcess) -> None:
    """Wait until a worker has joined all that is on its topics."""
    async with asyncio.timeout(2 * PATIENCE):
        text = ""
        while 'labels_lag_records{partition="0"} 0.0' not in text:
            await asyncio.sleep(LOOK_SECONDS)
            _, text = await worker.get("/metrics")


def _of_model(logs: Logs, model: str) -> Logs:
    """Give the same logs for another model, whose events have names of their own."""

    def renamed(event: dict[str, Any]) -> dict[str, Any]:
        return event | {"model_id": model, "event_id": f"{model}-{event['event_id']}"}

    pairs = Counter(
        {(said, f"{model}-{name}", *rest): n for (said, name, *rest), n in logs.pairs.items()}
    )
    return Logs([*map(renamed, logs.events)], [*map(renamed, logs.labels)], pairs)
