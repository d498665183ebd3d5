"""Many models that are released together, from events to a pager, on Apache Kafka."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sinks.strict import strict_receiver
from sinks.test_pagerduty import EVENTS as PATH
from sinks.test_pagerduty import KEY, check
from worker.incidents.test_incidents_worker import becomes
from worker.running import own_config, publish, until, worker_of

from streamproc.client.control import send_command
from streamproc.config.config import Config
from streamproc.config.load import load
from streamproc.incidents.records import StoredValues
from streamproc.kafka.topics import ensure_topics

MODELS, EVENTS, RELEASE = 50, 900, 700
START = 1_767_225_600  # 2026-01-01
NAMES = [f"model-{number}" for number in range(MODELS)]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate"),
]


def events() -> Iterator[dict[str, Any]]:
    """Give events without versions; from the release on another feature moves in each model."""
    draw = random.Random(5)
    for index in range(EVENTS):
        for number, name in enumerate(NAMES):
            moved = 6.0 if index >= RELEASE else 0.0
            yield {
                "model_id": name,
                "event_id": f"{index}",
                "ts": START + 10 * index,
                "features": {f"f{number}": draw.gauss(moved, 1), "steady": draw.gauss(0, 1)},
                "prediction": draw.random(),
            }


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL", "correct horse battery staple 1234")
    monkeypatch.setenv("PAGERDUTY_KEY", KEY)


@pytest.mark.parametrize(("announced", "pages"), [(True, 1), (False, MODELS)])
async def test_models_that_are_announced_together_are_one_notification(
    apache_kafka: Any, pair: tuple[Path, Path], *, announced: bool, pages: int
) -> None:
    """Fifty models that change with their release page once; without an announcement each does."""
    config = own_config(
        apache_kafka.bootstrap, control={"secret_env": "CONTROL"}, policy={"group_wait": "2s"}
    )
    await ensure_topics(config)
    async with strict_receiver(pair, check) as pagerduty:
        pager = pagerduty.settings(
            *("pagerduty",), url=f"{pagerduty.url}{PATH}", routing_key_env="PAGERDUTY_KEY"
        )
        config = config.model_copy(
            update={"sinks": load({"sinks": [pager | {"once": "incident"}]}).sinks}
        )
        async with worker_of(config) as (worker, _):
            if announced:
                await _announce(config)
                await becomes(config, lambda values: len(values.deployments) == MODELS)
            await publish(config, events())
            await until(lambda: worker.idle_seconds() > 1)
            values = await becomes(config, _are_paged)
            await until(lambda: len(pagerduty.accepted) >= pages)
            await until(lambda: worker.idle_seconds() > 1)
    assert _members(values) == set(NAMES)
    assert sum(len(each.paged) for each in values.incidents.values()) == pages
    assert [each.body["event_action"] for each in pagerduty.accepted] == ["trigger"] * pages
    assert pagerduty.refused == []


async def _announce(config: Config) -> None:
    at = "2026-01-01T01:56:40Z"  # of the first event after the release
    for name in NAMES:
        body = {"model_id": name, "model_version": "2", "at": at, "note": "weekly training"}
        await send_command("deployment_announce", body, config=config)


def _are_paged(values: StoredValues) -> bool:
    incidents = values.incidents.values()
    return _members(values) == set(NAMES) and all(each.paged for each in incidents)


def _members(values: StoredValues) -> set[str]:
    incidents = values.incidents.values()
    return {member.model_id for each in incidents for member in each.members}
