"""``streamproc replay``."""

import asyncio
from typing import Annotated

import typer

from streamproc.cli.options import Broker, ConfigFile, flag


def replay(
    *,
    compare: Annotated[
        bool,
        flag(
            "compare",
            "Compare with the published alerts instead.",
            show_default=False,
        ),
    ] = False,
    as_json: Annotated[
        bool, flag("json", "One AlertEvent a line, and nothing else.", show_default=False)
    ] = False,
    model: Annotated[
        str, flag("model", "Only models that match, such as 'fraud*'.", metavar="GLOB")
    ] = "*",
    config: ConfigFile = None,
    broker: Broker = None,
) -> None:
    """Print the alerts that recorded events give.

    The topics are read from their beginning to their end through the pipeline, in this process;
    nothing is published. With --compare they are read as far as the group has handled them, and
    the exit code is 1 when the topics hold anything else.
    """
    from streamproc.cli.replay_run import compared, print_replay  # noqa: PLC0415  --help
    from streamproc.client.settings import resolve_config  # noqa: PLC0415  --help

    if compare and (as_json or model != "*"):
        raise typer.BadParameter(
            "--compare is of all models, and prints no alerts: leave out --json and --model"
        )
    settings = resolve_config(broker, config)
    if not compare:
        asyncio.run(print_replay(settings, model, as_json=as_json))
    elif not asyncio.run(compared(settings)):
        raise typer.Exit(1)
