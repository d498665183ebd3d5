"""Define flags, each of which can also be set in the environment."""

from pathlib import Path
from typing import Annotated, Any

import typer


def flag(name: str, explanation: str, **settings: Any) -> Any:
    """Make a flag that ``STREAMPROC_<NAME>`` sets when the command line does not.

    Parameters
    ----------
    name
        Without dashes before it, such as ``data-dir``.
    explanation
        What ``--help`` says of it.
    settings
        Of ``typer.Option``.
    """
    variable = f"STREAMPROC_{name.upper().replace('-', '_')}"
    return typer.Option(f"--{name}", envvar=variable, help=explanation, **settings)


ConfigFile = Annotated[
    Path | None,
    flag("config", "Config file; without one, the defaults.", metavar="FILE"),
]
Broker = Annotated[
    str | None,
    flag("broker", "Kafka cluster, kafka://host:port.", metavar="URL"),
]
