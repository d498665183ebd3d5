"""``streamproc inputs``."""

import asyncio
from typing import Annotated

import typer

from streamproc.cli.options import Broker, ConfigFile, flag


def inputs(
    model: Annotated[
        str,
        typer.Argument(metavar="[MODEL]", help="Models that match, 'fraud*'.", show_default=False),
    ] = "*",
    *,
    as_json: Annotated[bool, flag("json", "One finding a line, and nothing else.")] = False,
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """List how events were read, or not.

    Fields that were converted or count as missing, features that changed their type, models beyond
    a limit or on several partitions, labels that are not joined, and records that could not be
    read: as workers reported them on the topics of alerts and dead letters.
    """
    from streamproc.cli.inputs_run import print_inputs  # noqa: PLC0415  --help
    from streamproc.client.settings import settle_client  # noqa: PLC0415  --help

    asyncio.run(print_inputs(settle_client(broker, config), model, as_json=as_json))
