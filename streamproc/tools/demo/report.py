"""Print the final report: detected incidents, detection delays and false alarms."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from rich.box import HORIZONTALS
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from streamproc.tools.demo.accuracy import Course
from streamproc.tools.demo.display import Describe
from streamproc.tools.demo.events import ERROR, START, Incident, Scenario
from streamproc.tools.demo.report_online import NARROW, beneath, lessons
from streamproc.tools.demo.score import Finding, Verdict
from streamproc.tools.demo.step_text import describe_step

_TITLE: Final = f"What happened until {START:%Y-%m-%d} (times are UTC), and how soon it was known"


def report(
    story: Scenario, verdict: Verdict, course: Course, describe: Describe, width: int
) -> RenderableType:
    """Write a verdict for a person.

    Parameters
    ----------
    story
        What happened.
    verdict
        What was found of it.
    course
        What was answered and what was true.
    describe
        Writes a false incident's alert.
    width
        Width in columns; a narrow report has lists instead of tables.
    """
    narrow = width < NARROW
    parts: list[RenderableType] = [
        Text(),
        _list(verdict) if narrow else _table(verdict),
        Text(),
        lessons(story, verdict, course, narrow=narrow),
        Padding(_summary(story, verdict), (0, 1)),
    ]
    if verdict.false:
        parts.append(
            Padding(Text("False incidents, of which nothing happened:", "bold red"), (1, 1, 0, 1))
        )
        parts += [Padding(describe(alert), (0, 1)) for alert in verdict.false]
    if verdict.strays:
        parts.append(Padding(Text("Steps that nothing gave reason to:", "bold red"), (1, 1, 0, 1)))
        parts += [Padding(describe_step(update), (0, 1)) for update in verdict.strays]
    if verdict.over:
        parts.append(
            Padding(Text("Called over, though they last until the end:", "bold red"), (1, 1, 0, 1))
        )
        parts += [Padding(describe(alert), (0, 1)) for alert in verdict.over]
    return Group(*parts)


def spell(delay: timedelta) -> str:
    """Write a stretch of time with its two largest units.

    Examples
    --------
    >>> spell(timedelta(seconds=31.4)), spell(timedelta(minutes=62, seconds=5))
    ('31 s', '1 h 2 min')
    """
    seconds = round(delay.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def _list(verdict: Verdict) -> Group:
    """Say the same as the table, one cell beneath the other."""
    lines: list[RenderableType] = [Text(f" {_TITLE}", "bold")]
    for found in verdict.findings:
        story, where, began, after = _row(found)
        facts = (where.plain, f"began {began.plain}", f"found after {after.plain}")
        lines += [Text(), Padding(story, (0, 1)), *(beneath(fact) for fact in facts)]
    return Group(*lines)


def _table(verdict: Verdict) -> Table:
    table = Table(
        title=_TITLE,
        title_justify="left",
        title_style="bold",
        box=HORIZONTALS,
        show_lines=True,
        header_style="dim",
        expand=True,
    )
    table.add_column("Incident and message of its alert", ratio=1, min_width=24)
    table.add_column("Where", no_wrap=True)
    table.add_column("Began", no_wrap=True)
    table.add_column("Found after, by", no_wrap=True, justify="right")
    for found in verdict.findings:
        table.add_row(*_row(found))
    return table


def _row(found: Finding) -> Iterator[Text]:
    incident, alert = found.incident, found.alert
    mark = ("✔ ", "bold green") if alert else ("✘ ", "bold red")
    story = Text.assemble(mark, (incident.title, "bold"))
    if alert is not None:
        story.append(f"\n{alert.message}", "dim")
    yield story
    yield Text.assemble((incident.model_id, "bold"), "\n", (incident.series, "magenta"))
    early = incident.began_at.date() < START.date()
    yield Text(f"{incident.began_at:%Y-%m-%d}\n" * early + f"{incident.began_at:%H:%M:%S}")
    if alert is None:
        yield Text("not found", "bold red")
        return
    unit = "labels" if incident.series == ERROR else "events"
    late = "" if found.in_time else f"\nexpected: {incident.within}"
    yield Text.assemble(
        (f"{found.events} {unit}{late}\n", "bold" if found.in_time else "bold yellow"),
        f"{spell(found.delay)}\n",
        (alert.detector, "cyan"),
    )


def _summary(story: Scenario, verdict: Verdict) -> Text:
    """Say in a few lines how it went."""
    found = len(verdict.findings) - len(verdict.missed)
    text = Text()
    text.append(
        f"{found} of {len(verdict.findings)} incidents found",
        "bold red" if verdict.missed else "bold green",
    )
    count = len({alert.incident_id for alert in verdict.false})
    summary = f"{count} false incident{'s' if count > 1 else ''}" if count else "no false incident"
    text.append(f", {summary}", "bold red" if count else "bold green")
    text.append(*_lasting(verdict))
    taken = len(verdict.learnt) - len(verdict.unlearnt)
    text.append(
        f"; {taken} of {len(verdict.learnt)} steps of the online model taken",
        "bold red" if verdict.unlearnt else "bold green",
    )
    text.append(*_seasons(verdict))
    silent = _silent(story, verdict)
    if silent:
        text.append(f". {' and '.join(silent)} did not change and raised no alert.")
    else:
        text.append(".")
    for incident in verdict.missed:
        text.append(f"\nMissed: {_missed(incident)}", "bold red")
    for lesson in verdict.unlearnt:
        text.append(f"\nNot taken: {lesson.title}", "bold red")
    for model, series in verdict.unknown_seasons:
        text.append(f"\nNot known: {model} {series} follows the hour of the day", "bold red")
    return text


def _lasting(verdict: Verdict) -> tuple[str, str]:
    """Say of the incidents, which all last until the end, whether one was called over."""
    over = len({alert.incident_id for alert in verdict.over})
    if over:
        return f", {over} called over while {'they last' if over > 1 else 'it lasts'}", "bold red"
    return ", none called over while it lasts", "bold green"


def _seasons(verdict: Verdict) -> tuple[str, str]:
    """Say of how many series that follow the hour of the day that was learned."""
    if not verdict.seasons:
        return "", ""
    known = len(verdict.seasons) - len(verdict.unknown_seasons)
    style = "bold red" if verdict.unknown_seasons else "bold green"
    return f"; {known} of {len(verdict.seasons)} daily cycles learned", style


def _silent(story: Scenario, verdict: Verdict) -> list[str]:
    accused = {alert.model_id for alert in verdict.false}
    return [actor.id for actor in story.models if actor.untouched and actor.id not in accused]


def _missed(incident: Incident) -> str:
    where = f"{incident.model_id} {incident.series}"
    return f"{where}: {incident.title} (from {incident.began_at:%Y-%m-%d %H:%M:%S} UTC)"
