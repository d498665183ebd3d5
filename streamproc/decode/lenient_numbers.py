"""Read numbers that are sent as text, or with a rounding error."""

import re
from typing import Final

ROUNDING: Final = 1e-4
"""A probability this far outside of [0, 1] is a rounding error of float32 or of a sum."""
# As JSON writes numbers: without leading zeros, so that postcodes such as "01067" stay texts.
# Spaces around it, and a plus before it, mean nothing.
_NUMBER: Final = re.compile(
    r" *(?:\+(?!-))?(-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,3})?) *"
)
_INFINITE: Final = float("inf")


def as_number(text: str) -> float | None:
    """Return the number that a text is in JSON's notation, padded or not; None if it is not one.

    Examples
    --------
    >>> as_number("12.50"), as_number(" +3 "), as_number("01067"), as_number("1e999")
    (12.5, 3.0, None, None)
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    number = float(match[1])
    if number == 0.0 and match[1] == "-0":  # an integer, as the fast decoder reads it
        return 0.0
    return number if abs(number) < _INFINITE else None
