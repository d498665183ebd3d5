"""``streamproc sinks``: list the sinks of a config, and send a test alert to one."""

import asyncio
from typing import Annotated, Final

import typer

from streamproc.cli.options import ConfigFile, flag

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Of a sink or webhook.", show_default=False)
]

app: Final = typer.Typer(
    help="List sinks of alerts, and test them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _example(command: str) -> str:
    return f"\b\nExample:\n  streamproc sinks {command}"


@app.command("list", epilog=_example("list --config streamproc.yaml"))
def list_sinks(*, config: ConfigFile = None) -> None:
    """List the sinks, and who hears of what."""
    from streamproc.cli.check_routes import who_hears  # noqa: PLC0415  --help
    from streamproc.cli.sinks_run import sink_lines  # noqa: PLC0415  --help
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help

    loaded = resolve_config(None, config)
    for line in (*sink_lines(loaded), *who_hears(loaded)):
        typer.echo(line)


@app.command("test", epilog=_example("test pager --config streamproc.yaml"))
def try_sink(
    name: Name,
    *,
    resolve: Annotated[
        bool, flag("resolve", "Send the end of the incident, too.", show_default=False)
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Send a test alert to a sink.

    It prints what the receiver answers. No broker is needed; filters and routes do not apply.
    """
    from streamproc.cli.sinks_run import send_test  # noqa: PLC0415  --help
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help

    for line in asyncio.run(send_test(resolve_config(None, config), name, resolve=resolve)):
        typer.echo(line)
