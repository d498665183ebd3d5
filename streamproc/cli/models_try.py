"""``streamproc models try``: evaluate an online model on the rows of a file."""

import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from streamproc.cli.alerts_render import describe as describe_alert
from streamproc.cli.models_list import describe, shown_metrics
from streamproc.cli.models_try_run import (
    ReportedEvent,
    Trial,
    TrialResult,
    portions,
    without_reaction,
)
from streamproc.cli.progress import Bar
from streamproc.cli.publish_run import Job
from streamproc.cli.row_events import RowReader
from streamproc.cli.tables import new_table, terminal
from streamproc.config.config import Config
from streamproc.schemas.alerts import AlertEvent
from streamproc.schemas.model_updates import ModelUpdate
from streamproc.tabular import Table, open_table
from streamproc.terminal import count, note, printable

_PARTS: Final = 10
_TAKES_OVER: Final = ("promoted", "replaced", "reset")


def try_file(job: Job, config: Config) -> None:
    """Take a file's rows through the model, print its steps as they come, then how good it was.

    Parameters
    ----------
    job
        The file, and which column is what.
    config
        With ``online`` for the model.

    Raises
    ------
    ConfigError
        When the config has no ``online`` for the model.
    RowError
        When a row is wrong.
    """
    trials = [Trial(config, job.model)]
    online = config.model(job.model).online
    on_drift = "notify" if online is None else online.on_drift
    if on_drift != "notify":
        trials.append(Trial(without_reaction(config, job.model), job.model))
    console = terminal()
    with open_table(job.file) as table:
        for text in table.notices:
            note(text)
        rows = _run(job, table, trials, console)
    courses = [trial.course for trial in trials]
    console.print(_result(rows, courses, on_drift))
    if courses[0].texts_left_out:
        names = ", ".join(map(printable, courses[0].texts_left_out))
        note(f"text features are left out, since no step of the model reads text: {names}")
    for line in _changes(courses, rows):
        console.print(line, soft_wrap=True)


def _run(job: Job, table: Table, trials: list[Trial], console: Console) -> int:
    roles = job.roles(table.columns)
    reader = RowReader(table.name, job.model, roles, job.label_delay)
    rows = shown = 0
    with Bar(table) as bar:
        for part in portions(reader.events(table.rows(roles.text))):
            for trial in trials:
                trial.take(part)
            for reported in trials[0].course.reported[shown:]:
                console.print(_described(reported))
            shown = len(trials[0].course.reported)
            rows += sum("label" not in event for _, row in part for event in row.events)
            bar.advance(rows)
            sys.stdout.flush()
    return rows


def _described(reported: ReportedEvent) -> Text:
    what = (
        describe(reported.what)
        if isinstance(reported.what, ModelUpdate)
        else describe_alert(reported.what)
    )
    return Text.assemble((f"row {reported.row:>7,}  ", "bold"), what)


def _result(rows: int, courses: list[TrialResult], on_drift: str) -> Grid:
    """Lay out the mean loss of parts of the file, beside a model that does nothing at a drift."""
    names = [on_drift, "notify alone"][: len(courses)]
    table = new_table("rows", *(f"loss, on_drift: {name}" for name in names))
    bounds = [rows * part // _PARTS for part in range(_PARTS + 1)]
    spans = [(f"{a:,} to {b - 1:,}", a, b) for a, b in pairwise(bounds) if b > a]
    spans.append((f"all {count(rows, 'row')}", 0, rows))
    for title, first, last in spans:
        losses = [course.loss(first, last) for course in courses]
        table.add_row(title, *("" if loss is None else f"{loss:.4f}" for loss in losses))
    last_update = courses[0].last
    table.caption = "" if last_update is None else shown_metrics(last_update)
    return table


def _changes(courses: list[TrialResult], rows: int) -> Iterator[str]:
    """Say of each change what alarmed before it, and what was lost from there on, and otherwise."""
    alarm: ReportedEvent | None = None
    for reported in courses[0].reported:
        if isinstance(reported.what, AlertEvent):
            if reported.what.kind == "concept" and reported.what.status == "firing":
                alarm = reported
        elif reported.what.step in _TAKES_OVER:
            mine, still = (course.loss(reported.row, rows) for course in courses)
            since = "" if alarm is None else f"alarm at row {alarm.row:,}, "
            yield (
                f"{since}version {reported.what.version} {reported.what.step}"
                f" at row {reported.row:,}"
                + ("" if mine is None or still is None else _compared(mine, still))
            )


def _compared(mine: float, still: float) -> str:
    return f": mean loss from there on {mine:.4f}, with on_drift: notify {still:.4f}"
