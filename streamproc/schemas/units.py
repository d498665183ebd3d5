"""Parse and format durations and sizes such as ``10m``, ``7d`` and ``4MiB``."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

_QUANTITY: Final = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?([A-Za-z]{1,3})", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES: Final = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
# A longer duration is a wrong unit.
_MAX_DURATION: Final = timedelta(days=36_525)
_DURATION_EXPECTED: Final = "expected a duration such as 500ms, 30s, 10m, 7d, or seconds"
_RANGE: Final = "expected a duration between 0 and 100 years"
_SIZE_EXPECTED: Final = "expected a size such as 512KiB, 4MiB, or a whole number of bytes"


def parse_duration(value: object) -> timedelta:
    """Parse a duration.

    Parameters
    ----------
    value : str, int, float or timedelta
        A number with one of the units ``ms s m h d w``, or a number of seconds.

    Returns
    -------
    timedelta
        Between 0 and 100 years.

    Raises
    ------
    ValueError
        For anything else; the message gives examples.

    Examples
    --------
    >>> parse_duration("10m") == parse_duration(600)
    True
    """
    if isinstance(value, timedelta):
        return _in_range(value)
    seconds = _amount(value, _SECONDS, _DURATION_EXPECTED)
    if not 0 <= seconds <= _MAX_DURATION.total_seconds():  # before timedelta, which overflows
        raise ValueError(_RANGE)
    return _in_range(timedelta(seconds=seconds))


def format_duration(value: timedelta) -> str:
    """Format a duration in the largest unit that gives an integer.

    Examples
    --------
    >>> format_duration(timedelta(minutes=10)), format_duration(timedelta(seconds=0.5))
    ('10m', '500ms')
    """
    microseconds = value // timedelta(microseconds=1)
    for unit in ("w", "d", "h", "m", "s", "ms"):
        amount, remainder = divmod(microseconds, round(_SECONDS[unit] * 1_000_000))
        if amount and not remainder:
            return f"{amount}{unit}"
    return f"{value.total_seconds():.6f}s" if value else "0s"


def parse_size(value: object) -> int:
    """Parse a size: an integer number of bytes, or a number with ``B kB MB GB KiB MiB GiB``.

    Raises
    ------
    ValueError
        For anything else; the message gives examples.

    Examples
    --------
    >>> parse_size("4MiB")
    4194304
    """
    if isinstance(value, float):
        raise ValueError(_SIZE_EXPECTED)  # noqa: TRY004 - pydantic collects ValueErrors
    size = _amount(value, _BYTES, _SIZE_EXPECTED)
    if size != int(size):
        raise ValueError(_SIZE_EXPECTED)
    return int(size)


def format_size(value: int) -> str:
    """Format a size in the largest binary unit that gives an integer.

    Examples
    --------
    >>> format_size(8 * 2**20)
    '8MiB'
    """
    for unit in ("GiB", "MiB", "KiB"):
        amount, remainder = divmod(value, _BYTES[unit])
        if amount and not remainder:
            return f"{amount}{unit}"
    return f"{value}B"


def _in_range(value: timedelta) -> timedelta:
    if not timedelta() <= value <= _MAX_DURATION:
        raise ValueError(_RANGE)
    return value


def _amount(value: object, units: Mapping[str, float], expected: str) -> float:
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value)
        if match and match[2] in units:
            number = float(match[1]) if "." in match[1] else int(match[1])
            return number * units[match[2]]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError(expected)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {
            "title": "duration",
            "anyOf": [
                {"type": "string", "pattern": r"^\d+(\.\d+)? ?(ms|s|m|h|d|w)$"},
                {"type": "number", "minimum": 0},
            ],
        }
    ),
]
"""A duration; see `parse_duration`."""

Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(format_size, return_type=str),
    # Kafka counts the bytes of a fetch in 32 bits.
    Field(ge=1, le=2**31 - 1),
    WithJsonSchema(
        {
            "title": "size",
            "anyOf": [
                {"type": "string", "pattern": r"^\d+(\.\d+)? ?(B|kB|MB|GB|KiB|MiB|GiB)$"},
                {"type": "integer", "minimum": 1},
            ],
        }
    ),
]
"""A number of bytes; see `parse_size`."""
