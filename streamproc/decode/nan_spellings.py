"""Read NaN and infinite numbers as other languages than Python print them into JSON."""

import re
from typing import Final

# A text is skipped as a whole. C and C++ print nan, -nan, inf and nan(0x8…), and those of older
# Visual C++ 1.#QNAN, -1.#IND and 1.#INF.
_TOKEN: Final = re.compile(
    r'"(?:[^"\\]|\\.)*"'
    r"|(?P<before>[:,\[]\s*)(?:[+-]?(?P<nan>nan(?:\(\w*\))?|1\.#(?:QNAN|SNAN|IND)0*)"
    r"|(?P<sign>[+-]?)(?:inf(?:inity)?|1\.#INF0*))(?=\s*[,\]}])",
    re.IGNORECASE,
)


def with_python_spelling(text: str) -> str:
    """Return JSON with NaN and infinite numbers as Python spells them.

    Examples
    --------
    >>> with_python_spelling('{"a": nan, "b": -inf, "c": [1, -nan(ind)], "d": ": nan,"}')
    '{"a": NaN, "b": -Infinity, "c": [1, NaN], "d": ": nan,"}'
    """
    return _TOKEN.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    before = found["before"]
    if before is None:
        return found[0]
    if found["nan"] is not None:
        return f"{before}NaN"
    return f"{before}{'-' if found['sign'] == '-' else ''}Infinity"
