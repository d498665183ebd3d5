"""``streamproc intake``: try what becomes of the records of other systems."""

import asyncio
from typing import Annotated, Final

import typer

from streamproc.cli.options import Broker, ConfigFile, flag

app: Final = typer.Typer(
    help="Try the mapping of other topics.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _group() -> None:
    """Try the mapping of other topics."""


@app.command(
    "try",
    epilog="\b\nExample:\n  streamproc intake try payments.scores --config streamproc.yaml",
)
def try_mapping(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|TOPIC",
            help="A topic, or a file with a record a line.",
            show_default=False,
        ),
    ],
    *,
    sample: Annotated[int, flag("sample", "Number of records: the last of a topic.", min=1)] = 100,
    topic: Annotated[
        str | None,
        flag("topic", "Topic that a file's records are of.", metavar="TOPIC"),
    ] = None,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Print what records become, or why not.

    A line of a file is a record's value as JSON, or what `kcat -J` prints of it, with key and
    headers. Without --topic a file is mapped by the first entry of `intake`.
    """
    from streamproc.cli.intake_try import try_records  # noqa: PLC0415  --help
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help

    failed = asyncio.run(try_records(resolve_config(broker, config), source, sample, topic))
    if failed:
        raise typer.Exit(1)
