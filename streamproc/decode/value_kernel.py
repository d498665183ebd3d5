"""Decode one plain JSON value (compiled): a number, a boolean, a time or null.

Each function takes the index of a value's first byte and returns the index behind its last one, or
0 if the value is not plain. The data ends with a byte that belongs to no value, so no index needs a
bounds check.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.decode.decimal_kernel import MAX_POWER, nearest
from streamproc.detectors.runtime.jit import compiled

Bytes = NDArray[np.uint8]

_MAX_DIGITS: Final = 19  # any number with as many digits fits into 64 bits
_MAX_EXPONENT: Final = 999
#: Every fourth year between them is a leap year, and their microseconds are exact in a float64.
_FIRST_YEAR, _LAST_YEAR = 1970, 2099
_NEVER: Final = np.int64(-(1 << 40))
_UNIT: Final = np.uint64(0x3FF0_0000_0000_0000)  # the bits of 1.0
_SIGN: Final = np.uint64(1 << 63)
# Unsigned indices avoid numpy's check for negative ones, at every byte.
_NO, _ONE, _NINE, _TEN = (np.uint64(n) for n in (0, 1, 9, 10))
_MINUS, _PLUS, _POINT, _DIGIT, _EXPONENT, _T, _F = (np.uint8(ord(sign)) for sign in "-+.0etf")
_QUOTE, _COLON, _BIG_T, _BIG_Z = (np.uint8(ord(sign)) for sign in '":TZ')
_LOWER: Final = np.uint8(0x20)  # this bit turns an ASCII letter into lower case


@compiled
def past_null(data: Bytes, at: np.uint64) -> np.uint64:
    """Return the index behind "null"; its first letter has been checked."""
    end = at + np.uint64(4)
    return end if _stands(data, at, 117, 108, 108) else _NO


@compiled
def _stands(data: Bytes, at: np.uint64, second: int, third: int, fourth: int) -> bool:
    """Whether these letters follow the one at an index."""
    return bool(
        data[at + _ONE] == second
        and data[at + np.uint64(2)] == third
        and data[at + np.uint64(3)] == fourth
    )


@compiled
def number(  # noqa: C901  in one loop over its digits
    data: Bytes, at: np.uint64
) -> tuple[np.uint64, np.uint64]:
    """Return the index behind a number, and its float64 bits."""
    negative = data[at] == _MINUS
    if negative:
        at += _ONE
    first, digits, power = at, _NO, np.int64(0)
    digit = np.uint64(data[at]) - np.uint64(_DIGIT)
    if digit > _NINE:
        return _NO, _NO
    if digit == _NO:
        at += _ONE
    else:
        while digit <= _NINE:
            digits = digits * _TEN + digit
            at += _ONE
            digit = np.uint64(data[at]) - np.uint64(_DIGIT)
    seen = np.int64(at - first)
    is_integer = True
    if data[at] == _POINT:
        is_integer = False
        at += _ONE
        begin = at
        digit = np.uint64(data[at]) - np.uint64(_DIGIT)
        while digit <= _NINE:
            digits = digits * _TEN + digit
            at += _ONE
            digit = np.uint64(data[at]) - np.uint64(_DIGIT)
        if at == begin:
            return _NO, _NO
        power = -np.int64(at - begin)
        seen -= power
    if seen > _MAX_DIGITS and seen - _leading(data, first) > _MAX_DIGITS:
        return _NO, _NO
    if data[at] | _LOWER == _EXPONENT:
        is_integer = False
        at, exponent = _exponent(data, at + _ONE)
        power += exponent
        if at == _NO:
            return _NO, _NO
    if power < -MAX_POWER or power > MAX_POWER:
        return _NO, _NO
    bits = nearest(digits, power)
    # the integer -0 is 0
    return at, (bits | _SIGN if negative and not (is_integer and digits == _NO) else bits)


@compiled
def _leading(data: Bytes, at: np.uint64) -> int:
    """Count the leading zeros of a number."""
    zeros = 0
    while data[at] == _DIGIT or data[at] == _POINT:
        zeros += data[at] == _DIGIT
        at += _ONE
    return zeros


@compiled
def _exponent(data: Bytes, at: np.uint64) -> tuple[np.uint64, np.int64]:
    negative = data[at] == _MINUS
    if negative or data[at] == _PLUS:
        at += _ONE
    begin, exponent = at, np.int64(0)
    digit = np.uint64(data[at]) - np.uint64(_DIGIT)
    while digit <= _NINE:
        if exponent < _MAX_EXPONENT:
            exponent = exponent * 10 + np.int64(digit)
        at += _ONE
        digit = np.uint64(data[at]) - np.uint64(_DIGIT)
    return (_NO if at == begin else at), (-exponent if negative else exponent)


@compiled
def _digits(data: Bytes, at: np.uint64, count: int) -> np.int64:
    """Return the number of `count` digits; negative if one is not a digit."""
    number = np.int64(0)
    for place in range(count):
        digit = np.int64(data[at + np.uint64(place)]) - 48
        if digit < 0 or digit > 9:
            return _NEVER
        number = number * 10 + digit
    return number


@compiled
def _days(year: np.int64, month: np.int64, day: np.int64) -> np.int64:
    """Return the days from 1970-01-01 to a date up to 2099; negative if it is invalid."""
    leap = year % 4 == 0
    if month < 1 or month > 12 or day < 1:
        return _NEVER
    last = 31 - (month == 4 or month == 6 or month == 9 or month == 11)  # noqa: PLR1714
    if month == 2:
        last = 28 + leap
    if day > last:
        return _NEVER
    before = (month - 1) * 31 + day - 1
    if month > 2:
        before -= (4 * month + 23) // 10 - leap
    return (year - 1970) * 365 + (year - 1969) // 4 + before


@compiled
def instant(  # noqa: C901, PLR0911  field by field
    data: Bytes, at: np.uint64
) -> tuple[np.uint64, float]:
    """Return the index behind a string like "2026-01-05T10:00:00.25Z", and seconds since 1970."""
    at += _ONE
    year = _digits(data, at, 4)
    if year < _FIRST_YEAR or year > _LAST_YEAR or data[at + np.uint64(4)] != _MINUS:
        return _NO, 0.0
    month = _digits(data, at + np.uint64(5), 2)
    if month < 0 or data[at + np.uint64(7)] != _MINUS:
        return _NO, 0.0
    day = _digits(data, at + np.uint64(8), 2)
    if day < 0 or data[at + _TEN] != _BIG_T:
        return _NO, 0.0
    hour = _digits(data, at + np.uint64(11), 2)
    if hour < 0 or hour > 23 or data[at + np.uint64(13)] != _COLON:
        return _NO, 0.0
    minute = _digits(data, at + np.uint64(14), 2)
    if minute < 0 or minute > 59 or data[at + np.uint64(16)] != _COLON:
        return _NO, 0.0
    second, days = _digits(data, at + np.uint64(17), 2), _days(year, month, day)
    if second < 0 or second > 59 or days < 0:
        return _NO, 0.0
    at, micros, unit = at + np.uint64(19), np.int64(0), np.int64(1_000_000)
    if data[at] == _POINT:
        at += _ONE
        digit = np.uint64(data[at]) - np.uint64(_DIGIT)
        if digit > _NINE:
            return _NO, 0.0
        while digit <= _NINE and unit > 1:
            unit //= 10
            micros += unit * np.int64(digit)
            at += _ONE
            digit = np.uint64(data[at]) - np.uint64(_DIGIT)
    at, east = _minutes_east(data, at)
    if at == _NO or data[at] != _QUOTE:
        return _NO, 0.0
    seconds = ((days * 24 + hour) * 60 + minute - east) * 60 + second
    # microseconds are below 2**53: rounded once, as in Python
    return at + _ONE, (seconds * 1_000_000 + micros) / 1_000_000


@compiled
def _minutes_east(data: Bytes, at: np.uint64) -> tuple[np.uint64, np.int64]:
    """Return the index behind a UTC offset, "Z" or like "+05:30", and its minutes."""
    if data[at] == _BIG_Z:
        return at + _ONE, np.int64(0)
    west = data[at] == _MINUS
    if not west and data[at] != _PLUS:
        return _NO, np.int64(0)
    hours = _digits(data, at + _ONE, 2)
    if hours < 0 or hours > 23 or data[at + np.uint64(3)] != _COLON:
        return _NO, np.int64(0)
    minutes = _digits(data, at + np.uint64(4), 2)
    if minutes < 0 or minutes > 59:
        return _NO, np.int64(0)
    east = hours * 60 + minutes
    return at + np.uint64(6), -east if west else east


@compiled
def value(data: Bytes, at: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the index behind a number or a boolean, and its float64 bits."""
    if data[at] == _T and _stands(data, at, 114, 117, 101):
        return at + np.uint64(4), _UNIT
    if data[at] == _F and _stands(data, at, 97, 108, 115) and data[at + np.uint64(4)] == 101:
        return at + np.uint64(5), _NO
    return number(data, at)
