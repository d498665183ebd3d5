"""``streamproc series``."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from streamproc.cli.options import Broker, ConfigFile, flag


def series(
    model: Annotated[
        str,
        typer.Argument(metavar="[MODEL]", help="Models that match, 'fraud*'.", show_default=False),
    ] = "*",
    *,
    file: Annotated[
        Path | None,
        flag("file", "Of a file of events (jsonl, - for stdin).", metavar="FILE"),
    ] = None,
    as_json: Annotated[bool, flag("json", "One series a line, and nothing else.")] = False,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """List each series: its state and character.

    The states are those of the last snapshots, which workers write every `snapshots.interval`; or,
    with --file, those that the events of a file lead to, without Kafka.
    """
    from streamproc.cli.series_run import of_file, of_snapshots, print_statuses  # noqa: PLC0415
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help

    settings = resolve_config(broker, config)
    found = asyncio.run(of_snapshots(settings)) if file is None else of_file(settings, file)
    print_statuses(found, model, as_json=as_json)
