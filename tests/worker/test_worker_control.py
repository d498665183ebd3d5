"""Commands to a running worker, as an operator sends them."""

import pytest
from broker_topics import records, write
from worker.running import own_config, publish, total, until, worker_of
from worker.scenarios import story

from streamproc.client.control import send_command
from streamproc.errors import ConfigError
from streamproc.kafka.topics import has_topic

SECRET = "correct horse battery staple 1234"  # noqa: S105  of this test


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL", SECRET)


async def test_a_command_reaches_a_worker_and_its_copy_does_not(bootstrap: str) -> None:
    """`save` writes the state down at once; the same record sent again is refused and counted."""
    config = own_config(bootstrap, control={"secret_env": "CONTROL"}, snapshots={"interval": "1h"})
    await publish(config, story(models=1))
    async with worker_of(config) as (worker, registry):
        await until(lambda: worker.idle_seconds() > 0.1)
        before = total(registry, "snapshots_total")
        sent = await send_command("save", config=config)
        await until(lambda: total(registry, "control_commands_total", outcome="done") == 1)
        assert total(registry, "snapshots_total") > before
        after = total(registry, "snapshots_total")
        [record] = await records(config, "control")
        await write(config, "control", record.value)
        await until(lambda: total(registry, "control_refused_total", reason="replayed") == 1)
        assert total(registry, "snapshots_total") == after
        assert worker.failure is None
    async with worker_of(config) as (_, registry):  # the copy is known after a restart, too
        await write(config, "control", record.value)
        await until(lambda: total(registry, "control_refused_total", reason="replayed") == 1)
    assert sent.verb == "save"


async def test_forged_commands_change_nothing(bootstrap: str) -> None:
    """A command signed with another secret is refused and counted, and the worker goes on."""
    config = own_config(bootstrap, control={"secret_env": "CONTROL"})
    async with worker_of(config) as (worker, registry):
        await write(config, "control", b"0" * 64 + b'\n{"verb": "save"}', b"save")
        await until(lambda: total(registry, "control_refused_total") == 2)
        assert total(registry, "control_commands_total") == 0
        assert worker.failure is None


async def test_without_control_there_is_no_topic(bootstrap: str) -> None:
    """A worker that was told nothing of commands makes no topic for them, and sends none."""
    config = own_config(bootstrap)
    async with worker_of(config):
        assert not await has_topic(config, config.topics.full_name("control"))
    with pytest.raises(ConfigError, match="control: set `secret_env` or `secret_file`"):
        await send_command("save", config=config)
