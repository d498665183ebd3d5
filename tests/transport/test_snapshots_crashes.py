"""A crash between any two steps costs nothing, and these tests would notice if it did."""

from collections.abc import Sequence
from typing import Any

import pytest
from broker_topics import records
from transport.snapshots_running import Countdown, Crash, config_of, fill, found, live, oracle
from worker.running import committed, total

from streamproc.broker import EmbeddedBroker
from streamproc.transport.pipeline import Held, Pipeline
from streamproc.transport.worker import Worker

POINTS = ("before_publish", "after_publish", "in_snapshot", "after_snapshot")


class HastyWorker(Worker):
    """What no worker may be: it acknowledges a slice, and then publishes what came of it."""

    async def _handle(self, part: Any, acknowledge: Any) -> None:
        await acknowledge()
        await super()._handle(part, _nothing)


class HastyPipeline(Pipeline):
    """What no pipeline may be: it writes its state down, and then publishes what came of it."""

    async def handle(self, part: Any, *rest: Any) -> None:
        """Take the slice into the state and save that, before it is published."""
        held = self._held[part.topic, part.partition]
        outbox, self._outbox = self._outbox, _Later()  # type: ignore[assignment]
        await super().handle(part, *rest)
        later, self._outbox = self._outbox, outbox
        assert isinstance(held, Held)
        await outbox.publish(*later.kept)  # type: ignore[attr-defined]


class _Later:
    """An outbox that only notes what it is given."""

    kept: tuple[Sequence[Any], Sequence[Any]] = ((), ())

    async def publish(self, alerts: Sequence[Any], dead_letters: Sequence[Any]) -> None:
        self.kept = alerts, dead_letters


async def _nothing() -> None:
    return


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
