"""Show the online model in the dashboard: label delay and error rates."""

from typing import Final

from rich.text import Text

from streamproc.schemas.model_updates import ModelUpdate
from streamproc.tools.demo.accuracy import Course
from streamproc.tools.demo.events import Scenario
from streamproc.tools.demo.sparkline import Spark
from streamproc.tools.demo.step_text import share
from streamproc.tools.demo.worker import Counts

LINES: Final = 4
_NAMES: Final = 21  # columns before a sparkline
_RECENT: Final = 200  # labels, of which the share of wrong answers is written


class Panel:
    """Follows the model that learns.

    Parameters
    ----------
    story
        The scenario.
    course
        What was answered and what was true.
    counts
        What the worker has counted.
    width
        Columns.
    """

    def __init__(self, story: Scenario, course: Course, counts: Counts, width: int) -> None:
        self._story, self._course, self._counts = story, course, counts
        width_left = max(10, min(60, width - _NAMES))
        self._sparks = [Spark(story.labels.count, width_left) for _ in range(2)]
        self._wrong: list[tuple[bool, bool]] = []
        self._serving = 1
        self._shadow: list[int] = []

    def step(self, update: ModelUpdate) -> None:
        """Note a step."""
        if update.serving != self._serving:
            self._serving, self._shadow = update.serving, []
        if update.step == "challenger":
            self._shadow.append(update.version)

    def drawn(self) -> list[Text]:
        """Return how it looks now."""
        self._catch_up()
        recent = self._wrong[-_RECENT:]
        errors = [sum(column) / len(recent) for column in zip(*recent, strict=True)]
        shadow = ", ".join(f"v{version}" for version in self._shadow)
        head = Text.assemble(
            (f" {self._story.learner} learns", "bold"),
            (f"  {lateness(self._story, self._counts)}", "dim"),
        )
        answers = Text.assemble(
            f"   v{self._serving} answers",
            (f", {shadow} learn in its shadow" if shadow else "", "cyan"),
        )
        return [
            head,
            *(
                Text.assemble(
                    f"   {name:<10} {share(error):>5} ", (str(spark), style), no_wrap=True
                )
                for name, error, spark, style in zip(
                    ("production", f"online v{self._serving}"),
                    errors or [None, None],
                    self._sparks,
                    ("red", "green"),
                    strict=True,
                )
            ),
            answers,
        ]

    def _catch_up(self) -> None:
        """Draw the labels whose event was answered, in their order."""
        for row in self._course.rows[len(self._wrong) :]:
            online = self._course.wrong(row)
            if online is None:
                return
            self._wrong.append((self._story.labels.wrong(row), online))
            for spark, wrong in zip(self._sparks, self._wrong[-1], strict=True):
                spark.add(float(wrong))


def lateness(story: Scenario, counts: Counts) -> str:
    """Say how late labels are, and how many come, as far as the worker knows."""
    labelled = counts.labelled()
    due = max(counts.asked() - story.labels.delay, story.labels.due(labelled))
    come = f" · coverage {share(labelled / due)}" if due > 0 else ""
    return f"labels {story.labels.delay} events late{come}"
