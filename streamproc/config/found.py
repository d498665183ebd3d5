"""Show what was found in a configuration, in one line."""

import json
import math
from typing import Any, Final

MAX_LENGTH: Final = 60
"""Characters of a value that an error shows."""


def shown(value: Any) -> str:
    """Return a value of the configuration as errors name it: short, and without its parts.

    Examples
    --------
    >>> shown("soon"), shown([1]), shown(None)
    ('"soon"', 'a list', 'nothing (null)')
    """
    if isinstance(value, bool | str) or (isinstance(value, float) and math.isfinite(value)):
        text = json.dumps(value, ensure_ascii=False)
    elif isinstance(value, int) and abs(value) < 10**MAX_LENGTH:
        text = str(value)
    else:
        return "NaN or infinity" if isinstance(value, float) else kind_of(value)
    text = "".join(character if character.isprintable() else "�" for character in text)
    return text if len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}…"


def kind_of(value: Any) -> str:
    """Return what a value is, for one that may be a secret."""
    if value is None:
        return "nothing (null)"
    kinds: dict[type, str] = {
        bool: "true or false",
        str: "text",
        int: "a number",
        float: "a number",
        dict: "a mapping",
        list: "a list",
    }
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**MAX_LENGTH:
        return "a huge number"
    return kinds.get(type(value), type(value).__name__)
