"""Programs of ours that run in a Python process of their own."""

import os
import sys


def command(module: str, *arguments: str) -> list[str]:
    """Run a module as a program, to be started in `environment`.

    Without ``-P`` Python would look into the working directory first: a ``json.py`` of whoever
    starts a worker there would be imported in the place of Python's.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """Give a process our environment, and let it find modules where we do."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
