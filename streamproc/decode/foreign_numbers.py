"""Recognise texts that are numbers for a person, and in no notation that is converted."""

import re
from typing import Final

from streamproc.decode.lenient_numbers import as_number

_MAX_LENGTH: Final = 120
_SYMBOL: Final = r"[$€£¥₹₩₽฿¢%‰]"
# Digits with one decimal separator, behind them or before them too, or in groups of three, in any
# script.
_PARTS: Final = r"\d*[.,٫]\d+|\d+[.,]|\d{1,3}(?:[ .,'_’٬\u00a0\u202f]\d{3})+(?:[.,٫]\d+)?"
_FOREIGN: Final = re.compile(
    rf"[(]?[-+−]?(?:{_SYMBOL}\s?[-+−]?(?:{_PARTS}|\d+)"
    rf"|(?:[A-Z]{{3}}\s)?(?:{_PARTS})(?:\s?[A-Za-z]{{1,4}})?"
    rf"|(?:{_PARTS}|\d+)\s?{_SYMBOL})[)]?-?"
)
_QUOTES: Final = "\"'"


def is_foreign_number(text: str) -> bool:
    r"""Whether a text looks like a number that `as_number` does not read.

    Such are a decimal comma, thousands, a currency, per cent, a unit, quotes, a minus or a point
    at the end, a point at the beginning, a tab or newline around it, and digits of other scripts.
    Which of `1.234` and `1,234` is meant is not guessed.

    Examples
    --------
    >>> [is_foreign_number(text) for text in ("12,5", "1,441.60", "$12", "3.5 kg", "45 %")]
    [True, True, True, True, True]
    >>> [is_foreign_number(text) for text in (".75", "12.50-", "'12.5'", "12.5\n")]
    [True, True, True, True]
    >>> [is_foreign_number(text) for text in ("12.5", "01067", "10.0.0.1", "2026-01-05", "12A")]
    [False, False, False, False, False]
    """
    if len(text) > _MAX_LENGTH or as_number(text) is not None:
        return False
    inner = text.strip().strip(_QUOTES)
    return _FOREIGN.fullmatch(inner) is not None
