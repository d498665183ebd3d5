"""``streamproc models try``: a file's rows through an online model, and what came of it."""

import sys
from itertools import pairwise
from typing import Final

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from streamproc.cli.alerting import describe as describe_alert
from streamproc.cli.modeling import describe, new_table, shown_metrics, terminal
from streamproc.cli.output import count, note
from streamproc.cli.progress import Bar
from streamproc.cli.publishing import Job
from streamproc.cli.rowevents import RowReader
from streamproc.cli.trial import Course, Told, Trial, portions, without_reaction
from streamproc.contract.config import Config
from streamproc.contract.updates import ModelUpdate
from streamproc.rows import Table, open_table

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
        if table.notice:
            note(table.notice)
        rows = _run(job, table, trials, console)
    console.print(_result(rows, [trial.course for trial in trials], on_drift))


def _run(job: Job, table: Table, trials: list[Trial], console: Console) -> int:
    roles = job.roles(table.columns)
    reader = RowReader(table.name, job.model, roles, job.label_delay)
    rows = shown = 0
    with Bar(table) as bar:
        for part in portions(reader.events(table.rows(roles.text))):
            for trial in trials:
                trial.take(part)
            for told in trials[0].course.told[shown:]:
                console.print(_described(told))
            shown = len(trials[0].course.told)
            rows += sum(row.event is not None for _, row in part)
            bar.advance(rows)
            sys.stdout.flush()
    return rows


def _described(told: Told) -> Text:
    what = describe(told.what) if isinstance(told.what, ModelUpdate) else describe_alert(told.what)
    return Text.assemble((f"row {told.row:>7,}  ", "bold"), what)


def _result(rows: int, courses: list[Course], on_drift: str) -> Grid:
    """Lay out the mean loss of parts of the file, beside a model that does nothing at a drift."""
    names = [on_drift, "notify alone"][: len(courses)]
    table = new_table("rows", *(f"loss, on_drift: {name}" for name in names))
    bounds = [rows * part // _PARTS for part in range(_PARTS + 1)]
    spans = [(f"{a:,} to {b - 1:,}", a, b) for a, b in pairwise(bounds) if b > a]
    spans.append((f"all {count(rows, 'row')}", 0, rows))
    changes = [
        told.row
        for told in courses[0].told
        if isinstance(told.what, ModelUpdate) and told.what.step in _TAKES_OVER
    ]
    if changes:
        spans.append((f"after the change at {changes[0]:,}", changes[0], rows))
    for title, first, last in spans:
        losses = [course.loss(first, last) for course in courses]
        table.add_row(title, *("" if loss is None else f"{loss:.4f}" for loss in losses))
    last_update = courses[0].last
    table.caption = "" if last_update is None else shown_metrics(last_update)
    return table
