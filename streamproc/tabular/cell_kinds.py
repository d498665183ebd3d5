"""Parse the text of a cell whose kind is given: numbers with units, yes and no, lists."""

import json
import math
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Final, Literal, get_args

from streamproc.tabular.cell_types import Cell, is_number

CellKind = Literal["number", "percent", "text", "boolean", "list"]
KINDS: Final[tuple[CellKind, ...]] = get_args(CellKind)

_MISSING: Final = frozenset({"", "na", "nan", "null", "none", "-"})
_TRUTH: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "on"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "off"), False),
}
# Currency signs and codes before or after a number, a percent sign, and what groups thousands.
_AFFIX: Final = re.compile(r"^([^\d.,+\-()]{0,4})|([^\d.,)]{0,4})$")
_GROUPS: Final = re.compile(r"[\s'’_\u00a0\u202f]")


@cache
def parser_of(kind: CellKind, decimal: str) -> Callable[[str], Cell]:
    """Return what parses the cells of a column of this kind.

    Parameters
    ----------
    kind
        ``number`` may have a currency, a percent sign, thousands, and parentheses for minus;
        ``percent`` is a hundredth of it; ``boolean`` is true, yes, y, t, on or 1, and their
        opposites; ``list`` is numbers, as JSON or with commas or spaces between; ``text`` is taken
        as it is.
    decimal
        The decimal mark.

    Examples
    --------
    >>> parser_of("number", ".")("$1,441.60"), parser_of("percent", ".")("95.0%")
    (1441.6, 0.95)
    >>> parser_of("number", ",")("1.441,60 €"), parser_of("list", ".")("[0.5, 2]")
    (1441.6, [0.5, 2.0])
    """
    parsers: Mapping[CellKind, Callable[[str], Cell]] = {
        "number": partial(_number, decimal=decimal),
        "percent": partial(_percent, decimal=decimal),
        "text": str,
        "boolean": _boolean,
        "list": partial(_list, decimal=decimal),
    }
    return parsers[kind]


def _number(text: str, decimal: str) -> float | None:
    if text.strip().lower() in _MISSING:
        return None
    plain = text.strip()
    negative = plain.startswith("(") and plain.endswith(")")
    plain = plain.strip("()").strip()
    sign = ""
    if plain[:1] in {"-", "−", "+"}:  # before the currency
        sign, plain = ("" if plain[0] == "+" else "-"), plain[1:]
    plain = sign + _GROUPS.sub("", _AFFIX.sub("", plain))
    plain = plain.replace("," if decimal == "." else ".", "").replace(decimal, ".")
    if not is_number(plain) and not re.fullmatch(r"-?0[0-9]+(\.[0-9]*)?", plain):
        raise ValueError(f"{text!r} is not a number")
    value = float(plain)
    if math.isinf(value):
        raise ValueError(f"{text!r} is infinite")
    return -value if negative else value


def _percent(text: str, decimal: str) -> float | None:
    value = _number(text, decimal)
    return None if value is None else value / 100


def _boolean(text: str) -> bool | None:
    word = text.strip().lower()
    if word in _MISSING:
        return None
    if word not in _TRUTH:
        raise ValueError(f"{text!r} is neither true nor false")
    return _TRUTH[word]


def _list(text: str, decimal: str) -> Cell:
    plain = text.strip()
    if plain.lower() in _MISSING:
        return None
    try:
        values = json.loads(plain) if plain.startswith("[") else None
    except ValueError:
        values = None
    if values is None:
        values = [part for part in re.split(r"[\s;]+|,", plain.strip("[]()")) if part]
        values = [_number(part, decimal) for part in values]
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        raise ValueError(f"{text!r} is not a list of numbers")
    return [float(value) for value in values]
