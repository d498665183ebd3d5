"""What a River detector holds, as text and back: no pickle, only classes on a list."""

import importlib
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from streamproc.detectors.errors import StateError

_PLAIN = {
    "Mean": "river.stats",
    "Var": "river.stats",
    "EWMean": "river.stats",
    "SampleInfo": "river.drift.binary.hddm_w",
}
_NATIVE = {"RsEWMean": "river._river_rust.stats", "AdaptiveWindowing": "river._river_rust.drift"}
"""Compiled classes give and take their state as bytes."""


def to_text(detector: Any) -> bytes:
    """Write down all attributes of a detector but those that are its own methods.

    Returns
    -------
    bytes
        JSON, the same for equal detectors; floats come back to the last bit.

    Raises
    ------
    StateError
        If an attribute is of a kind that is not on the list.
    """
    return json.dumps(_attributes(detector), sort_keys=True, separators=(",", ":")).encode()


def from_text(detector: Any, text: bytes) -> None:
    """Make a new detector what the one was that `text` was made of.

    Raises
    ------
    StateError
        If `text` is not what `to_text` makes of such a detector.
    """
    name = type(detector).__name__
    try:
        attributes = json.loads(text)
        odd = attributes.keys() ^ _attributes(detector).keys()
        values = {key: _unpacked(packed) for key, packed in attributes.items()}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        msg = f"river:{name}: state 'text' cannot be read: {error}"
        raise StateError(msg) from error
    if odd:
        msg = f"river:{name}: state 'text' lacks or has too much: {sorted(odd)}"
        raise StateError(msg)
    vars(detector).update(values)


def _attributes(thing: Any) -> dict[str, Any]:
    held = vars(thing).items()
    return {key: _packed(value) for key, value in held if not callable(value)}


def _packed(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, deque):
        return {"deque": [_packed(item) for item in value], "maxlen": value.maxlen}
    name = type(value).__name__
    if name == "Random":
        return {"random": value.getstate()}
    if name in _NATIVE:
        return {
            "native": name,
            "given": value.__getnewargs__(),
            "bytes": value.__getstate__().hex(),
        }
    if name in _PLAIN:
        return {"object": name, "attributes": _attributes(value)}
    msg = f"state: {name} is not among {sorted(_PLAIN | _NATIVE)}; leave this detector out"
    raise StateError(msg)


def _unpacked(packed: Any) -> Any:
    if not isinstance(packed, dict):
        return packed
    for kind, build in _BUILDERS.items():
        if kind in packed:
            return build(packed)
    msg = f"nothing known in {sorted(packed)}"
    raise ValueError(msg)


def _deque(packed: dict[str, Any]) -> Any:
    return deque((_unpacked(item) for item in packed["deque"]), packed["maxlen"])


def _random(packed: dict[str, Any]) -> Any:
    version, words, gauss = packed["random"]
    # River's seeded generator, in River's hands: nothing here draws from it.
    generator = importlib.import_module("random").Random()
    generator.setstate((version, tuple(words), gauss))
    return generator


def _native(packed: dict[str, Any]) -> Any:
    name = packed["native"]
    value = getattr(importlib.import_module(_NATIVE[name]), name)(*packed["given"])
    value.__setstate__(bytes.fromhex(packed["bytes"]))
    return value


def _object(packed: dict[str, Any]) -> Any:
    name = packed["object"]
    kind = getattr(importlib.import_module(_PLAIN[name]), name)
    value = kind.__new__(kind)
    held = {key: _unpacked(item) for key, item in packed["attributes"].items()}
    vars(value).update(held)
    return value


_BUILDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "deque": _deque,
    "random": _random,
    "native": _native,
    "object": _object,
}
