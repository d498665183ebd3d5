"""A crash between any two steps costs nothing, and these tests would notice if it did."""

import asyncio
from typing import Any

import pytest
from broker_topics import records
from faults.ack_first_worker import HastyPipeline, HastyWorker
from worker.running import PATIENCE, committed, total, worker_of
from worker.snapshots.snapshots_running import (
    RECORDS,
    Countdown,
    Crash,
    config_of,
    fill,
    found,
    live,
    oracle,
)

from streamproc.broker import EmbeddedBroker
from streamproc.cli.replay_run import compare
from streamproc.worker.pipeline import Pipeline
from streamproc.worker.worker import Worker

POINTS = ("before_publish", "after_publish", "in_snapshot", "after_snapshot")


@pytest.mark.parametrize("times", [1, 2, 14])
@pytest.mark.parametrize("point", POINTS)
async def test_no_crash_costs_anything(
    point: str, times: int, embedded_broker: EmbeddedBroker
) -> None:
    """Killed at any step of a slice, early or late, a worker's successor goes on as itself."""
    config = config_of(embedded_broker.bootstrap)
    await fill(config)
    crashed, _ = await live(config, Countdown(point, times))
    assert isinstance(crashed.failure, Crash)
    again, _ = await live(config)
    assert again.failure is None
    wanted = await oracle(config)
    assert {alert["status"] for alert in wanted.values()} >= {"firing"}
    assert await found(config) == wanted
    assert await committed(config, "predictions") == {0: 2000}


class LastUnacknowledged(Pipeline):
    """Crashes when the last record is in a snapshot, and not acknowledged yet."""

    async def handle(self, part: Any, *rest: Any) -> None:
        """Take a slice; crash if it was the last."""
        await super().handle(part, *rest)
        if part.last_offset == RECORDS - 1:
            raise Crash


async def test_what_a_snapshot_holds_is_committed_by_its_successor(
    embedded_broker: EmbeddedBroker,
) -> None:
    """A crash between the last snapshot and its commit leaves nothing that waits for ever."""
    config = config_of(embedded_broker.bootstrap)
    await fill(config)
    crashed, _ = await live(config, line=LastUnacknowledged)
    assert isinstance(crashed.failure, Crash)
    assert (await committed(config, "predictions"))[0] < RECORDS
    async with worker_of(config) as (_, metrics), asyncio.timeout(PATIENCE):
        while await committed(config, "predictions") != {0: RECORDS}:
            pass  # each look waits for the broker
        assert total(metrics, "records_total") == 0
    assert (await compare(config)).waiting == 0
    assert await found(config) == await oracle(config)


async def test_crash_after_crash_costs_nothing(embedded_broker: EmbeddedBroker) -> None:
    """A worker that is killed again and again still comes through, and to the same end."""
    config = config_of(embedded_broker.bootstrap)
    await fill(config)
    for times, point in enumerate(POINTS * 2, 2):
        crashed, _ = await live(config, Countdown(point, times))
        assert isinstance(crashed.failure, Crash)
    await live(config)
    assert await found(config) == await oracle(config)


@pytest.mark.parametrize(("kind", "line"), [(HastyWorker, Pipeline), (Worker, HastyPipeline)])
async def test_a_hasty_build_would_be_noticed(
    kind: type[Worker], line: type[Pipeline], embedded_broker: EmbeddedBroker
) -> None:
    """Acknowledging, or writing the state down, before publishing loses alerts in this harness."""
    config = config_of(embedded_broker.bootstrap)
    await fill(config)
    crashed, _ = await live(config, Countdown("before_alert"), kind, line)
    assert isinstance(crashed.failure, Crash)
    again, _ = await live(config)
    assert again.failure is None
    wanted = await oracle(config)
    first = min(wanted.values(), key=lambda alert: alert["source"]["offset"])
    assert wanted.keys() - (await found(config)).keys() == {first["alert_id"]}


async def test_a_stop_writes_the_state_down(embedded_broker: EmbeddedBroker) -> None:
    """After a clean stop nothing is watched again, and nothing is told twice."""
    config = config_of(embedded_broker.bootstrap, interval="1h")
    await fill(config, last=1100)
    _, first = await live(config)
    await fill(config, first=1100)
    _, second = await live(config)
    assert total(first, "records_total") + total(second, "records_total") == 2000
    assert total(second, "recoveries_total", outcome="snapshot") == 1
    assert await found(config) == await oracle(config)
    assert len(await records(config, "alerts")) == len(await oracle(config))
