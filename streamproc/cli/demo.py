"""``streamproc demo``."""

import shutil
import sys
from typing import Annotated, Final

import typer

from streamproc.cli.options import flag
from streamproc.errors import extras_named

EVENTS: Final = 40_000  # two hours and a half of the story; 12 s of ours


def _enough(events: int) -> int:
    from streamproc.tools.demo import MIN_EVENTS  # noqa: PLC0415  not in the worker's image

    if events < MIN_EVENTS:
        raise typer.BadParameter(f"must be {MIN_EVENTS} or more")
    return events


def demo(
    *,
    events: Annotated[
        int, flag("events", "How many, of all models.", metavar="N", callback=_enough)
    ] = EVENTS,
    no_dashboard: Annotated[
        bool, flag("no-dashboard", "Print the alerts line by line.", show_default=False)
    ] = False,
    end: Annotated[
        bool,
        flag(
            "exit",
            "End after it; 0 if everything was found.",
            show_default=False,
        ),
    ] = False,
) -> None:
    """Show incidents being found, on this machine."""
    with extras_named("demo"):
        from streamproc.cli.alerts_render import describe  # noqa: PLC0415  --help
        from streamproc.cli.series_run import of_snapshots  # noqa: PLC0415  --help
        from streamproc.tools.demo.command import Demo  # noqa: PLC0415  --help
        from streamproc.tools.demo.console import screen  # noqa: PLC0415  --help
        from streamproc.tools.demo.events import Scenario  # noqa: PLC0415  --help
        from streamproc.worker.process_exit import clings, end_without  # noqa: PLC0415  --help

    job = Demo(
        story=Scenario(events),
        console=screen(),
        describe=describe,
        statuses=of_snapshots,
        dashboard=not no_dashboard,
        stay=not end,
        program="streamproc" if shutil.which("streamproc") else sys.argv[0],
    )
    try:
        verdict = job.run()
        if verdict is None or (end and not verdict.complete):
            raise typer.Exit(1)
    finally:
        if clings():  # the broker was gone before it
            end_without()
