"""``streamproc broker``."""

from pathlib import Path
from typing import Annotated

from streamproc.cli.options import flag


def broker(
    port: Annotated[
        int, flag("port", "Port on loopback; 0 takes a free one.", min=0, max=65535)
    ] = 9092,
    data_dir: Annotated[
        Path | None,
        flag("data-dir", "Where records are kept; without it, nowhere.", metavar="DIR"),
    ] = None,
) -> None:
    """Run the embedded broker until interrupted.

    It is for one machine and keeps nothing safe: try things with it, and use Apache Kafka for
    anything else.
    """
    from streamproc.broker.command import run  # noqa: PLC0415  --help

    run(port, data_dir)
