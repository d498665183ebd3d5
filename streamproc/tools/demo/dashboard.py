"""Show a live dashboard: one row per model, and the latest alerts below."""

import time
from collections import Counter, deque
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.model_updates import ModelUpdate
from streamproc.tools.demo.accuracy import Course
from streamproc.tools.demo.dashboard_online import LINES, Panel
from streamproc.tools.demo.display import Describe
from streamproc.tools.demo.events import DemoEvent, Scenario
from streamproc.tools.demo.sparkline import Spark
from streamproc.tools.demo.step_text import describe_step
from streamproc.tools.demo.worker import Counts

_REDRAWN: Final = 8  # times a second
_RATE_SECONDS: Final = 1.0  # over which events a second are counted
# Columns but for the sparkline, and lines but for the alerts.
_COLUMNS: Final = 64
_NARROW: Final = 74  # with fewer columns, the sparkline and its name are left out
_LINES: Final = 8 + LINES
_MAX_LINES_STORED: Final = 20


class Dashboard:
    """Shows the number of events and a series of each model, and the latest alerts.

    Parameters
    ----------
    console
        A terminal.
    describe
        Writes an alert.
    story
        The scenario.
    course
        Predictions and labels so far.
    counts
        Counters of the worker.
    """

    def __init__(
        self, console: Console, describe: Describe, story: Scenario, course: Course, counts: Counts
    ) -> None:
        self._console = console
        self._describe = describe
        self._story = story
        self._counts = counts
        self._panel = Panel(story, course, counts, console.width)
        self._sent: Counter[str] = Counter()
        self._last: DemoEvent | None = None
        self._width = max(10, min(40, console.width - _COLUMNS))
        self._sparks = {
            actor.id: Spark(story.count(actor.id), self._width) for actor in story.models
        }
        self._incidents: dict[tuple[str, str], bool] = {}  # model and series: whether open
        self._news: deque[Text] = deque(maxlen=_MAX_LINES_STORED)
        self._marks: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._live = Live(console=console, get_renderable=self.drawn, refresh_per_second=_REDRAWN)

    def sent(self, demo_event: DemoEvent) -> None:
        """Count an event, and draw its number."""
        self._last = demo_event
        if demo_event.is_label:
            return
        model = demo_event.event["model_id"]
        self._sent[model] += 1
        self._sparks[model].add(demo_event.shown)

    def alert(self, alert: AlertEvent) -> None:
        """Show an alert beneath the others."""
        self._news.append(self._describe(alert))
        self._incidents[alert.model_id, alert.series] = alert.status != "resolved"

    def step(self, update: ModelUpdate) -> None:
        """Show a step among them."""
        self._news.append(describe_step(update))
        self._panel.step(update)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def drawn(self) -> RenderableType:
        """Return how it looks now."""
        height = self._console.height - len(self._story.models) - _LINES
        return Group(
            self._head(), self._models(), *self._panel.drawn(), Text(), *self._messages(height)
        )

    def _head(self) -> Text:
        watched = self._counts.watched()
        written = "%H:%M:%S" if self._console.width < _NARROW else "%Y-%m-%d %H:%M:%S"
        moment = self._last and datetime.fromtimestamp(self._last.ts, UTC).strftime(written)
        return Text.assemble(
            ("\n streamproc demo", "bold"),
            (f"  {moment}" if moment else "", "dim"),
            f"  {watched:,} of {self._story.events:,} events",
            (f"  {self._rate(watched):,.0f}/s", "dim"),
            no_wrap=True,
            overflow="ellipsis",
        )

    def _rate(self, watched: int) -> float:
        now = time.monotonic()
        self._marks.append((now, watched))
        while len(self._marks) > 2 and now - self._marks[1][0] > _RATE_SECONDS:
            self._marks.popleft()
        since, before = self._marks[0]
        return (watched - before) / max(now - since, 1e-3)

    def _models(self) -> Table:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="dim")
        table.add_column(" model", no_wrap=True, min_width=15)
        table.add_column("events", justify="right", no_wrap=True, min_width=6)
        table.add_column("incident, ○ resolved", no_wrap=True)
        if self._console.width >= _NARROW:
            table.add_column("this series", no_wrap=True, style="dim", min_width=11)
            table.add_column("", no_wrap=True, min_width=self._width)
        for actor in self._story.models:
            incidents = {
                series: still
                for (model, series), still in list(self._incidents.items())
                if model == actor.id
            }
            style = _style(incidents)
            row: list[RenderableType] = [
                Text(f" {actor.id}", "bold red" if any(incidents.values()) else "bold"),
                f"{self._sent[actor.id]:,}",
                Text(_marks(incidents), style),
                actor.shown,
                Text(str(self._sparks[actor.id]), style if incidents else "green"),
            ]
            table.add_row(*row[: len(table.columns)])
        return table

    def _messages(self, height: int) -> list[RenderableType]:
        """Return the newest alerts and steps that fit into this height, the newest last."""
        shown: list[RenderableType] = []
        for news in reversed(list(self._news)):
            text = _set_in(news)
            height -= len(self._console.render_lines(text))
            if shown and height < 0:
                break
            shown.insert(0, text)
        return shown or [Text(" no alert yet", "dim")]


def _set_in(news: Text) -> RenderableType:
    """Set its sentences in, so that they can be as long as they need to be."""
    head, *sentences = news.split("\n")
    for sentence in sentences:
        sentence.plain = sentence.plain.strip()
    return Group(Padding(head, (0, 0, 0, 1)), *(Padding(each, (0, 1, 0, 5)) for each in sentences))


def _marks(incidents: Mapping[str, bool]) -> str:
    """Name an incident, one that is open if there is any, and say how many more there are."""
    if not incidents:
        return "–"
    series = next((series for series, still in incidents.items() if still), next(iter(incidents)))
    more = f" +{len(incidents) - 1}" if len(incidents) > 1 else ""
    return f"{'●' if incidents[series] else '○'} {series}{more}"


def _style(incidents: Mapping[str, bool]) -> str:
    if not incidents:
        return "dim"
    return "bold red" if any(incidents.values()) else "yellow"
