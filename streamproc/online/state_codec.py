"""Encode the online models of a partition: shared values, then each model."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from streamproc.errors import StreamprocError
from streamproc.online.serialization import GraphError

SCHEMA: Final = 2
"""Raised by one whenever the same bytes would mean something else."""
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
"""What bytes that are no state can lead to."""
_encode: Final = msgspec.msgpack.Encoder().encode


class ModelStateError(StreamprocError):
    """The state of online models cannot be used, and nothing of it was.

    They start anew from the outcomes that are still there.
    """


def pack(shared: Mapping[str, Any], seats: Sequence[Any]) -> list[bytes]:
    """Write plain values, in parts: what does not change in one leaves its bytes what they are."""
    parts = [_encode(seat) for seat in seats]
    head = _encode({"schema": SCHEMA, **shared, "seats": [len(part) for part in parts]})
    return [len(head).to_bytes(_LENGTH) + head, *parts]


def unpack(data: bytes) -> dict[str, Any]:
    """Read what `pack` wrote: what is shared, and under ``seats`` the rest.

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
