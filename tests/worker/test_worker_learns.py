"""A worker whose online models learn in a process of their own."""

import asyncio
from typing import Any

from transport.learning import config_of, fill, offline, outcomes, published
from worker.running import idle, total, until, worker_of

from streamproc.broker import EmbeddedBroker

ROWS = 400


async def test_a_worker_answers_and_learns(embedded_broker: EmbeddedBroker) -> None:
    """With `online` in the config the outcomes are learned from, and its metrics are shown."""
    config = config_of(embedded_broker.bootstrap)
    await fill(config, list(outcomes(ROWS)))
    async with worker_of(config) as (worker, registry):
        await idle(worker)
        assert worker.failure is None
        assert total(registry, "learn_answers_total") == ROWS
        assert total(registry, "learn_lag_records") == 0
    assert await published(config) == (await offline(config))[:2]


async def test_a_learning_process_that_dies_ends_its_worker(
    embedded_broker: EmbeddedBroker,
) -> None:
    """Nothing goes on silently without learning: the worker fails, and says why."""
    config = config_of(embedded_broker.bootstrap)
    failed: list[Any] = []
    try:
        async with worker_of(config) as (worker, _):
            await until(lambda: worker.unready() is None)
            assert worker._learning is not None
            assert worker._learning._process is not None
            worker._learning._process.kill()
            await asyncio.wait_for(worker.stopped.wait(), 60)
    except Exception as error:  # noqa: BLE001  what it is, is looked at below
        failed.append(error)
    assert "online models ended with -9" in str(failed[0])


async def test_without_online_models_no_process_is_started(
    embedded_broker: EmbeddedBroker,
) -> None:
    """Who has nothing to learn pays nothing for it."""
    config = config_of(embedded_broker.bootstrap, models=[])
    async with worker_of(config) as (worker, registry):
        await idle(worker)
        assert worker._learning is None
        assert total(registry, "learn_records_total") == 0
