"""A worker whose online models learn in a process of their own."""

import asyncio
from typing import Any

from worker.online.online_workers import config_of, fill, offline, outcomes, published
from worker.running import PATIENCE, idle, publish, total, until, worker_of

from streamproc.broker import EmbeddedBroker
from streamproc.client import Alerts, ModelUpdates
from streamproc.config.config import Config
from streamproc.schemas.alerts import AlertEvent

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
            await until(lambda: worker.failure or worker.unready() is None)
            assert worker._learning is not None
            assert worker._learning._process is not None
            worker._learning._process.kill()
            await asyncio.wait_for(worker.stopped.wait(), 60)
    except Exception as error:  # noqa: BLE001  what it is, is looked at below
        failed.append(error)
    assert "online models exited with code -9" in str(failed[0])


async def test_without_online_models_no_process_is_started(
    embedded_broker: EmbeddedBroker,
) -> None:
    """Who has nothing to learn pays nothing for it."""
    config = config_of(embedded_broker.bootstrap, models=[])
    async with worker_of(config) as (worker, registry):
        await idle(worker)
        assert worker._learning is None
        assert total(registry, "learn_records_total") == 0


async def test_a_slow_model_delays_no_alert_of_another_and_its_lag_is_seen(
    embedded_broker: EmbeddedBroker,
) -> None:
    """While an ensemble of a thousand models is behind, drift elsewhere is told; metrics say both.

    It takes tens of milliseconds for each of 4,000 outcomes. The drift is published once its lag
    is on the metrics, and the alert is there before the ensemble is done.
    """
    part = {"naive_bayes.GaussianNB": {}}
    slow = {"ensemble.BaggingClassifier": {"model": part, "n_models": 1000}}
    config = config_of(
        embedded_broker.bootstrap,
        limits={"slice_records": 20},
        models=[{"id": "m", "online": {"model": slow}}],
    )
    log = list(outcomes(2000))
    await fill(config, log)
    async with worker_of(config) as (worker, registry):
        await until(lambda: worker.failure or total(registry, "learn_lag_records") > 0)
        assert worker._learning is not None
        behind = await worker._learning.behind()
        events = [_seen(number, 0.0 if number < 500 else 8.0) for number in range(800)]
        alert = (await asyncio.gather(_first_alert(config), publish(config, events)))[0]
        assert (alert.model_id, alert.series, alert.kind) == ("other", "feature:x", "data")
        assert alert.source.offset < len(events)
        assert behind
        assert await worker._learning.behind()
        # the join's claim of the partition is one record more
        assert 0 < total(registry, "learn_lag_records") <= len(log) + 1
        assert total(registry, "learn_records_total") < len(log)
        assert worker.failure is None


def _seen(number: int, level: float) -> dict[str, Any]:
    return {"model_id": "other", "features": {"x": level + number * 37 % 101 / 101}}


async def _first_alert(config: Config) -> AlertEvent:
    async with asyncio.timeout(PATIENCE), Alerts(config=config) as alerts:
        return await anext(aiter(alerts))


async def test_a_subscriber_ends_with_the_last_parameters(embedded_broker: EmbeddedBroker) -> None:
    """Labels that all come within an interval are known to who predicts locally, soon after."""
    config = config_of(embedded_broker.bootstrap, online={"interval": "1s"})
    log = list(outcomes(ROWS))
    ts = "2026-01-01T00:00:00Z"
    await fill(config, [event | {"ts": ts} for event in log])
    async with worker_of(config), ModelUpdates(config=config) as models:
        async with asyncio.timeout(PATIENCE):
            update = await anext(aiter(models))
        answer = models.predict("m", {"a": 0.9, "b": 0.1})
    assert update.step == "learned"
    assert update.learned == answer.learned == ROWS
    assert answer.prediction is True
