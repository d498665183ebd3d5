"""``streamproc check``."""

from pathlib import Path
from typing import Annotated

import typer


def check(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="The config file.", show_default=False)
    ],
) -> None:
    """Validate a config file and say what it watches."""
    from streamproc.cli.summary import summarise  # noqa: PLC0415  --help
    from streamproc.contract.load import load  # noqa: PLC0415  --help
    from streamproc.errors import ConfigError  # noqa: PLC0415  --help
    from streamproc.rows.reference import with_references  # noqa: PLC0415  --help
    from streamproc.sinks.webhook import AbsentError, targets_of  # noqa: PLC0415  --help
    from streamproc.transport.security import client_options  # noqa: PLC0415  --help

    loaded = with_references(load(config))
    for line in summarise(loaded):
        typer.echo(line)
    try:
        client_options(loaded.security)
    except ConfigError as error:  # a build machine has no secrets, and may check all the same
        typer.echo(f"not on this machine: {error}")
    try:
        targets_of(loaded)
    except AbsentError as error:
        for problem in error.problems:
            typer.echo(f"not on this machine: {problem}")
    typer.echo("ok")
