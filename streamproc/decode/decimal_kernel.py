"""Convert decimal digits to the nearest float64 (compiled), with the bits that Python gives."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.jit import compiled

#: Largest supported power of ten, positive or negative: no result is subnormal or infinite.
MAX_POWER: Final = 64
_LOW: Final = np.uint64(0xFFFF_FFFF)
_HALF: Final = np.uint64(32)
_TOP: Final = np.uint64(63)
_ZERO, _ONE, _TWO, _THREE = (np.uint64(n) for n in range(4))
#: A float64 has 52 bits behind its leading one; one more bit decides the rounding.
_FRACTION: Final = np.uint64(52)
_LEADING: Final = np.uint64(1 << 52)
_SPARE: Final = np.uint64(64 - 52 - 3)
_UNSURE: Final = np.uint64((1 << 9) - 1)
_BIAS: Final = 1023
#: Ties between two floats occur only where a 53-bit number times this power of five fits 64 bits.
_FIRST_TIE, _LAST_TIE = -4, 23
_LAST_EXACT: Final = -27


def _powers() -> NDArray[np.uint64]:
    """Return the first 128 bits of each power of five."""
    table = []
    for power in range(-MAX_POWER, MAX_POWER + 1):
        five = 5 ** abs(power)
        if power >= 0:
            bits = (five << 128) >> five.bit_length()
        else:  # a divisor below 2**64 is rounded up, so that the quotient is exact
            bits = (1 << (five - 1).bit_length() + 127) // five + (power >= _LAST_EXACT)
        table.append((bits >> 64, bits & (1 << 64) - 1))
    return np.array(table, np.uint64)


_POWERS: Final = _powers()


@compiled
def _product(left: np.uint64, right: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the high and the low 64 bits of a product."""
    high_left, low_left = left >> _HALF, left & _LOW
    high_right, low_right = right >> _HALF, right & _LOW
    middle = high_left * low_right + (low_left * low_right >> _HALF)
    other = low_left * high_right + (middle & _LOW)
    return high_left * high_right + (middle >> _HALF) + (other >> _HALF), left * right


@compiled
def _leading_zeros(number: np.uint64) -> np.uint64:
    zeros = _ZERO
    for width in (32, 16, 8, 4, 2, 1):
        if not number >> np.uint64(64 - width):
            zeros += np.uint64(width)
            number <<= np.uint64(width)
    return zeros


@compiled
def nearest(digits: np.uint64, power: np.int64) -> np.uint64:
    """Return the bits of the float64 nearest to ``digits * 10**power``, ties to even.

    The Eisel-Lemire algorithm, for which a product of 64 and 128 bits is enough (D. Lemire, *Number
    Parsing at a Gigabyte per Second*, 2021; N. Mushtak and D. Lemire, *Fast Number Parsing Without
    Fallback*, 2023). `power` is in [-`MAX_POWER`, `MAX_POWER`].
    """
    if not digits:
        return _ZERO
    zeros = _leading_zeros(digits)
    number = digits << zeros
    row = power + MAX_POWER
    high, low = _product(number, _POWERS[row, 0])
    if high & _UNSURE == _UNSURE:
        more, _ = _product(number, _POWERS[row, 1])
        low += more
        if low < more:
            high += _ONE
    upper = high >> _TOP
    mantissa = high >> (upper + _SPARE)
    exponent = ((217706 * power) >> 16) + 63 + _BIAS + np.int64(upper) - np.int64(zeros)
    if (
        low <= _ONE
        and _FIRST_TIE <= power <= _LAST_TIE
        and mantissa & _THREE == _ONE
        and mantissa << (upper + _SPARE) == high
    ):
        mantissa -= _ONE
    mantissa = (mantissa + (mantissa & _ONE)) >> _ONE
    if mantissa >= _TWO * _LEADING:
        mantissa = _LEADING
        exponent += 1
    return np.uint64(exponent) << _FRACTION | mantissa & (_LEADING - _ONE)
