"""``streamproc deployments``: list the versions that began to answer, and announce one."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from streamproc.cli.options import Broker, ConfigFile, flag
from streamproc.cli.times import moment

if TYPE_CHECKING:
    from collections.abc import Coroutine

app: Final = typer.Typer(
    help="List and announce deployments of models.",
    invoke_without_command=True,
    rich_markup_mode=None,
    epilog="\b\nExample:\n  streamproc deployments --model 'fraud*' --since 7d",
)


@app.callback()
def deployments(
    ctx: typer.Context,
    *,
    model: Annotated[str | None, flag("model", "Only models that match.", metavar="GLOB")] = None,
    since: Annotated[
        str | None, flag("since", "Only begun since 15m, 2h, 7d or a time.", metavar="TIME")
    ] = None,
    as_json: Annotated[
        bool, flag("json", "One record a line, and nothing else.", show_default=False)
    ] = False,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """List deployments of the last 30 days.

    A deployment is known from the first event with a new `model_version`, or from an announcement.
    """
    if ctx.invoked_subcommand is not None:
        return
    from streamproc.cli.deployments_run import print_deployments  # noqa: PLC0415  --help

    after = None if since is None else moment(since, datetime.now(UTC), "--since", "past")
    _run(print_deployments, broker, config, model, after, as_json=as_json)


@app.command(
    "announce",
    epilog="\b\nExample:\n  streamproc deployments announce fraud 8 --note 'trained on December'",
)
def announce(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model.", show_default=False)],
    version: Annotated[
        str, typer.Argument(metavar="VERSION", help="The new version.", show_default=False)
    ],
    *,
    at: Annotated[
        str | None, flag("at", "When, such as now or a time; default: now.", metavar="TIME")
    ] = None,
    note: Annotated[str, flag("note", "What it is.", metavar="TEXT")] = "",
    by: Annotated[str | None, flag("by", "Who; default: user and machine.", metavar="NAME")] = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Tell that a model gets a new version."""
    from streamproc.cli.deployments_run import print_announced  # noqa: PLC0415  --help

    time = moment(at or "now", datetime.now(UTC), "--at", "past")
    payload = {"model_id": model, "model_version": version, "at": time, "note": note, "by": by}
    _run(print_announced, broker, config, payload)


def _run(job: Any, broker: str | None, config: Any, *arguments: Any, **options: Any) -> None:
    from streamproc.client.settings import settle_client  # noqa: PLC0415  --help

    work: Coroutine[Any, Any, None] = job(settle_client(broker, config), *arguments, **options)
    asyncio.run(work)
