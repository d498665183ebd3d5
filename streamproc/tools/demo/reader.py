"""Read alerts, updates and predictions as a subscriber, and display them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from streamproc.client import Alerts, ModelUpdates
from streamproc.client.reading import TopicReader
from streamproc.client.reading import TopicSpec as Telling
from streamproc.config.config import Config
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.model_updates import ModelUpdate, OnlinePrediction
from streamproc.tools.demo.accuracy import Course
from streamproc.tools.demo.display import Show
from streamproc.tools.demo.events import DemoEvent, Scenario

ANSWERS: Final = Telling[OnlinePrediction](
    "online_predictions",
    "an answer",
    "answers",
    OnlinePrediction.from_json,
    lambda answer: f"{answer.model_id} {answer.event_id}",
)


class DemoReader:
    """Shows alerts and steps as they come, and compares answers with labels.

    Parameters
    ----------
    show
        Where to; another may take its place later.
    course
        Takes what is published and answered.
    """

    def __init__(self, show: Show, course: Course) -> None:
        self.show = show
        self.course = course
        self._shown: set[str] = set()
        self._more = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def sent(self, demo_event: DemoEvent) -> None:
        """Note what was published."""
        self.course.take(demo_event)
        self.show.sent(demo_event)

    async def failed(self) -> None:
        """Wait until it cannot go on, and raise why."""
        await asyncio.gather(*map(asyncio.shield, self._tasks))

    async def until_shown(
        self, alerts: Iterable[AlertEvent], updates: Iterable[ModelUpdate], answers: int
    ) -> None:
        """Wait until these alerts and updates were shown, and this many predictions arrived."""
        wanted = {each.alert_id for each in alerts} | {each.update_id for each in updates}
        while not wanted <= self._shown or self.course.answered < answers:
            self._more.clear()
            await self._more.wait()

    def start(
        self, alerts: Alerts, updates: ModelUpdates, answers: TopicReader[OnlinePrediction]
    ) -> None:
        """Begin to read."""
        jobs = self._alerts(alerts), self._updates(updates), self._answers(answers)
        self._tasks = [asyncio.create_task(job) for job in jobs]

    async def stop(self) -> None:
        """End it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _alerts(self, alerts: Alerts) -> None:
        async for alert in alerts:
            self.show.alert(alert)
            self._done(alert.alert_id)

    async def _updates(self, updates: ModelUpdates) -> None:
        async for update in updates:
            if update.step != "learned":
                self.show.step(update)
            self._done(update.update_id)

    async def _answers(self, answers: TopicReader[OnlinePrediction]) -> None:
        async for answer in answers.endless():
            self.course.answer(answer)
            self._more.set()

    def _done(self, identity: str) -> None:
        self._shown.add(identity)
        self._more.set()


@asynccontextmanager
async def listening(
    config: Config, story: Scenario, show: Callable[[Course], Show]
) -> AsyncIterator[DemoReader]:
    """Read and display the topics until the block ends."""
    course = Course(story)
    listener = DemoReader(show(course), course)
    answers = TopicReader(config, ANSWERS, None)
    async with AsyncExitStack() as stack:
        alerts = await stack.enter_async_context(Alerts(config=config))
        updates = await stack.enter_async_context(ModelUpdates(config=config))
        await answers.open(create=True)
        stack.push_async_callback(answers.close)
        listener.start(alerts, updates, answers)
        stack.push_async_callback(listener.stop)
        yield listener
