"""Run the demo from its first event to its result."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final, TypeVar

from streamproc.client import Alerts, ModelUpdates, Publisher
from streamproc.config.config import Config
from streamproc.schemas.series_status import SeriesStatus
from streamproc.tools.demo.events import Scenario
from streamproc.tools.demo.reader import DemoReader
from streamproc.tools.demo.score import Verdict, score
from streamproc.tools.demo.worker import DemoWorker

T = TypeVar("T")

Statuses = Callable[[Config], Awaitable[Iterable[SeriesStatus]]]
"""Reads from the newest snapshots how each series is watched."""

# Events between two yields to the event loop, for the worker and the display.
_TURN: Final = 50
# Stopping takes a second; only a client whose broker is gone takes longer, or for ever.
PATIENCE_SECONDS: Final = 5.0
# Of the time to publish; the events before the others begin are few, and would pass unseen.
_HISTORY: Final = 0.2


async def play(
    story: Scenario,
    stage: DemoWorker,
    listener: DemoReader,
    statuses: Statuses,
    seconds: float,
) -> Verdict:
    """Publish the scenario, wait until all of it is processed, and score the alerts.

    Parameters
    ----------
    story
        What happens.
    stage
        The worker.
    listener
        Shows the alerts.
    statuses
        Reads what the worker knows of each series.
    seconds
        For how long to publish, so that a person can follow; 0: as fast as possible.

    Raises
    ------
    StreamprocError
        If broker or worker fail.
    """
    await _publish(story, stage.config, listener, seconds)
    await stage.until_done(story.events, story.labels.count)
    async with Alerts(config=stage.config, follow=False) as topic:
        alerts = [alert async for alert in topic]
    async with ModelUpdates(config=stage.config, follow=False) as steps:
        updates = [update async for update in steps]
    await listener.until_shown(alerts, updates, story.count(story.learner))
    await stage.worker.save()
    return score(story, alerts, updates, await statuses(stage.config))


async def first(work: Coroutine[Any, Any, T], *others: Coroutine[Any, Any, Any]) -> T | None:
    """Run coroutines concurrently until one ends, and cancel the others.

    Returns
    -------
    object
        What `work` returned; None when another was first.

    Raises
    ------
    Exception
        What the one that ended first raised.
    """
    main = asyncio.ensure_future(work)
    tasks = [main, *(asyncio.ensure_future(other) for other in others)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        results = {task: task.result() for task in done}
        return results.get(main)
    finally:
        for task in tasks:
            task.cancel()
        # What clings to a broker that is gone is left.
        ended, _ = await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
        for task in ended:
            if not task.cancelled():
                task.exception()  # so that nobody is warned of it: another one tells the story


async def _publish(story: Scenario, config: Config, listener: DemoReader, seconds: float) -> None:
    started = time.monotonic()
    async with Publisher(config=config) as publisher:
        for number, demo_event in enumerate(story.tell(), 1):
            await publisher.send(demo_event.event)
            listener.sent(demo_event)
            if number % _TURN == 0:
                ahead = started + seconds * share(story, number) - time.monotonic()
                await asyncio.sleep(max(0.0, ahead))


def share(story: Scenario, number: int) -> float:
    """Return by which share of the time a number of records should have been published."""
    first, records = story.history, story.events + story.labels.count
    if number < first:
        return _HISTORY * number / first
    return _HISTORY + (1.0 - _HISTORY) * (number - first) / (records - first)
