"""Read the features of outcomes as rows of numbers: texts become hashes, what is missing NaN."""

import zlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec

from streamproc.decode.lenient_numbers import as_number
from streamproc.decode.structs import DECODE_ERRORS, is_plain

TEXT: Final = 2.0**126
"""A text is a number from this one to twice as much, in the range of a float32."""
MAX_NUMBER: Final = 2.0**125
"""Numbers are cut to this size, so that none is taken for a text."""
_HASHES: Final = 2**23
_PLAIN: Final = {float, bool, type(None)}
_Value = float | bool | str | list[float] | None
Row = Sequence[float | bool | None]
Reader = Callable[[msgspec.Raw], Row]

_features: Final = msgspec.json.Decoder(dict[str, _Value] | None).decode


def names_of(features: msgspec.Raw) -> list[str]:
    """Return the names of features that are not embeddings; none if they cannot be read."""
    try:
        found = _features(features) or {}
    except DECODE_ERRORS:
        return []
    return [name for name, value in found.items() if not isinstance(value, list)]


@lru_cache(maxsize=512)
def row_reader(names: tuple[str, ...]) -> Reader:
    """Return a function that reads the features with these names; others are skipped.

    Examples
    --------
    >>> row_reader(("x", "y", "z"))(msgspec.Raw(b'{"y": "12.5", "x": 3, "a": 4}'))
    [3.0, 12.5, None]
    """
    if not is_plain(names):
        return lambda features: _converted([_dictionary(features).get(name) for name in names])
    fields: list[Any] = [(f"f{at}", _Value, None) for at in range(len(names))]
    rename = {f"f{at}": name for at, name in enumerate(names)}
    decode = msgspec.json.Decoder(msgspec.defstruct("Row", fields, rename=rename, gc=False)).decode

    def read(features: msgspec.Raw) -> Row:
        try:
            return _converted(msgspec.structs.astuple(decode(features)))
        except DECODE_ERRORS:
            return (None,) * len(names)

    return read


def _dictionary(features: msgspec.Raw) -> dict[str, Any]:
    try:
        return _features(features) or {}
    except DECODE_ERRORS:
        return {}


def _converted(row: Sequence[Any]) -> Row:
    if _PLAIN.issuperset(map(type, row)):
        return row
    return [_number(value) for value in row]


def _number(value: Any) -> float | bool | None:
    if isinstance(value, str):
        number = as_number(value)
        if number is None:
            return TEXT * (1.0 + zlib.crc32(value.encode()) % _HASHES / _HASHES)
        return number
    return None if isinstance(value, list) else value
