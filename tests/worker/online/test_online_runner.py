"""Online models on their topics: what is published, and what a crash costs."""

from collections import Counter
from typing import Any

import pytest
from worker.online.online_workers import config_of, fill, kept, live, offline, outcomes, published
from worker.running import total
from worker.snapshots.snapshots_running import Countdown, Crash, MortalStore

from streamproc.broker import EmbeddedBroker
from streamproc.kafka.errors import BrokerUnreachableError

POINTS = ("before_publish", "after_publish", "in_snapshot", "after_snapshot")
ROWS = 400


async def test_answers_and_updates_are_those_of_the_outcomes(bootstrap: str) -> None:
    """What is published is what the outcomes lead to, in their order, and nothing else."""
    config = config_of(bootstrap)
    await fill(config, list(outcomes(ROWS)))
    registry = await live(config)
    answers, updates, state = await offline(config)
    assert len(answers) == ROWS
    assert updates
    assert await published(config) == (answers, updates)
    assert await kept(config) == state
    assert total(registry, "learn_records_total") == 2 * ROWS
    assert total(registry, "learn_answers_total") == ROWS
    assert total(registry, "learn_updates_total") == len(updates)
    assert total(registry, "learn_lag_records") == 0


@pytest.mark.parametrize("times", [1, 5])
@pytest.mark.parametrize("point", POINTS)
async def test_a_crash_loses_and_doubles_nothing(
    point: str, times: int, embedded_broker: EmbeddedBroker
) -> None:
    """Killed at any step, models end as those of a run without the kill: answers, steps, state."""
    config = config_of(embedded_broker.bootstrap)
    await fill(config, list(outcomes(ROWS)))
    with pytest.raises(Crash):
        await live(config, Countdown(point, times))
    await live(config)
    answers, updates, state = await offline(config)
    assert await published(config) == (answers, updates)
    assert await kept(config) == state


async def test_a_stop_repeats_nothing(embedded_broker: EmbeddedBroker) -> None:
    """After a clean stop the successor learns what came meanwhile, and nothing a second time."""
    config = config_of(embedded_broker.bootstrap, snapshots={"interval": "1h"})
    events = list(outcomes(ROWS))
    await fill(config, events[:300])
    first = await live(config)
    await fill(config, events[300:])
    second = await live(config)
    assert total(first, "learn_records_total") == 300
    assert total(second, "learn_records_total") == len(events) - 300
    assert total(second, "learn_recoveries_total", outcome="snapshot") == 1
    assert await kept(config) == (await offline(config))[2]


async def test_a_lost_snapshot_is_learned_again(embedded_broker: EmbeddedBroker) -> None:
    """Where the state cannot be read, the whole log is learned anew, to the same end."""
    config = config_of(embedded_broker.bootstrap, snapshots={"interval": "1h"})
    await fill(config, list(outcomes(ROWS)))
    await live(config)
    other = config.topics.model_copy(update={"snapshots": "elsewhere"})
    config = config.model_copy(update={"topics": other})
    registry = await live(config)
    assert total(registry, "learn_records_total") == 2 * ROWS
    assert total(registry, "learn_state_gaps_total") == 0
    assert await published(config) == (await offline(config))[:2]


async def test_what_was_learned_last_is_told_once_outcomes_fall_quiet(bootstrap: str) -> None:
    """A subscriber gets the last parameters though no label ends the interval, and one time only.

    Models are as if it had not been told: what comes later gives what it would have given.
    """
    config = config_of(bootstrap, online={"interval": "1h"})
    events = list(outcomes(ROWS))
    await fill(config, events[:500])
    await live(config)
    assert (await published(config))[1] == []
    registry = await live(config, quiet=3600.0)
    _, [rest] = await published(config)
    assert rest.step == "learned"
    assert rest.learned == rest.source.offset // 2 - 9
    assert total(registry, "learn_updates_total", step="learned") == 1
    await live(config, quiet=3600.0)  # whoever begins anew does not know, and tells the same
    assert (await published(config))[1] == [rest]
    await fill(config, events[500:])
    await live(config)
    answers, updates, state = await offline(config)
    assert await published(config) == (answers, [rest, *updates])
    assert await kept(config) == state


async def test_models_are_recovered_once_a_broker_answers(
    embedded_broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that is away at a rebalance delays the models, and ends nothing."""
    config = config_of(embedded_broker.bootstrap)
    await fill(config, list(outcomes(100)))
    read, reads = MortalStore.read, Counter[str]()

    async def away_at_first(store: MortalStore, *given: Any) -> Any:
        reads["all"] += 1
        if reads["all"] == 1:
            raise BrokerUnreachableError("cannot reach a Kafka broker")
        return await read(store, *given)

    monkeypatch.setattr(MortalStore, "read", away_at_first)
    await live(config)
    assert reads["all"] >= 2
    assert await published(config) == (await offline(config))[:2]
