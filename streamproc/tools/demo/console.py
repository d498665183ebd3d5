"""Choose the console of the demo."""

from typing import Final

from rich.console import Console

# What the table of the end was made for; files and pipes have no width of their own.
WIDTH: Final = 100


def screen() -> Console:
    """Return standard output as a console."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)
