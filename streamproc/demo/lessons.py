"""The end of the story of the model that learns: what it did, and what that was worth."""

from collections.abc import Iterator

from rich.box import HORIZONTALS
from rich.table import Table
from rich.text import Text

from streamproc.demo.course import Course
from streamproc.demo.judge import Learnt, Verdict
from streamproc.demo.steps import kind, share
from streamproc.demo.story import Story


def lessons(story: Story, verdict: Verdict, course: Course) -> Table:
    """Lay out each step, and how wrong the versions before and after it were.

    Parameters
    ----------
    story
        What happened.
    verdict
        What the model did.
    course
        What it answered and what was true.
    """
    labels = story.labels
    coverage = labels.count / len(labels.came)
    table = Table(
        title=f"What the online model of {story.learner} did; labels come {labels.delay} events"
        f" late, for {share(coverage)} of them",
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
    for learnt in verdict.learnt:
        table.add_row(*_row(learnt, course))
    return table


def _row(learnt: Learnt, course: Course) -> Iterator[Text]:
    lesson, update = learnt.lesson, learnt.update
    mark = ("✔ ", "bold green") if update else ("✘ ", "bold red")
    yield Text.assemble(mark, (lesson.title, "bold"))
    if update is None:
        yield from (Text(), Text(), Text("not taken", "bold red"))
        return
    yield Text.assemble((f"v{update.serving}", "bold"), "\n", (kind(update), "magenta"))
    before = course.error(lesson.during, learnt.before)
    after = course.error(lesson.later, update.serving)
    yield Text.assemble(
        (f"{share(before)} → {share(after)}\n", "bold"),
        (f"production {share(course.production(lesson.later))}", "dim"),
    )
    yield Text(f"{learnt.labels} labels", "bold")
