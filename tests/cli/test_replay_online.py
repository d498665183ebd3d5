"""`replay --compare` where online models raise alerts."""

from worker.online.flipping import flipping
from worker.running import idle, own_config, publish, total, until, worker_of

from streamproc.cli.replay_run import compare


async def test_alerts_of_online_models_are_replayed(bootstrap: str) -> None:
    """A run with an alert about an online model's error is equal, and the alert is compared."""
    online = {"model": "naive_bayes.GaussianNB"}
    config = own_config(bootstrap, models=[{"id": "m", "task": "binary", "online": online}])
    async with worker_of(config) as (worker, registry):
        await until(lambda: worker.unready() is None)
        sent = await publish(config, flipping())
        await until(lambda: total(registry, "learn_records_total") >= sent)
        await idle(worker)
    found = await compare(config)
    assert "metric:online_error" in {each["series"] for each in found.found.alerts.values()}
    assert found.differences == []
