"""Reject JSON objects with duplicate keys: which value was meant is unknown.

msgspec does not report duplicate keys. So a compiled scan reads the bytes of a slice first. It has
false positives but no false negatives; only its suspects are checked key by key.
"""

import json
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import numpy as np

from streamproc.decode import duplicate_keys_kernel as kernel
from streamproc.schemas.records import Reason

# Records per scan: enough to amortise the call, and few enough to stay in the processor's cache.
_TOGETHER: Final = 256
_MARKS: Final = np.isin(np.arange(256), list(b'"{}'))
_WEIGHTS: Final = np.random.default_rng(1).integers(2**63, 2**64, 256, np.uint64) | np.uint64(1)
_MAX_SHOWN: Final = 100  # characters of a key in the header of a dead letter
# In JSON every quote starts or ends a string.
_TOKEN: Final = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*+:)?|([{}])', re.DOTALL)


def suspects(values: Sequence[bytes | None], longest: int) -> frozenset[int]:
    """Return the indices of the records that may hold a duplicate key.

    Parameters
    ----------
    values
        JSON values of records.
    longest
        Maximum bytes; longer values are skipped, since they become dead letters unread.

    Examples
    --------
    >>> sorted(suspects([b'{"a": 1, "b": {"a": 1}}', b'{"a": 1, "a": 1}'], 1000))
    [1]
    """
    if len(values) <= _TOGETHER:
        return frozenset(_doubtful(values, longest))
    return frozenset(
        first + place
        for first in range(0, len(values), _TOGETHER)
        for place in _doubtful(values[first : first + _TOGETHER], longest)
    )


def _doubtful(values: Sequence[bytes | None], longest: int) -> list[int]:
    known = [value or b"" for value in values]
    if max(map(len, known), default=0) > longest:
        known = [value if len(value) <= longest else b"" for value in known]
    # Few calls of numpy: for one record each costs as much as its scan.
    ends = np.fromiter(accumulate(map(len, known)), np.uint64, len(known))
    doubts = np.zeros(len(known), np.bool_)
    # One more byte: in invalid JSON an escaped character may lie behind the end.
    data = np.frombuffer(b"".join(known) + b" ", np.uint8)
    kernel.scan(data, ends, _MARKS, _WEIGHTS, doubts)
    return np.flatnonzero(doubts).tolist() if True in doubts.tobytes() else []


def find_duplicate_key(body: bytes) -> tuple[Reason, str] | None:
    r"""Return reason and detail of the first duplicate key in some JSON; None without any.

    Keys are compared after unescaping.

    Examples
    --------
    >>> find_duplicate_key(b'{"a": {"b": 1}, "b": 2}')
    >>> find_duplicate_key(rb'{"a": {"b": 1, "\u0062": 2}}')[1]
    "an object names the key 'b' twice"
    """
    try:
        _quick.decode(body.decode("utf-8", "surrogateescape"))
    except (_TwiceError, ValueError, RecursionError):
        return _first_twice(body)  # ten times slower
    return None


def _first_twice(body: bytes) -> tuple[Reason, str] | None:
    open_objects: list[set[str]] = []
    for token in _TOKEN.finditer(body):
        text, colon, brace = token.groups()
        if brace == b"{":
            open_objects.append(set())
        elif brace == b"}":
            open_objects.pop()
        elif colon:
            key, keys = _key(text), open_objects[-1]
            if key in keys:
                return Reason.DUPLICATE_KEY, f"an object names the key {key[:_MAX_SHOWN]!r} twice"
            keys.add(key)
    return None


class _TwiceError(Exception):
    """An object names a key twice."""


def _note(pairs: list[tuple[str, None]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _TwiceError


def _nothing(_: str) -> None:
    """Skip the conversion of a number."""


_quick: Final = json.JSONDecoder(
    object_pairs_hook=_note,
    parse_float=_nothing,
    parse_int=_nothing,
    parse_constant=_nothing,
    strict=False,
)


def _key(text: bytes) -> str:
    key = text.decode("utf-8", "surrogateescape")
    return str(json.loads(f'"{key}"', strict=False)) if "\\" in key else key
