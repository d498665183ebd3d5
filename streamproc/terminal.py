"""What goes to the terminal."""

import contextlib
import sys
from typing import Final

_PLAIN: Final = {"\t": " ", "\n": " ", "\r": " "}


def note(text: str) -> None:
    """Write a line that is not a result to standard error; a log that is full costs only itself."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{printable(text)}\n")


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> count(1, "row"), count(2, "row")
    ('1 row', '2 rows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(text: str) -> str:
    r"""Return text from elsewhere with what would steer the terminal made visible.

    Examples
    --------
    >>> printable("model\x1b[2J")
    'model\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else _PLAIN.get(character) or _escaped(character)
        for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
