"""Choose the console of the demo."""

from typing import Final

from rich.console import Console

# Width of the report where the output is a file or a pipe.
WIDTH: Final = 100


def screen() -> Console:
    """Return standard output as a console."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)
