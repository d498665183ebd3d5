"""Online models that outlive their worker, on Apache Kafka."""

import asyncio
import random
import re
import signal
from pathlib import Path

import pytest
from apache.kafka import ApacheKafka
from worker.online.online_workers import MODEL, kept, offline, published
from worker.running import PATIENCE, WorkerProcess, publish, settings
from worker.test_worker_choices import flipping

from streamproc.config.load import load

# So many that learning them takes long enough to be killed in the middle of it three times.
EVENTS = 10_000


async def _lag(worker: WorkerProcess) -> float:
    """Return how many records are not joined or not learned yet."""
    _, text = await worker.get("/metrics")
    found = re.findall(r"^streamproc_(?:labels|learn)_lag_records{.*} (\S+)$", text, re.MULTILINE)
    return sum(map(float, found)) if len(found) == 2 else 1.0


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.nightly)])
async def test_a_worker_killed_in_the_middle_of_learning(
    seed: int, apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    """Killed at three moments, answers, steps and models are those of an undisturbed run."""
    online = {"model": MODEL, "on_drift": "replace", "interval": "10s"}
    said = settings(
        apache_kafka.bootstrap,
        topics={"partitions": 1},
        limits={"slice_records": 20},
        snapshots={"interval": "200ms"},
        models=[{"id": "m", "task": "binary", "online": online}],
        labels={"store": str(tmp_path / "labels")},
    )
    config = load(said)
    await publish(config, flipping(EVENTS, EVENTS // 2))
    draw = random.Random(seed)
    for _ in range(3):
        async with WorkerProcess(tmp_path, said) as worker:
            await worker.has_counted("learn_records_total", above=draw.randrange(EVENTS // 10))
            worker.send(signal.SIGKILL)
            assert await worker.exit_code() == -signal.SIGKILL
    async with WorkerProcess(tmp_path, said) as worker:
        async with asyncio.timeout(PATIENCE):
            while await _lag(worker):  # noqa: ASYNC110  there is no event to wait for
                await asyncio.sleep(0.2)
        worker.send(signal.SIGTERM)
        assert await worker.exit_code() == 0
    answers, updates, state = await offline(config)
    assert len(answers) == EVENTS
    assert {each.step for each in updates} > {"learned"}
    assert await published(config) == (answers, updates)
    assert await kept(config) == state
