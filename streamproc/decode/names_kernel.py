"""Find names in JSON bytes (compiled)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamproc.detectors.runtime.jit import compiled

Bytes = NDArray[np.uint8]
Bits = NDArray[np.uint64]
Ints = NDArray[np.int64]

_PRIME: Final = np.uint64(0x0000_0100_0000_01B3)  # of FNV-1a
_BASIS: Final = np.uint64(0xCBF2_9CE4_8422_2325)
# Unsigned indices avoid numpy's check for negative ones, at every byte. No value can end at index
# 0, so it means "not plain".
_NO, _ONE = np.uint64(0), np.uint64(1)
_QUOTE, _ESCAPE, _COLON, _SPACE, _LAST = (np.uint8(ord(sign)) for sign in '"\\: \x7f')


@compiled
def past_blanks(data: Bytes, at: np.uint64) -> np.uint64:
    """Return the index behind white space."""
    while data[at] == 32 or data[at] == 10 or data[at] == 13 or data[at] == 9:
        at += _ONE
    return at


@compiled
def past_colon(data: Bytes, at: np.uint64) -> np.uint64:
    """Return the index behind a colon and the white space around it."""
    at = past_blanks(data, at)
    return past_blanks(data, at + _ONE) if data[at] == _COLON else _NO


@compiled
def past_text(data: Bytes, at: np.uint64) -> np.uint64:
    """Return the index behind a plain string."""
    if data[at] != _QUOTE:
        return _NO
    at += _ONE
    while data[at] != _QUOTE:
        if data[at] < _SPACE or data[at] > _LAST or data[at] == _ESCAPE:
            return _NO
        at += _ONE
    return at + _ONE


@compiled
def matched(
    data: Bytes, at: np.uint64, names: Bytes, ends: Bits, guess: int, tries: int
) -> tuple[np.uint64, int, int]:
    """Match a string with the known names, from index `guess` on.

    Returns
    -------
    tuple
        Index behind the closing quote, index of the name, and how many of `tries` are left.
    """
    count = len(ends)
    if data[at] != _QUOTE or not count:
        return _NO, 0, 0
    at += _ONE
    while tries > 0:
        tries -= 1
        begin = ends[guess - 1] if guess else _NO
        length = ends[guess] - begin
        same = _NO
        while same < length and data[at + same] == names[begin + same]:
            same += _ONE
        if same == length and data[at + same] == _QUOTE:
            return at + same + _ONE, guess, tries
        guess += 1
        if guess == count:
            guess = 0
    return _NO, 0, 0


@compiled
def digest(data: Bytes, at: np.uint64, end: np.uint64) -> np.uint64:
    """Return the FNV-1a hash of some bytes."""
    found = _BASIS
    while at < end:
        found = (found ^ np.uint64(data[at])) * _PRIME
        at += _ONE
    return found


@compiled
def digests(data: Bytes, ends: Bits, found: Bits) -> None:
    """Hash each of several concatenated strings."""
    begin = _NO
    for each in range(len(ends)):
        found[each] = digest(data, begin, ends[each])
        begin = ends[each]


@compiled
def find_hashed(
    data: Bytes,
    begin: np.uint64,
    end: np.uint64,
    sought: np.uint64,
    names: tuple[Bytes, Bits, Ints, Bits],
) -> int:
    """Return the index of the name that equals some bytes, -1 without one.

    Parameters
    ----------
    data, begin, end
        The JSON, and where the bytes are.
    sought
        Their hash.
    names
        Concatenated names, where each ends, their order by hash, and the sorted hashes.
    """
    text, ends, order, known = names
    length = end - begin
    place = np.searchsorted(known, sought)
    while place < len(known) and known[place] == sought:
        name: int = order[place]
        first = ends[name - 1] if name else _NO
        if ends[name] - first == length:
            same = _NO
            while same < length and data[begin + same] == text[first + same]:
                same += _ONE
            if same == length:
                return name
        place += 1
    return -1


@compiled
def looked_up(
    data: Bytes, at: np.uint64, names: Bytes, ends: Bits, order: Ints, known: Bits
) -> tuple[np.uint64, int, np.uint64]:
    """Look a plain string up among names, by their hashes.

    Returns
    -------
    tuple
        Index behind the closing quote, index of the name or -1 without one, and the hash.
    """
    last = past_text(data, at)
    if last == _NO:
        return _NO, -1, _NO
    begin, end = at + _ONE, last - _ONE
    sought = digest(data, begin, end)
    return last, find_hashed(data, begin, end, sought, (names, ends, order, known)), sought
