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
    from streamproc.rows.reference import with_references  # noqa: PLC0415  --help

    for line in summarise(with_references(load(config))):
        typer.echo(line)
    typer.echo("ok")
