"""Alerts from a worker to webhooks."""

import asyncio
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from alert_factory import alert
from broker_topics import records, write
from sinks.receiver import Receiver, receiving
from worker.running import (
    WorkerProcess,
    idle,
    own_config,
    publish,
    settings,
    total,
    until,
    watch_all,
    worker_of,
)
from worker.scenarios import story

from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.errors import ConfigError
from streamproc.kafka.topics import ensure_topics
from streamproc.schemas.alerts import AlertEvent

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl makes the certificate"
)


def with_hooks(config: Config, *hooks: dict[str, Any]) -> Config:
    """Return a config with other webhooks."""
    return config.model_copy(update={"webhooks": load({"webhooks": list(hooks)}).webhooks})


async def told(config: Config) -> list[AlertEvent]:
    """Return the alerts on the topic."""
    return [AlertEvent.from_json(record.value) for record in await records(config, "alerts")]


async def test_alerts_reach_a_webhook(bootstrap: str, pair: tuple[Path, Path]) -> None:
    """What a worker publishes is posted as it is on the topic; what a webhook leaves out is not."""
    config = own_config(bootstrap)
    async with receiving(pair) as all_of_it, receiving(pair) as ends:
        config = with_hooks(
            config, all_of_it.section("all"), ends.section("ends", statuses=["settled"])
        )
        await publish(config, story())
        async with worker_of(config) as (worker, registry):
            await idle(worker)
            bodies = {record.value for record in await records(config, "alerts")}
            await until(lambda: len(all_of_it.got) >= len(bodies))
            settled = {body for body in bodies if AlertEvent.from_json(body).status == "settled"}
            await until(lambda: len(ends.got) >= len(settled))
            await until(lambda: total(registry, "webhook_lag_records") == 0)
            assert total(registry, "webhook_delivered_total", webhook="all") == len(bodies)
            assert total(registry, "webhook_dropped_total") == 0
    assert len(bodies) > len(settled) > 0
    assert sorted(body for _, body in all_of_it.got) == sorted(bodies)
    assert sorted(body for _, body in ends.got) == sorted(settled)


async def test_a_webhook_that_fails_holds_up_nobody(
    bootstrap: str, pair: tuple[Path, Path]
) -> None:
    """One that hangs and one that fails cost neither Kafka nor another webhook an alert."""
    config = own_config(bootstrap)
    async with (
        receiving(pair, None) as hanging,
        receiving(pair, 500) as failing,
        receiving(pair) as healthy,
    ):
        config = with_hooks(
            config,
            hanging.section("hanging"),
            failing.section("failing", give_up_after="1s"),
            healthy.section("healthy"),
        )
        await publish(config, story())
        async with worker_of(config) as (worker, registry):
            await idle(worker)
            ids = {each.alert_id for each in await told(config)}
            await until(lambda: ids <= set(healthy.ids))
            dropped = lambda: total(registry, "webhook_dropped_total", reason="gave_up")  # noqa: E731
            await until(lambda: dropped() >= len(ids))
            assert total(registry, "webhook_failures_total", webhook="failing") >= 1
            assert total(registry, "webhook_lag_records", webhook="hanging") > 0
            assert worker.failure is None
            ids = {each.alert_id for each in await told(config)}  # with those about the drops
    assert set(failing.ids) <= ids
    assert len(set(hanging.ids)) <= 1


async def test_a_webhook_begins_with_what_comes(bootstrap: str, pair: tuple[Path, Path]) -> None:
    """A new webhook hears nothing of the past, and one that was away misses nothing."""
    config = own_config(bootstrap)
    await ensure_topics(config)
    await write(config, "alerts", alert("past").to_json())
    async with receiving(pair) as receiver:
        config = with_hooks(config, receiver.section("pager"))
        await watch_all(config)  # it begins here
        await write(config, "alerts", alert("away").to_json())
        async with worker_of(config):
            await until(lambda: receiver.ids == ["away"])
            await write(config, "alerts", b"no alert", alert("there").to_json())
            await until(lambda: receiver.ids == ["away", "there"])


async def test_a_webhook_goes_on_where_it_was(
    apache_kafka: Any, pair: tuple[Path, Path], tmp_path: Path
) -> None:
    """An alert that a killed worker had not brought to its end is brought by the next one."""
    async with receiving(pair, 200, None) as receiver:
        said = settings(apache_kafka.bootstrap, webhooks=[receiver.section("pager")])
        config = load(said)
        async with WorkerProcess(tmp_path, said) as worker:
            await worker.port()
            await write(config, "alerts", alert("one").to_json(), alert("two").to_json())
            await until(lambda: receiver.ids == ["one", "two"])
            worker.send(signal.SIGKILL)
            await worker.exit_code()
        receiver.answers = [200]
        async with WorkerProcess(tmp_path, said) as worker:
            await until(lambda: receiver.ids[2:] == ["two"])
            assert await worker.stop() == 0


async def test_two_workers_share_the_alerts(apache_kafka: Any, pair: tuple[Path, Path]) -> None:
    """Each alert is sent by the one worker that has its partition."""
    config = own_config(apache_kafka.bootstrap, topics={"partitions": 2})
    async with receiving(pair) as receiver:
        config = with_hooks(config, receiver.section("pager"))
        async with worker_of(config) as (_, one), worker_of(config) as (_, other):
            lots: list[str] = []

            async def both() -> bool:
                """Write an alert for each of some models, until both workers have sent some."""
                for model in "abcdefgh":
                    lots.append(f"{len(lots)}")
                    body = alert(lots[-1], model_id=model).to_json()
                    await write(config, "alerts", body, key=model.encode())
                await until(lambda: len(set(receiver.ids)) == len(lots))
                return all(total(each, "webhook_delivered_total") for each in (one, other))

            async with asyncio.timeout(60):
                while not await both():
                    pass  # each look waits for the receiver
    assert set(receiver.ids) == set(lots)


@pytest.mark.parametrize("flags", [(), ("--processes", "2")])
async def test_a_target_that_may_not_be_sent_to_is_told_at_once(
    flags: tuple[str, ...], tmp_path: Path
) -> None:
    """A worker whose webhook cannot be sent to ends with 2 before it connects to anything."""
    hook = {"name": "pager", "url": "http://hooks.example.org/T0KEN", "allow": ["a.example.org"]}
    async with WorkerProcess(tmp_path, settings("127.0.0.1:9", webhooks=[hook]), *flags) as worker:
        assert await worker.exit_code() == 2
    refused = "webhook target refused: expected https://, found http://"
    assert worker.stderr == f"error: webhooks[0].url: {refused}\n"


async def test_a_secret_that_is_missing_is_told_before_anything_is_made(bootstrap: str) -> None:
    """A worker whose webhook has no URL here does not start, and makes no topic."""
    config = own_config(bootstrap)
    hook = {"name": "pager", "url_env": "MISSING", "allow": ["hooks.example.org"]}
    with pytest.raises(ConfigError, match=r"webhooks\[0\]\.url_env: the variable"):
        async with worker_of(with_hooks(config, hook)):
            pass
    assert len(await ensure_topics(config)) == len(config.kinds)


def test_a_receiver_is_what_it_says(pair: tuple[Path, Path]) -> None:
    """The config that these tests give is one."""
    receiver = Receiver(443, pair[0], [200], {}, 0.0)
    assert load({"webhooks": [receiver.section("pager")]}).webhooks[0].name == "pager"
