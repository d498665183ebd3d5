"""A worker whose joins or learners stand still says so, and ends when a restart can help."""

import asyncio
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from faults.rows import disk, hung
from worker.join.joining import joins_config
from worker.online.online_workers import MODEL, fill, outcomes
from worker.procfs import alive, learners
from worker.running import PATIENCE, own_config, publish, settings, total, until, worker_of

from streamproc.broker import EmbeddedBroker
from streamproc.config.config import Config
from streamproc.join.join import Join
from streamproc.kafka.errors import WorkerError
from streamproc.worker.online import online_process


async def test_a_full_disk_is_reported_and_costs_nothing(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Not ready, one alert, nothing claimed again; what waited is joined once there is space."""
    said = settings(embedded_broker.bootstrap, topics={"partitions": 1})
    await disk.scenario(said | {"labels": {"store": str(tmp_path)}}, tmp_path)


async def test_hung_learners_leave_no_orphan(
    embedded_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """A supervisor starts workers with hung learners again; its own end ends them, too."""
    await hung.scenario(settings(embedded_broker.bootstrap, topics={"partitions": 1}), tmp_path)


async def test_a_hung_learner_shows_its_lag_and_ends_its_worker(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lag is that of the cluster, the worker is not ready, and then ends with the reason."""
    for name in ("SILENT_SECONDS", "LOOK_SECONDS", "STOP_SECONDS"):
        monkeypatch.setattr(online_process, name, 1.0)
    config = own_config(
        embedded_broker.bootstrap,
        topics={"partitions": 1},
        limits={"stall": "10s"},
        models=[{"id": "m", "task": "binary", "online": {"model": MODEL}}],
    )
    rows = list(outcomes(400))
    await fill(config, rows[:100])
    stopped: list[int] = []
    with pytest.raises(WorkerError, match="online models has not answered"):
        await _until_its_learner_hangs(config, rows[100:], stopped)
    assert not any(map(alive, stopped))


async def _until_its_learner_hangs(
    config: Config, rest: list[dict[str, Any]], stopped: list[int]
) -> None:
    async with worker_of(config) as (worker, registry):
        await until(lambda: total(registry, "learn_answers_total") > 59)
        stopped += learners(os.getpid())
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        await fill(config, rest)
        await until(lambda: total(registry, "learn_lag_records") > 100)
        await until(lambda: worker.unready() is not None)
        assert "online models has not answered" in str(worker.unready())
        async with asyncio.timeout(PATIENCE):
            await worker.stopped.wait()


async def test_a_join_that_hangs_ends_its_worker(
    embedded_broker: EmbeddedBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that never answers keeps a thread; the worker ends without it, with the reason."""
    config = joins_config(embedded_broker.bootstrap, tmp_path, limits={"stall": "2s"})
    let_go, hangs = threading.Event(), threading.Event()

    class Hanging(Join):
        """The join of a worker; its warm-up has another one."""

        def process(self, records: Any) -> Any:
            hangs.set()
            let_go.wait()
            return super().process(records)

    monkeypatch.setattr("streamproc.worker.join.task.Join", Hanging)
    monkeypatch.setattr("streamproc.worker.join.join_manager.STOP_SECONDS", 0.5)
    await publish(config, [{"model_id": "m", "event_id": "1", "prediction": 0.5}])
    await publish(config, [{"model_id": "m", "event_id": "1", "label": 1, "ts": 0}])
    try:
        with pytest.raises(WorkerError, match="records wait, none was joined"):
            await _until_it_ends(config, hangs)
    finally:
        let_go.set()


async def _until_it_ends(config: Config, hangs: threading.Event) -> None:
    async with worker_of(config) as (worker, registry):
        await until(hangs.is_set)
        async with asyncio.timeout(PATIENCE):
            await worker.stopped.wait()
        assert total(registry, "labels_lag_records") == 2
        assert total(registry, "stalled_seconds", part="labels") > 2
