"""``streamproc export``."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from streamproc.cli.options import Broker, ConfigFile, flag


def export(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Ends with .parquet, .csv or .jsonl.")
    ],
    *,
    incident: Annotated[str, flag("incident", "The incident, or its first letters.", metavar="ID")],
    model: Annotated[
        str | None, flag("model", "This member; default: the first one.", metavar="MODEL")
    ] = None,
    before: Annotated[
        int, flag("before", "Events before the change, at most.", min=0, metavar="N")
    ] = 0,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Write an incident's events with their labels.

    These are the events from the change on, to the end of the incident or, while it is open, of the
    log: what a model can learn from. They come from the topic outcomes, so events whose labels have
    not come are not among them. A label that was revised is the last one. Values of features and
    tags that match `redact` in the config are not written.
    """
    from streamproc.cli.export_run import write_incident  # noqa: PLC0415  --help
    from streamproc.client.settings import settle_client  # noqa: PLC0415  --help

    settings = settle_client(broker, config)
    asyncio.run(write_incident(settings, file, incident, model, before))
