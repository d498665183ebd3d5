"""Decode the features of a plain JSON event into columns (compiled)."""

from typing import Final

import numpy as np

from streamproc.decode.names_kernel import (
    Bits,
    Bytes,
    Ints,
    looked_up,
    matched,
    past_blanks,
    past_colon,
    past_text,
)
from streamproc.decode.value_kernel import past_null, value
from streamproc.detectors.runtime.jit import compiled

#: Average comparisons of a feature's name with those that come next, before it is looked up by its
#: hash: of all features of an event, or of each if there are more than some.
_TRIES: Final = 4
_NARROW: Final = 64
#: Unknown features of an event that are compared; an event with more is not plain.
MAX_IGNORED: Final = 16

_NO, _ONE = np.uint64(0), np.uint64(1)
_N: Final = np.uint8(ord("n"))
_QUOTE, _COMMA, _OPEN, _CLOSE = (np.uint8(ord(sign)) for sign in '",{}')


@compiled
def _past_ignored(data: Bytes, at: np.uint64) -> np.uint64:
    """Return the index behind a number, a boolean, null or a plain string."""
    if data[at] == _N:
        return past_null(data, at)
    if data[at] == _QUOTE:
        return past_text(data, at)
    at, _ = value(data, at)
    return at


@compiled
def _unexpected(
    data: Bytes,
    at: np.uint64,
    names: tuple[Bytes, Bits, Ints, Bits],
    ignored: int,
    unknown: Bits,
) -> tuple[np.uint64, int]:
    """Look a name up that is not where it is expected.

    Returns
    -------
    tuple
        Index behind it, and the feature's index; -1 if it is unknown, and then it is added to
        `unknown`. Index 0 if it is there already, or is one too many.
    """
    text, ends, order, known = names
    at, column, sought = looked_up(data, at, text, ends, order, known)
    if at == _NO or column >= 0:
        return at, column
    if ignored == len(unknown):
        return _NO, -1
    for other in range(ignored):
        if unknown[other] == sought:
            return _NO, -1
    unknown[ignored] = sought
    return at, -1


@compiled
def read_features(  # noqa: C901, PLR0911, PLR0912, PLR0913, PLR0917  one return for each thing
    data: Bytes,
    at: np.uint64,
    names: Bytes,
    ends: Bits,
    numbers: int,
    hashes: tuple[Ints, Bits],
    bits: Bits,
    seen: Ints,
    stamp: int,
    unknown: Bits,
) -> np.uint64:
    """Decode an object of numbers into their columns; return the index behind it.

    Parameters
    ----------
    data, at
        The JSON, and where the object begins.
    names, ends, numbers
        Concatenated names of the features, where each ends, and how many are numeric.
    hashes
        Their order by hash, and the sorted hashes.
    bits
        (columns,): written.
    seen, stamp
        (features,): `stamp` is written for each feature that the object has.
    unknown
        Room for the hashes of unknown names; without room there must be none.
    """
    if data[at] != _OPEN:
        return _NO
    at = past_blanks(data, at + _ONE)
    if data[at] == _CLOSE:
        return at + _ONE
    column, ignored, held = 0, 0, 0
    tries, is_wide = _TRIES * len(ends), len(ends) > _NARROW
    while True:
        if is_wide:
            tries = _TRIES
        begin, guess = at, column
        at, column, tries = matched(data, begin, names, ends, guess, tries)
        if at == _NO:
            at, column = _unexpected(data, begin, (names, ends, *hashes), ignored, unknown)
            if at == _NO:
                return _NO
        held += 1
        if column < 0:
            ignored += 1
            at = past_colon(data, at)
            if at == _NO:
                return _NO
            at, column = _past_ignored(data, at), guess - 1
        else:
            if seen[column] == stamp:
                return _NO
            seen[column] = stamp
            at = past_colon(data, at)
            if at == _NO:
                return _NO
            if data[at] == _N:
                at = past_null(data, at)
            elif column < numbers:
                at, bits[column] = value(data, at)
            else:  # a value of a feature that was always null
                return _NO
        if at == _NO:
            return _NO
        at = past_blanks(data, at)
        if data[at] == _CLOSE:
            return at + _ONE if held <= len(ends) else _NO
        if data[at] != _COMMA:
            return _NO
        at = past_blanks(data, at + _ONE)
        column += 1
        if column == len(ends):
            column = 0
