"""Windows of errors as bits: 8 of them a byte, in compiled loops."""

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.jit import compiled

Words = NDArray[np.uint64]


def words_for(bits: int) -> int:
    """Count the 64-bit words that hold a number of bits."""
    return -(-bits // 64)


@compiled
def bit(words: Words, position: int) -> np.int64:
    """Tell the bit at a position, 0 or 1."""
    return np.int64((words[position >> 6] >> np.uint64(position & 63)) & np.uint64(1))


@compiled
def put_bit(words: Words, position: int, one: np.int64) -> None:
    """Write a bit, 0 or 1, at a position."""
    shift = np.uint64(position & 63)
    cleared = words[position >> 6] & ~(np.uint64(1) << shift)
    words[position >> 6] = cleared | (np.uint64(one) << shift)
