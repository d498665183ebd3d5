"""Reject JSON objects with duplicate keys: which value was meant is unknown.

A decoder of typed events does not note which keys it has seen. So a compiled scan passes over the
bytes of a whole slice first; it may doubt a record that is right, but never passes one in which an
object names a key twice. Only records in doubt are looked at key by key.
"""

import json
import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from streamproc.decode import duplicate_keys_kernel as kernel
from streamproc.schemas.records import Reason

# Records that are put side by side for the scan: enough that the call costs nothing, and few
# enough that their bytes stay in the processor's cache, and out of fresh pages.
_TOGETHER: Final = 256
_MARKS: Final = np.isin(np.arange(256), list(b'"{}'))
_WEIGHTS: Final = np.random.default_rng(1).integers(2**63, 2**64, 256, np.uint64) | np.uint64(1)
_TOLD: Final = 100  # characters of a key that a dead letter's header says
# In JSON every quote begins or ends a string.
_TOKEN: Final = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"(\s*+:)?|([{}])', re.DOTALL)


def suspects(values: Sequence[bytes | None], longest: int) -> frozenset[int]:
    """Return the places of the records in which an object may name a key twice.

    Parameters
    ----------
    values
        Of records; JSON of any kind.
    longest
        Longer ones are not looked at, since nobody reads them.

    Examples
    --------
    >>> sorted(suspects([b'{"a": 1, "b": {"a": 1}}', b'{"a": 1, "a": 1}'], 1000))
    [1]
    """
    return frozenset(
        first + place
        for first in range(0, len(values), _TOGETHER)
        for place in _doubtful(values[first : first + _TOGETHER], longest)
    )


def _doubtful(values: Sequence[bytes | None], longest: int) -> list[int]:
    known = [value or b"" for value in values]
    if max(map(len, known)) > longest:
        known = [value if len(value) <= longest else b"" for value in known]
    ends = np.cumsum(np.fromiter(map(len, known), np.uint64, len(known)))
    doubts = np.zeros(len(known), np.bool_)
    # A byte more: what is escaped may lie behind the end of what is no JSON.
    data = np.frombuffer(b"".join(known) + b" ", np.uint8)
    kernel.scan(data, ends, _MARKS, _WEIGHTS, doubts)
    return np.flatnonzero(doubts).tolist() if doubts.any() else []


def find_duplicate_key(body: bytes) -> tuple[Reason, str] | None:
    r"""Tell which key an object of some JSON names twice; None if none does.

    Keys are equal when they are so without their escapes.

    Examples
    --------
    >>> find_duplicate_key(b'{"a": {"b": 1}, "b": 2}')
    >>> find_duplicate_key(rb'{"a": {"b": 1, "\u0062": 2}}')[1]
    "an object names the key 'b' twice"
    """
    try:
        _quick.decode(body.decode("utf-8", "surrogateescape"))
    except (_TwiceError, ValueError, RecursionError):
        return _first_twice(body)  # ten times the work
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
                return Reason.DUPLICATE_KEY, f"an object names the key {key[:_TOLD]!r} twice"
            keys.add(key)
    return None


class _TwiceError(Exception):
    """An object names a key twice."""


def _note(pairs: list[tuple[str, None]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _TwiceError


def _nothing(_: str) -> None:
    """Stand in for a number, of which nothing is to be known."""


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
