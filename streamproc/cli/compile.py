"""``streamproc compile``."""

import time

import typer

from streamproc.cli.options import ConfigFile


def compile(config: ConfigFile = None) -> None:  # noqa: A001  the command's name
    """Compile what a worker runs, so that none has to at its first start: for images."""
    from streamproc.contract.load import load  # noqa: PLC0415  --help
    from streamproc.transport.warm import warm_up, warm_up_learning  # noqa: PLC0415  --help

    began = time.monotonic()
    if any([warm_up(load(config)), warm_up_learning()]):
        typer.echo(f"compiled in {time.monotonic() - began:.0f} s")
    else:
        typer.echo("all is compiled")
