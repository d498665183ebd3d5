"""Parse the text of one cell."""

import math
import re
from collections.abc import Mapping

# JSON's grammar of numbers, and the forms "+1", ".5" and "5." that other programs write.
# A leading zero makes text of it: "007" and "01234" are codes, and 7 would not be the same.
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_WORDS: Mapping[str, bool | None] = {
    "": None,
    "na": None,
    "nan": None,
    "null": None,
    "true": True,
    "false": False,
}

Cell = float | bool | str | list[float] | None


def parse_cell(text: str) -> Cell:
    """Return what a cell means: a number, a truth value, None for missing, else the text.

    Parameters
    ----------
    text
        The cell's characters, without quotes.

    Returns
    -------
    float or bool or str or None
        ``true`` and ``false`` in any case are truth values; an empty cell, ``NA``, ``NaN`` and
        ``null`` are missing; numbers may have spaces around them, text keeps its own.

    Raises
    ------
    ValueError
        For an infinite number, which JSON cannot say.

    Examples
    --------
    >>> [parse_cell(text) for text in ("1", "2.50", "1e3", "True", "NA", "007")]
    [1.0, 2.5, 1000.0, True, None, '007']
    """
    if _NUMBER.fullmatch(text):
        value = float(text)
        if math.isinf(value):
            raise ValueError(_no_infinity(text))
        return value
    word = text.strip()
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if word != text and _NUMBER.fullmatch(word):
        return parse_cell(word)
    if _INFINITE.fullmatch(word):
        raise ValueError(_no_infinity(text))
    return text


def is_number(text: str) -> bool:
    """Whether a cell is a number."""
    return _NUMBER.fullmatch(text.strip()) is not None


def _no_infinity(text: str) -> str:
    return f"{text!r} is infinite, which JSON cannot say: leave the cell empty if it is missing"
