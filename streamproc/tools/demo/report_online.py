"""Print the report of the online model: its steps and their effect on the error."""

from collections.abc import Iterator
from typing import Final

from rich.box import HORIZONTALS
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streamproc.tools.demo.accuracy import Course
from streamproc.tools.demo.events import Scenario
from streamproc.tools.demo.score import ObservedStep, Verdict
from streamproc.tools.demo.step_text import kind, share

# Minimum width of the terminal for the table with four columns.
NARROW: Final = 76


def lessons(
    story: Scenario, verdict: Verdict, course: Course, *, narrow: bool = False
) -> RenderableType:
    """Lay out each step, and how wrong the versions before and after it were.

    Parameters
    ----------
    story
        What happened.
    verdict
        What the model did.
    course
        What it answered and what was true.
    narrow
        Whether the terminal is too narrow for a table.
    """
    labels = story.labels
    title = (
        f"What the online model of {story.learner} did; labels come {labels.delay} events late,"
        f" for {share(labels.count / len(labels.came))} of them"
    )
    rows = [list(_row(learnt, course)) for learnt in verdict.learnt]
    return _list(title, rows) if narrow else _table(title, rows)


def worth(learnt: ObservedStep, course: Course) -> tuple[str, str]:
    """Return which share was wrong before a step and after it, of the versions that answered."""
    lesson, update = learnt.lesson, learnt.update
    after = None if update is None else course.error(lesson.later, update.serving)
    return share(course.error(lesson.during, learnt.before)), share(after)


def beneath(fact: str) -> Padding:
    """Set a fact in, beneath what it is about."""
    return Padding(Text(fact.replace("\n", ", "), "dim"), (0, 1, 0, 3))


def _list(title: str, rows: list[list[Text]]) -> Group:
    lines: list[RenderableType] = [Padding(Text(title, "bold"), (0, 1))]
    for step, who, wrong, after in rows:
        facts = (f"{who.plain} answers", f"wrong {wrong.plain}", f"taken after {after.plain}")
        lines += [Text(), Padding(step, (0, 1)), *(beneath(fact) for fact in facts if who.plain)]
    return Group(*lines, Text())


def _table(title: str, rows: list[list[Text]]) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=HORIZONTALS,
        show_lines=True,
        header_style="dim",
        expand=True,
    )
    table.add_column("Step", ratio=1, min_width=24)
    table.add_column("Answers now", no_wrap=True)
    table.add_column("Wrong before → after", no_wrap=True)
    table.add_column("Taken after", no_wrap=True, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _row(learnt: ObservedStep, course: Course) -> Iterator[Text]:
    lesson, update = learnt.lesson, learnt.update
    mark = ("✔ ", "bold green") if update else ("✘ ", "bold red")
    yield Text.assemble(mark, (lesson.title, "bold"))
    if update is None:
        yield from (Text(), Text(), Text("not taken", "bold red"))
        return
    yield Text.assemble((f"v{update.serving}", "bold"), "\n", (kind(update), "magenta"))
    before, after = worth(learnt, course)
    yield Text.assemble(
        (f"{before} → {after}\n", "bold"),
        (f"production {share(course.production(lesson.later))}", "dim"),
    )
    yield Text(f"{learnt.labels} labels", "bold")
