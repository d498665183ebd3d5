"""A worker that stands still while records wait ends with a reason."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from worker.running import own_config, publish, total, until, worker_of
from worker.scenarios import story

from streamproc.config.config import Config
from streamproc.driver.poll import SliceThread
from streamproc.kafka.errors import WorkerError
from streamproc.worker.watchdog import Watchdog

EVENTS = 400


def _dog(*waiting: int) -> Watchdog:
    answers = iter(waiting)

    async def look() -> int:
        return next(answers)

    return Watchdog(10.0, look)


async def test_lag_without_progress_is_told() -> None:
    """Records that wait for longer than allowed, while none is handled, are a reason to end."""
    dog = _dog()
    assert await dog.check(20.0, active=11.0, behind=5) is None
    assert await dog.check(22.0, active=11.0, behind=5) == "5 records wait, none came for 11 s"


async def test_progress_is_no_reason() -> None:
    """However much waits, a worker that handles something goes on."""
    dog = _dog()
    for now in range(100):
        assert await dog.check(float(now), active=now - 3.0, behind=10**6) is None


async def test_a_client_that_knows_of_nothing_is_checked_twice() -> None:
    """What waits at one look may have come just now; what waits at the next one has waited."""
    dog = _dog(3, 3)
    assert await dog.check(11.0, active=0.0, behind=0) is None
    assert await dog.check(15.0, active=0.0, behind=0) is None
    assert await dog.check(22.0, active=0.0, behind=0) == "3 records wait, none came for 22 s"


async def test_idle_is_no_reason() -> None:
    """Where nothing waits a worker may be idle for ever, and seldom asks."""
    dog = _dog(0, 0, 0)
    for now in range(11, 43):
        assert await dog.check(float(now), active=0.0, behind=0) is None


async def test_a_moment_of_work_clears_a_suspicion() -> None:
    """Progress between two looks begins the wait anew."""
    dog = _dog(3, 3)
    assert await dog.check(11.0, active=0.0, behind=0) is None
    assert await dog.check(12.0, active=11.5, behind=0) is None
    assert await dog.check(22.0, active=11.5, behind=0) is None


async def test_a_client_that_hangs_ends_its_worker(
    bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the client gives nothing more, and says nothing, the worker ends and says why."""
    config = own_config(bootstrap, limits={"stall": "1s"})
    await publish(config, story(models=4, events=EVENTS // 4))

    hung = threading.Event()

    async def hang(*_: Any, **__: Any) -> Any:
        hung.set()
        await asyncio.Event().wait()

    async def made_to_hang() -> None:
        monkeypatch.setattr(SliceThread, "getmany", hang)
        await until(hung.is_set)  # a poll that was under way would still give what comes next

    with pytest.raises(WorkerError, match=r"records wait, none came for"):
        await _until_it_ends(config, made_to_hang)


async def _until_it_ends(config: Config, hang: Callable[[], Awaitable[None]]) -> None:
    """Run a worker that is up to date, let its client hang, and publish more."""
    async with worker_of(config) as (worker, registry):
        await until(lambda: total(registry, "records_total") == EVENTS)
        await until(lambda: worker.idle_seconds() > 0)
        await hang()
        await publish(config, story(models=1, events=10))
        async with asyncio.timeout(60):
            await worker.stopped.wait()
        assert worker.unhealthy() is not None
