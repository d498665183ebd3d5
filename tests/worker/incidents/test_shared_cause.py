"""One broken feature of many models, from events to pages, on Apache Kafka."""

import random
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from worker.incidents.test_incidents_worker import stored
from worker.running import own_config, publish, until, worker_of

MODELS, BROKEN, FEATURES, EVENTS, BREAK = 50, 40, 30, 700, 600
START = 1_767_225_600  # 2026-01-01


def events(broken: Collection[str], seed: int) -> Iterator[Any]:
    """Give events of 50 models with 30 features; in 40 of them some become 100 times as large."""
    draw = random.Random(seed)
    names = [f"f{number}" for number in range(FEATURES - 1)] + ["fx_rate"]
    for index in range(EVENTS):
        for model in range(MODELS):
            features = {name: draw.gauss(10, 1) for name in names}
            if index >= BREAK and model < BROKEN:
                features |= {name: 100 * features[name] for name in broken}
            yield {
                "model_id": f"model-{model}",
                "event_id": f"{index}",
                "ts": START + 10 * index,
                "features": features,
                "prediction": draw.random(),
            }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "pages"), [(["fx_rate"], 1), (["fx_rate", "f1", "f2", "f3", "f4"], 5)]
)
async def test_a_shared_fault_of_forty_models_is_one_page(
    apache_kafka: Any, broken: list[str], pages: int
) -> None:
    """One feature is one incident and one page; five features are five at most."""
    config = own_config(apache_kafka.bootstrap)
    await publish(config, events(broken, 7))
    async with worker_of(config) as (worker, _):
        await until(lambda: worker.idle_seconds() > 1)
        while not all(each.paged for each in (await stored(config)).incidents.values()):
            pass  # each look waits for the broker
        incidents = (await stored(config)).incidents.values()
    assert 1 <= sum(len(each.paged) for each in incidents) <= pages
    members = {member.model_id for each in incidents for member in each.members}
    assert members == {f"model-{model}" for model in range(BROKEN)}
    assert {cause.series for each in incidents for cause in each.causes} >= {
        f"feature:{name}" for name in broken
    }
