"""A version that appears among events is a deployment, and explains what follows."""

import random
from collections.abc import Iterator
from typing import Any

from worker.incidents.test_incidents_worker import becomes
from worker.running import own_config, publish, worker_of

from streamproc.incidents.records import StoredValues

START, MODELS, BEFORE, AFTER = 1_767_225_600, 6, 600, 400


def released() -> Iterator[dict[str, Any]]:
    """Give events of models that get version 8 together; another feature moves in each."""
    draw = random.Random(3)
    for at in range(BEFORE + AFTER):
        for number in range(MODELS):
            moved = 6.0 if at >= BEFORE else 0.0
            yield {
                "model_id": f"m{number}",
                "event_id": f"{at}",
                "ts": START + at,
                "model_version": "8" if at >= BEFORE else "7",
                "features": {f"f{number}": draw.gauss(moved, 1)},
                "prediction": draw.random(),
            }


async def test_models_released_together_are_one_incident(bootstrap: str) -> None:
    """A worker sees the new versions, and what changed with them in six models is one page."""
    config = own_config(bootstrap)
    await publish(config, released())
    async with worker_of(config):
        values = await becomes(config, _is_complete)
    [release] = {each.release for each in values.deployments.values()}
    [incident] = values.incidents.values()
    assert {member.release for member in incident.members} == {release}
    assert len(incident.paged) == 1
    assert {(each.previous, each.model_version) for each in values.deployments.values()} == {
        ("7", "8")
    }


def _is_complete(values: StoredValues) -> bool:
    members = [
        {member.model_id for member in each.members if each.paged}
        for each in values.incidents.values()
    ]
    return len(values.deployments) == MODELS and MODELS in map(len, members)
