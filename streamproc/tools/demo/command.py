"""Implement ``streamproc demo``."""

import asyncio
import logging
import signal
import warnings
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvloop
from rich.console import Console
from rich.text import Text

from streamproc.broker import EmbeddedBroker
from streamproc.broker.errors import BrokerError
from streamproc.config.config import Config
from streamproc.detectors.registry import DEFAULT
from streamproc.kafka.quiet_logs import quiet_client
from streamproc.tools.demo.accuracy import Course
from streamproc.tools.demo.dashboard import Dashboard
from streamproc.tools.demo.display import Describe, Lines, Show
from streamproc.tools.demo.events import Scenario
from streamproc.tools.demo.generators import DAY
from streamproc.tools.demo.learning import worker_config
from streamproc.tools.demo.reader import listening
from streamproc.tools.demo.report import report
from streamproc.tools.demo.run import Statuses, first, play
from streamproc.tools.demo.score import Verdict
from streamproc.tools.demo.worker import LOOK_SECONDS, DemoWorker, staged
from streamproc.worker.warmup import warm_up

# So that a person can follow, without waiting for the end for longer than this.
EVENTS_A_SECOND: Final = 3_500
MAX_SECONDS: Final = 12.0


@dataclass(frozen=True)
class Demo:
    """What to show, and to whom.

    Parameters
    ----------
    story
        What happens.
    console
        Where it is shown.
    describe
        Writes an alert for a person.
    statuses
        Reads how each series is watched.
    dashboard
        Whether as a dashboard, if the console is a terminal.
    stay
        Whether to go on after the end, until interrupted.
    program
        How the user calls this program.
    """

    story: Scenario
    console: Console
    describe: Describe
    statuses: Statuses
    dashboard: bool
    stay: bool
    program: str

    def run(self) -> Verdict | None:
        """Run it.

        Returns
        -------
        Verdict or None
            None when it was interrupted before its end.

        Raises
        ------
        StreamprocError
            If the broker or the worker fail.
        """
        self._introduce()
        with self.console.status("Starting; the first time, the detectors are compiled"):
            asyncio.run(warm_up(worker_config(self.story.learner)))
        # What the demo shows is its own text; what ends the worker is the demo's error.
        logging.getLogger("streamproc.worker").setLevel(logging.ERROR)
        with (
            quiet_client(),
            # A client that clings to a broker that is gone leaves things that nobody awaits.
            warnings.catch_warnings(action="ignore", category=RuntimeWarning),
            TemporaryDirectory(prefix="streamproc-demo-") as store,
            EmbeddedBroker() as broker,
            ExitStack() as shown,
            closing(uvloop.new_event_loop()) as loop,
        ):
            # No asyncio.Runner: at its end it waits for tasks that Faust leaves when its broker
            # is gone, and they never end.
            return loop.run_until_complete(self._until_ended(broker, Path(store), shown))

    async def _until_ended(
        self, broker: EmbeddedBroker, store: Path, shown: ExitStack
    ) -> Verdict | None:
        interrupted = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, interrupted.set)
        config = worker_config(self.story.learner, f"kafka://{broker.bootstrap}", store)
        verdict: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        await first(self._perform(config, verdict, shown), interrupted.wait(), _ended(broker))
        if verdict.done():
            return verdict.result()
        self.console.print("Interrupted: the demo did not run to its end.")
        return None

    async def _perform(
        self, config: Config, verdict: "asyncio.Future[Verdict]", shown: ExitStack
    ) -> None:
        async with (
            staged(config) as stage,
            listening(config, self.story, partial(self._show, stage)) as listener,
        ):
            ends = (listener.failed, stage.worker.stopped.wait)
            # Whatever clings to a broker that is gone, the terminal is left as it was.
            shown.enter_context(listener.show)
            played = play(self.story, stage, listener, self.statuses, self._seconds())
            judged = await first(played, *(end() for end in ends))
            shown.close()
            if judged is None:
                return  # the worker failed, and says why when it is left
            verdict.set_result(judged)
            width = self.console.width
            self.console.print(report(self.story, judged, listener.course, self.describe, width))
            if self.stay:
                listener.show = Lines(self.console, self.describe)
                self._what_next(stage)
                await first(*(end() for end in ends))

    def _seconds(self) -> float:
        return min(MAX_SECONDS, self.story.events / EVENTS_A_SECOND) if self.stay else 0.0

    def _show(self, stage: DemoWorker, course: Course) -> Show:
        if self.dashboard and self.console.is_terminal:
            return Dashboard(self.console, self.describe, self.story, course, stage)
        return Lines(self.console, self.describe)

    def _introduce(self) -> None:
        story, labels = self.story, self.story.labels
        silent = sum(1 for actor in story.models if actor.untouched)
        self.console.print(
            f"{len(story.models)} models send {story.events:,} events to a broker on this machine,"
            f" and a worker watches them, each number by {' and '.join(DEFAULT)}, which"
            " find most changes sooner than ADWIN and Page-Hinkley, and are wrong once in a hundred"
            " million values."
            f" {len(story.incidents)} incidents are injected;"
            f" {silent} of the models do not change. {_history(story)} Most labels of"
            f" {story.learner} become known {labels.delay} events later, and an online model learns"
            " from them. The worker has no information about the incidents.",
            highlight=False,
        )

    def _what_next(self, stage: DemoWorker) -> None:
        broker = f"--broker {stage.config.broker}"
        lines = Text("\n Broker and worker go on until Ctrl-C. In another terminal:\n")
        for command, purpose in (
            (f"{self.program} alerts --follow {broker}", "these alerts, and those to come"),
            (
                f"{self.program} publish FILE --model NAME {broker}",
                "your own csv, jsonl or parquet",
            ),
            (
                f"{self.program} models history {self.story.learner} {broker}",
                "what became of the online model",
            ),
            (
                f"{self.program} series {_seasonal(self.story)} {broker}",
                "how its series are watched, and that some follow the hour of the day",
            ),
            (f"curl http://127.0.0.1:{stage.metrics_port}/metrics", "what the worker counts"),
        ):
            lines.append(f"\n   {purpose}\n", "dim")
            lines.append(f"   {command}\n", "bold cyan")
        self.console.print(lines, soft_wrap=True)


def _seasonal(story: Scenario) -> str:
    """Return the model with series that follow the hour of the day."""
    return next(actor.id for actor in story.models if actor.seasonal)


def _history(story: Scenario) -> str:
    """Say which events come before those of the other models."""
    weeks = story.history // (7 * DAY)
    return (
        f"{_seasonal(story)} sends one event an hour, whose values follow the hour of the day; its"
        f" {weeks} weeks before the other models begin come first."
    )


async def _ended(broker: EmbeddedBroker) -> None:
    """Raise the broker's error if it stops unexpectedly."""
    while broker.running:  # noqa: ASYNC110  # a process gives no event
        await asyncio.sleep(LOOK_SECONDS)
    raise BrokerError(f"the broker has ended; its log ends:\n{broker.tail()}")
