"""Command lines and environment of our Python subprocesses."""

import os
import sys


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module, to be started with `environment`.

    Without ``-P`` Python would search the working directory first, and import a ``json.py`` there
    instead of the standard library's.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """Return our environment with the import path of this process."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
