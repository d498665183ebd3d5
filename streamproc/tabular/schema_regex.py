"""Write the patterns and formats of a JSON Schema as regular expressions of rules."""

import re
from collections.abc import Mapping
from typing import Final

_HOUR: Final = (
    r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DAY: Final = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_BYTE: Final = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
FORMATS: Final[Mapping[str, str]] = {
    "date": _DAY,
    "time": _HOUR,
    "date-time": f"{_DAY}[Tt ]{_HOUR}",
    "duration": r"P(?=.)([0-9]+Y)?([0-9]+M)?([0-9]+W)?([0-9]+D)?"
    r"(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+S)?)?",
    "email": r"[^@\s]+@[^@\s]+",
    "ipv4": rf"({_BYTE}\.){{3}}{_BYTE}",
    "uuid": r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "uri": r"[A-Za-z][A-Za-z0-9+.-]*:\S+",
}
"""The form of each format of JSON Schema that is one; RFC 3339, 5321, 2673, 4122 and 3986.

Whether the day exists in its month, or a domain does, is not part of it.
"""

_ESCAPED_OR_CLASS: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]", re.DOTALL)
# Not in Python, or with another meaning there: properties of Unicode, named groups in the form of
# ECMA-262, control letters, the end of the text, and an empty class.
_FOREIGN: Final = re.compile(r"\\[pPcAZkz]|\\u\{|\(\?<(?![=!])|\[\^?\]")
_ASCII_CLASSES: Final = re.compile(r"\\[dDwWbB]")


class PatternError(ValueError):
    """A pattern that is not one of Python's; the text says why."""


def full_match(pattern: str) -> str:
    r"""Return the regular expression that matches a complete text where a pattern is found in it.

    Raises
    ------
    PatternError
        If Python does not have what the pattern uses.

    Notes
    -----
    Digits, words and their borders are those of ASCII, as in ECMA-262.

    Examples
    --------
    >>> full_match("^[A-Z]{2}$"), full_match("x|y$")
    ('[A-Z]{2}', '[\\s\\S]*(?:x|y\\Z)[\\s\\S]*')
    """
    foreign = _FOREIGN.search(pattern)
    if foreign is not None:
        raise PatternError(f"Python's regular expressions do not have {foreign.group()!r}")
    outside = _ESCAPED_OR_CLASS.sub(lambda found: "_" * len(found.group()), pattern)
    anchored = outside.startswith("^") and outside.endswith("$") and "|" not in outside
    if anchored and outside.count("^") == outside.count("$") == 1:
        found = pattern[1:-1]
        found = f"(?a:{found})" if _ASCII_CLASSES.search(found) else found
    else:
        # `$` of Python also matches before a line break at the end.
        characters = (
            "\\Z" if mark == "$" else each for each, mark in zip(pattern, outside, strict=True)
        )
        group = "?a:" if _ASCII_CLASSES.search(pattern) else "?:"
        found = rf"[\s\S]*({group}{''.join(characters)})[\s\S]*"
    try:
        re.compile(found)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"is not a regular expression of Python: {error}") from error
    return found
