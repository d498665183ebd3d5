"""``streamproc compile``."""

import asyncio
import time

import typer

from streamproc.cli.options import ConfigFile


def compile(config: ConfigFile = None) -> None:  # noqa: A001  the command's name
    """Compile the detectors before the first start.

    An image that has done so starts as fast the first time as ever.
    """
    from streamproc.config.load import load  # noqa: PLC0415  --help
    from streamproc.worker.warmup import warm_up, warm_up_learning  # noqa: PLC0415  --help

    began = time.monotonic()
    settings = load(config)

    async def compiled() -> bool:
        return any([await warm_up(settings), await warm_up_learning()])

    if asyncio.run(compiled()):
        typer.echo(f"compiled in {time.monotonic() - began:.0f} s")
    else:
        typer.echo("all is compiled")
