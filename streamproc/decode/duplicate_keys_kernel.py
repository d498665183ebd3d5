"""Scan the bytes of a slice for records that may hold a duplicate key (compiled)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.jit import compiled

Bytes = NDArray[np.uint8]
# Limits of keys and depth of the open objects; a record beyond them is a suspect.
_MAX_KEYS: Final = 512
_MAX_DEPTH: Final = 32
_QUOTE, _BACKSLASH, _COLON, _OPEN = (np.uint8(ord(sign)) for sign in '"\\:{')
_SPACE = np.uint8(ord(" "))
# Unsigned indices avoid numpy's check for negative ones, at every byte.
_ZERO, _ONE = np.uint64(0), np.uint64(1)
# A key's digest is a weighted sum of its bytes: unlike a polynomial, it has no dependency between
# bytes. Weights repeat after 256 bytes, which can only add false positives.
_LAST_WEIGHT = np.uint64(255)


@compiled
def scan(  # noqa: C901, PLR0912  calls would cost more than what they do
    data: Bytes,
    ends: NDArray[np.uint64],
    marks: NDArray[np.bool_],
    weights: NDArray[np.uint64],
    doubts: NDArray[np.bool_],
) -> None:
    """Set `doubts[i]` if an object in record i, which ends at `ends[i]`, may repeat a key."""
    keys = np.empty(_MAX_KEYS, np.uint64)
    firsts = np.empty(_MAX_DEPTH, np.int64)  # where the keys of each open object begin
    place = _ZERO
    for each in range(len(ends)):
        end = ends[each]
        depth = known = 0
        doubt = False
        while not doubt:
            while place < end and not marks[data[place]]:
                place += _ONE
            if place >= end:
                break
            sign = data[place]
            place += _ONE
            if sign == _QUOTE:
                start, digest, escapes = place, _ZERO, False
                while place < end and data[place] != _QUOTE:
                    if data[place] == _BACKSLASH:
                        escapes = True
                        place += _ONE
                    digest += data[place] * weights[(place - start) & _LAST_WEIGHT]
                    place += _ONE
                place += _ONE
                while place < end and data[place] <= _SPACE:
                    place += _ONE
                if place >= end or data[place] != _COLON:
                    continue
                doubt = escapes or depth == 0 or known == _MAX_KEYS
                if not doubt:
                    for other in range(firsts[depth - 1], known):
                        doubt |= keys[other] == digest
                    keys[known] = digest
                    known += 1
            elif sign == _OPEN:
                doubt = depth == _MAX_DEPTH
                if not doubt:
                    firsts[depth] = known
                    depth += 1
            elif depth:
                depth -= 1
                known = firsts[depth]
        doubts[each] = doubt
        place = end
