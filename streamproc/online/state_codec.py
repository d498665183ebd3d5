"""Encode the online models of a partition: shared values, then each model."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from streamproc.errors import StreamprocError
from streamproc.online.serialization import GraphError

SCHEMA: Final = 2
"""Format version, increased with each incompatible change."""
_LENGTH: Final = 4
UNREADABLE: Final = (
    msgspec.MsgspecError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RecursionError,
    GraphError,
)
"""Exceptions that invalid bytes can cause."""
_encode: Final = msgspec.msgpack.Encoder().encode


class ModelStateError(StreamprocError):
    """The state of online models is unreadable and was not applied.

    The models learn again from the outcomes that are still on the topic.
    """


def pack(shared: Mapping[str, Any], seats: Sequence[Any]) -> list[bytes]:
    """Encode plain values in parts; unchanged parts have unchanged bytes."""
    parts = [_encode(seat) for seat in seats]
    head = _encode({"schema": SCHEMA, **shared, "seats": [len(part) for part in parts]})
    return [len(head).to_bytes(_LENGTH) + head, *parts]


def unpack(data: bytes) -> dict[str, Any]:
    """Decode the output of `pack`: shared values, and the models under ``seats``.

    Raises
    ------
    ModelStateError
        If another version wrote it.
    """
    start = _LENGTH + int.from_bytes(data[:_LENGTH])
    written = dict(msgspec.msgpack.decode(data[_LENGTH:start]))
    if written["schema"] != SCHEMA:
        raise ModelStateError(f"schema {written['schema']}; this version reads {SCHEMA}")
    stops = [start, *(start + stop for stop in itertools.accumulate(written["seats"]))]
    parts = [data[first:last] for first, last in itertools.pairwise(stops)]
    written["seats"] = [msgspec.msgpack.decode(part) for part in parts]
    return written
