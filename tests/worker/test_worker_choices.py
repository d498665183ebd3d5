"""An operator chooses which version of an online model answers, on a running worker."""

import pytest
from broker_topics import records
from worker.online.flipping import EVENTS, flipping
from worker.running import idle, own_config, publish, total, until, worker_of

from streamproc.cli.models_promote import choose
from streamproc.client.control import send_command
from streamproc.config.config import Config
from streamproc.schemas.model_command import Choice
from streamproc.schemas.model_updates import ModelUpdate

SECRET = "correct horse battery staple 1234"  # noqa: S105  of this test


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL", SECRET)


def config_of(bootstrap: str) -> Config:
    """Return a config whose challengers are never promoted by themselves."""
    online = {
        "model": "naive_bayes.GaussianNB",
        "on_drift": "challenge",
        "level": 1e-300,
        "patience": 1_000_000,
        "probation": 1_000_000,
    }
    models = [{"id": "m", "task": "binary", "watch": [], "online": online}]
    return own_config(bootstrap, control={"secret_env": "CONTROL"}, models=models)


async def steps(config: Config) -> list[tuple[str, int, int]]:
    """Return every step but learning: what, of which version, and which answers then."""
    found = [ModelUpdate.from_json(each.value) for each in await records(config, "model_updates")]
    return [(each.step, each.version, each.serving) for each in found if each.step != "learned"]


async def test_promote_and_rollback(bootstrap: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Both take effect among the outcomes, are printed as steps, and are not obeyed twice."""
    config = config_of(bootstrap)
    async with worker_of(config) as (worker, registry):
        await until(lambda: worker.unready() is None)
        await publish(config, flipping())
        await until(lambda: total(registry, "learn_records_total") >= 2 * EVENTS)
        [(step, challenger, serving)] = await steps(config)
        assert (step, serving) == ("challenger", 1)
        await choose(config, "promote", Choice(model_id="m"))
        assert f"promoted    m v{challenger}" in capsys.readouterr().out
        await choose(config, "rollback", Choice(model_id="m", version=1))
        assert "rolled_back m v1" in capsys.readouterr().out
        assert worker.failure is None
    told = await steps(config)
    assert [(what, serving) for what, _, serving in told[:3]] == [
        ("challenger", 1),
        ("promoted", challenger),
        ("rolled_back", 1),
    ]
    async with worker_of(config) as (worker, registry):  # it reads the commands again
        await until(lambda: total(registry, "control_commands_total", outcome="forwarded") == 2)
        await idle(worker)
    assert await steps(config) == told


async def test_a_command_that_is_sent_while_no_worker_runs(bootstrap: str) -> None:
    """The next worker writes it once it owns the model's partition."""
    config = config_of(bootstrap)
    async with worker_of(config) as (worker, registry):
        await until(lambda: worker.unready() is None)
        await publish(config, flipping())
        await until(lambda: total(registry, "learn_records_total") >= 2 * EVENTS)
    await send_command("promote", {"model_id": "m"}, config=config)
    async with worker_of(config) as (worker, registry):
        await until(lambda: total(registry, "control_commands_total", outcome="forwarded") == 1)
        await until(lambda: total(registry, "learn_records_total") > 0)
        await idle(worker)
    assert [what for what, _, _ in await steps(config)] == ["challenger", "promoted"]
