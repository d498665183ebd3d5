"""Read states of River's detectors in the JSON of earlier versions."""

import importlib
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from detectors.errors import StateError

_PLAIN = {
    "Mean": "river.stats",
    "Var": "river.stats",
    "EWMean": "river.stats",
    "SampleInfo": "river.drift.binary.hddm_w",
}
_NATIVE = {"RsEWMean": "river._river_rust.stats", "AdaptiveWindowing": "river._river_rust.drift"}
"""Compiled classes give and take their state as bytes."""


def load_earlier(detector: Any, text: bytes) -> None:
    """Load the state of a detector into a new one of its class.

    Raises
    ------
    StateError
        If `text` is not the state of such a detector.
    """
    name = type(detector).__name__
    try:
        attributes = json.loads(text)
        expected = {key for key, value in vars(detector).items() if not callable(value)}
        odd = attributes.keys() ^ expected
        values = {key: _unpacked(packed) for key, packed in attributes.items()}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        msg = f"river:{name}: state 'text' cannot be read: {error}"
        raise StateError(msg) from error
    if odd:
        msg = f"river:{name}: state 'text' lacks or has too much: {sorted(odd)}"
        raise StateError(msg)
    vars(detector).update(values)


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
