"""``streamproc broker``."""

from pathlib import Path
from typing import Annotated

from streamproc.cli.options import flag


def broker(
    port: Annotated[int, flag("port", "Port on loopback.", min=1, max=65535)] = 9092,
    data_dir: Annotated[
        Path | None,
        flag("data-dir", "Where records are kept; without it, nowhere.", metavar="DIR"),
    ] = None,
) -> None:
    """Run the embedded broker on this machine until interrupted: for a try, not for service."""
    from streamproc.broker.embedded import run  # noqa: PLC0415  --help

    run(port, data_dir)
